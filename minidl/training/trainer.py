"""The Trainer: the loop that brings net, optimizer, schedule and data together."""

from __future__ import annotations

import copy
import time
from typing import Never

import numpy as np

from minidl.checks import check_int
from minidl.data import Batches, Dataset
from minidl.data.dataset import check_dataset
from minidl.errors import ConfigurationError, MinidlError, StateError
from minidl.kernels.rows import take_rows
from minidl.net import head_loss
from minidl.optimizers import LBFGS
from minidl.training.ending import calling_at_the_end
from minidl.training.history import History
from minidl.training.interrupts import Interrupts
from minidl.training.resuming import ResumableLoop
from minidl.transforms import Transform
from minidl.transforms.transform import check_transform


class Trainer(ResumableLoop):
    """Trains a net; everything it has done so far is in it, and a further fit goes on from there.

    The same seed gives the same bits on the same machine, with the same BLAS and number of threads.

    Parameters
    ----------
    net : Net
        With a loss at its end.
    optimizer : Optimizer
    scheduler : Scheduler, optional
        Multiplies the optimizer's ``lr``; constant by default.
    regularizer : Regularizer, optional
    metrics : list of Metric, optional
        What the history records beside the loss; by default what suits the net's loss. Copies of
        them measure: the objects themselves stay as they are.
    callbacks : sequence of Callback
    check_finite : "loss" or "all"
        What is looked at before each update. The parameters stay finite with "loss", too. With "all" the
        error names the layer and the pass, forward or backward, that gave the first number that is not
        finite, and its index: every output and every gradient is looked at, which takes its time.
    rng : Generator, seed or None
        The order of the samples. The Trainer spawns a stream of its own from it, so that nothing
        drawn elsewhere changes the shuffles.

    Attributes
    ----------
    epoch, step : int
        Epochs finished and updates made, over all fits.
    last_step : int
        The number of updates at which the running fit will end.
    train, validation : Dataset
        Those of the running fit; no validation set is None.
    batch_size : int
        The running fit's.
    history : History
    stop_reason : str or None
        What `stop` was given in the last fit.

    Examples
    --------
    >>> import minidl
    >>> from minidl import SGD, Affine, ReLU, Sequential, SoftmaxCrossEntropy, Standardize
    >>> data = minidl.data.load("digits")
    >>> net = Sequential(
    ...     Standardize(8, 6), minidl.Flatten(), Affine(64, 32, rng=0), ReLU(), Affine(32, 10, rng=1),
    ...     SoftmaxCrossEntropy(),
    ... )
    >>> trainer = Trainer(net, SGD(0.1, momentum=0.9), rng=0)
    >>> history = trainer.fit(data.train, epochs=5, validation=data.validation)
    >>> history.epochs["validation_accuracy"][-1] > 0.9
    True
    """

    def fit(
        self,
        train: Dataset,
        *more: Never,
        epochs: int | None = None,
        steps: int | None = None,
        batch_size: int = 200,
        validation: Dataset | None = None,
        sampling: str = "shuffle",
        transform: Transform | None = None,
    ) -> History:
        """Train for so many *more* epochs or steps; nothing resets, so two fits equal one long one.

        That holds also where the first was broken off. A first Ctrl-C is taken at the next step's
        boundary; a hook of a callback that raised is called again by the next fit.

        Parameters
        ----------
        train, validation : Dataset
            The validation set is evaluated at the end of each epoch, and of a fit that ends within one
            (`History.unfinished`). Where its loss is not finite, the history gets NaN and the training
            goes on; `evaluate` names the samples.
        epochs, steps : int >= 1
            One of the two. Epochs end where the data does, so a fit of one epoch after one that
            ended within an epoch finishes that one. 0 is allowed once there was a step: it finishes what
            a fit that was broken off has left to be done after its last step.
        batch_size : int >= 1
            With `LBFGS`, whose steps take all samples, how many of them pass through the net at once.
        sampling : "shuffle" or "replacement"
            See `Batches`.
        transform : Transform, optional
            What the net is trained on is made of the batches by it, and so is what the history says of
            the training; the validation set stays as it is. See `minidl.transforms`.

        Raises
        ------
        DivergedError
            Before an update that would leave the finite numbers.
        StateError
            An earlier fit was broken off within an update, by a second Ctrl-C or an error.
        """
        if (epochs is None) == (steps is None):
            got = f"epochs={epochs}, steps={steps}"
            raise ConfigurationError.expected("fit", "one of epochs and steps", got)
        unit, count = ("steps", steps) if epochs is None else ("epochs", epochs)
        left = check_int("fit", unit, count, at_least=int(not self.step))
        if transform is not None:
            check_transform("fit", transform)
        self._check_dataset("train", train, more)
        if validation is not None:
            self._check_dataset("validation", validation)
        if self._torn:
            remedy = "build net and Trainer anew, or load what was saved"
            raise StateError.expected("fit", "a Trainer whose last step is whole", self._torn, remedy)
        minimizer, rows = self.optimizer if isinstance(self.optimizer, LBFGS) else None, 0
        if minimizer is not None:
            self._check_minimizing(sampling, transform)
            rows, batch_size = check_int("fit", "batch_size", batch_size, at_least=1), len(train)
        with Interrupts() as interrupts:
            self._take_up(train, batch_size, sampling, transform)
            if epochs is not None:
                left = left * self._batches.steps_per_epoch - self._done_of_epoch()
            self.last_step = self.step + left
            self.train, self.batch_size = train, rows or batch_size
            self.history.unfinished = self.history.kept_epoch = None
            self.validation, self.stop_reason, self._clock = validation, self._reason(), time.perf_counter()
            with calling_at_the_end(lambda: self._hooks("on_fit_end"), self):
                try:
                    for callback, name in self._hooks("on_fit_start"):
                        getattr(callback, name)(self)
                    if minimizer is None:
                        self._run(interrupts)
                    else:
                        self._run_minimizing(minimizer, train, rows, interrupts)
                finally:
                    self._seconds += time.perf_counter() - self._clock
                    self._clock = 0.0
        return self.history

    def stop(self, reason: str) -> None:
        """End the running fit after the current step; callbacks and signal handlers call it."""
        self.stop_reason = reason

    def _check_dataset(self, name: str, dataset: Dataset, more: tuple[object, ...] = ()) -> None:
        """Try net, loss and metrics on the first sample, before anything has changed."""
        check_dataset("fit", name, dataset, more)
        first, targets = take_rows(dataset.features, slice(0, 1)), dataset.targets[:1]
        weights = None if dataset.weights is None else dataset.weights[:1]
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                scores = self.net(first)
                self._tally.head.check_targets(dataset.targets, scores.shape[1:])
                # A loss of a user's own may check its targets nowhere but in its forward.
                head_loss(self._tally.head, scores, targets)
                for metric in copy.deepcopy(self._tally.metrics):
                    metric.update(scores, targets, weights)
        except MinidlError as error:  # of the net, which knows no more than its batch
            raise type(error)(f"fit, {name}: {error}") from None

    def _take_up(self, train: Dataset, batch_size: int, sampling: str, transform: Transform | None) -> None:
        """Go on with the batches of the last fit, where it trained on the same; else begin anew."""
        self._go_on(train, batch_size, sampling, transform)
        last, taken = self._batches, (batch_size, sampling, transform)
        same = last and (last.batch_size, last.sampling, last.transform) == taken
        if same and last.dataset.holds_the_same(train):  # a copied trainer has a copy of it
            last.dataset = train
            return
        self._batches = Batches(train, batch_size, rng=self._rng, sampling=sampling, transform=transform)
        if (self, "_end_epoch") not in self._due:  # a step or an epoch on other data stays unfinished
            self._due = []
            self._tally.reset()
