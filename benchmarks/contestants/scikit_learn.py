"""scikit-learn's MLPClassifier."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.contestants.contestant import Contestant
from benchmarks.problem import Array, Problem


class Runner(Contestant):
    """`MLPClassifier.fit`, warm-started from the start weights; its checks of the data are in the time.

    It divides its penalty ``alpha / 2 * sum(W²)`` by the batch's size, so that an `alpha` of
    ``2 * batch * reg`` gives the loss and the gradients of all the others.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.net = MLPClassifier(
            (problem.hidden,),
            solver="sgd",
            alpha=2 * problem.batch * problem.reg,
            batch_size=problem.batch,
            learning_rate_init=problem.learning_rate,
            momentum=0.0,
            nesterovs_momentum=False,
            tol=0.0,
            n_iter_no_change=np.inf,
            random_state=0,
            warm_start=True,
        )
        self._step(np.arange(problem.batch))  # makes the arrays that the start weights go into
        self.reset()

    def reset(self) -> None:
        weights = self.problem.weights()
        for layer in (0, 1):
            self.net.coefs_[layer][...] = weights[f"W{layer + 1}"]
            self.net.intercepts_[layer][...] = weights[f"b{layer + 1}"]

    def run(self, steps: int) -> None:
        self.net.set_params(max_iter=steps // self.problem.steps_per_epoch)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # to stop at max_iter is the intention
            self.net.fit(self.features, self.labels)

    def losses(self, batches: list[Array]) -> list[float] | None:
        self.reset()
        return [self._step(rows) for rows in batches]

    def _step(self, rows: Array) -> float:
        classes = np.arange(self.problem.classes)
        net = self.net.partial_fit(self.features[rows], self.labels[rows], classes=classes)
        return float(net.loss_)
