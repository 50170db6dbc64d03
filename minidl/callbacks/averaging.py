"""The average of the parameters over a training."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

from minidl.callbacks.callback import Training
from minidl.callbacks.substitution import Substitution
from minidl.checks import check_float, check_int
from minidl.data import Dataset
from minidl.layers import BatchNorm1d, BatchNorm2d
from minidl.net import Net
from minidl.types import Array


class Average(Substitution):
    """At a fit's end the net holds an average of its parameters, which often does better than the last ones.

    With `decay`, an exponential moving average over the steps:
    ``mean += (1 - decay) * (parameters - mean)`` after each, from the first one's parameters on.
    Without, the equal mean of the parameters at the epochs' ends, known as SWA. The running statistics
    of batch norms are made anew for it, from the training data in batches of the fit's size: the mean
    over the batches, in their order. The next fit goes on from the training's own values.

    Source: Polyak, Juditsky (1992), "Acceleration of stochastic approximation by averaging"; Izmailov et
    al. (2018), "Averaging weights leads to wider optima and better generalization", arXiv:1803.05407.

    Parameters
    ----------
    decay : float in [0, 1), optional
        0.999 is usual: the mean then reaches back a thousand steps or so.
    start : int >= 0
        So many epochs come before what is averaged.
    """

    def __init__(self, decay: float | None = None, *, start: int = 0) -> None:
        self.decay = None if decay is None else check_float("Average", "decay", decay, at_least=0, below=1)
        self.start = check_int("Average", "start", start, at_least=0)
        self._begin()

    def _begin(self) -> None:
        self._count = 0
        self._mean = self._difference = np.zeros(0)

    def on_fit_start(self, trainer: Training) -> None:
        """Go on from the training's own values."""
        super().on_fit_start(trainer)
        if not trainer.step:  # of another Trainer than the last fit
            self._begin()

    def on_step_end(self, trainer: Training) -> None:
        """Take up the step, where steps are averaged."""
        if self.decay is not None and trainer.epoch >= self.start:
            self._add(trainer.net.parameters.values, 1 - self.decay)

    def on_epoch_end(self, trainer: Training) -> None:
        """Take up the epoch, where epochs are averaged."""
        if self.decay is None and trainer.epoch > self.start:
            self._add(trainer.net.parameters.values, 1 / (self._count + 1))

    def _add(self, values: Array, share: float) -> None:
        if not self._count:
            self._mean, self._difference = values.copy(), np.empty_like(values)
        else:
            np.subtract(values, self._mean, out=self._difference)
            self._difference *= share
            self._mean += self._difference
        self._count += 1

    def on_fit_end(self, trainer: Training) -> None:
        """Give the net the average."""
        if self._count and self._own is None:
            states = renewed_statistics(trainer.net, self._mean, trainer.train, trainer.batch_size)
            self._substitute(trainer.net, self._mean, states)


def renewed_statistics(net: Net, parameters: Array, train: Dataset, batch_size: int) -> Array:
    """What ``net.state.values`` would be with other parameters: batch norms' statistics made from `train`.

    Each is the mean over the batches, in the order of the samples. A last batch of one sample, which
    need not have a variance, is left out.
    """
    if not any(_batch_norms(net)):
        return net.state.values.copy()
    net = copy.deepcopy(net)  # whose buffers and generators may be used
    net.parameters.values[...] = parameters
    norms = list(_batch_norms(net))
    for norm in norms:
        norm.running_mean.value[...] = norm.running_var.value[...] = 0
    starts = range(0, max(len(train) - 1, 1), batch_size)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows shows in the scores
        for count, start in enumerate(starts, 1):
            for norm in norms:
                norm.momentum = 1 / count
            features = net._input(train[start : start + batch_size].features)
            net.forward(net._convert(features), training=True)
    return net.state.values


def _batch_norms(net: Net) -> Iterator[BatchNorm1d | BatchNorm2d]:
    return (module for _, module in net.named_modules() if isinstance(module, (BatchNorm1d, BatchNorm2d)))
