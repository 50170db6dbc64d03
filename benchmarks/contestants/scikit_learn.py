"""scikit-learn's MLPClassifier."""

from __future__ import annotations

import warnings

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.contestants.task import EpochTask, PredictTask, StepTask
from benchmarks.problems import EpochTraining, Prediction, Training
from minidl.types import Array


class Step(StepTask):
    """`MLPClassifier.fit`, warm-started from the start weights.

    Its check of all data for NaN, once a fit, is switched off by ``assume_finite``. It divides its
    penalty ``alpha / 2 * sum(W²)`` by the batch's size, so that an `alpha` of ``2 * batch * reg``
    gives the loss and the gradients of all the others.
    """

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        sklearn.set_config(assume_finite=True)
        self.net = MLPClassifier(
            problem.hidden,
            solver="sgd",
            alpha=2 * problem.batch * problem.reg,
            batch_size=problem.batch,
            learning_rate_init=problem.learning_rate,
            momentum=0.0,
            nesterovs_momentum=False,
            tol=0.0,
            n_iter_no_change=np.inf,
            random_state=0,
        )
        self.loss(np.arange(problem.batch))  # makes the arrays that the start weights go into
        self.reset()

    def reset(self) -> None:
        for layer, (weight, bias) in enumerate(self.start):
            self.net.coefs_[layer][...] = weight
            self.net.intercepts_[layer][...] = bias

    def run(self, count: int) -> None:
        self.net.set_params(max_iter=count, warm_start=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # to stop at max_iter is the intention
            self.net.fit(self.features, self.labels)

    def loss(self, rows: Array) -> float:
        classes = np.arange(self.problem.classes)
        self.net.set_params(warm_start=False)  # with it, a batch would have to hold every class
        net = self.net.partial_fit(self.features[rows], self.labels[rows], classes=classes)
        return float(net.loss_)


class Epoch(EpochTask, Step):
    """`partial_fit`, which is one epoch, and `score`."""

    def __init__(self, problem: EpochTraining) -> None:
        super().__init__(problem)
        sklearn.set_config(assume_finite=False)  # as it is for its users

    def run(self, count: int) -> None:
        for _ in range(count):
            self.net.partial_fit(self.features, self.labels)
            self.net.score(self.held_out, self.held_out_labels)

    def validation_loss(self) -> float:
        p = self.net.predict_proba(self.held_out)
        chosen = p[np.arange(len(p)), self.held_out_labels]
        return float(-np.log(chosen).mean(dtype=np.float64))


class Predict(PredictTask):
    """`MLPClassifier.predict`."""

    def __init__(self, problem: Prediction) -> None:
        super().__init__(problem)
        classes = np.arange(problem.classes)
        rows = np.zeros((len(classes), problem.features), np.float32)
        self.net = MLPClassifier(problem.hidden, random_state=0).partial_fit(rows, classes, classes=classes)
        self.net.coefs_ = [weight for weight, _ in self.start]
        self.net.intercepts_ = [bias for _, bias in self.start]

    def predict(self) -> Array:
        return np.asarray(self.net.predict(self.numbers(self.x)))

    def probabilities(self, x: Array) -> Array:
        return np.asarray(self.net.predict_proba(self.numbers(x)))
