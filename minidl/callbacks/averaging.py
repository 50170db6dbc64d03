"""The average of the parameters over a training."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import numpy as np

from minidl.advice import shown
from minidl.callbacks.callback import Training
from minidl.callbacks.substitution import Substitution
from minidl.checks import check_float, check_int
from minidl.data import Dataset
from minidl.errors import StructureError
from minidl.kernels.vectors import mean_update
from minidl.net import Net
from minidl.parameters import Parameter, State
from minidl.types import Array


class Average(Substitution):
    """At a fit's end the net holds an average of its parameters, which often does better than the last ones.

    With `decay`, an exponential moving average over the steps:
    ``mean += (1 - decay) * (parameters - mean)`` after each, from the first one's parameters on.
    Without, the equal mean of the parameters at the epochs' ends, known as SWA. The next fit goes on from
    the training's own values.

    Every `State` of the net is brought up to the average by training passes over the training data, in
    batches of the fit's size and in their order. Running statistics are made anew: they become the mean
    over these batches. They are the states that a layer names by an attribute `running_states`, as batch
    norm does, and in a training forward moves by ``state += self.momentum * (batch's - state)``. Any other
    state goes on from where the training left it, by the layer's own rule.

    Source: Polyak, Juditsky (1992), "Acceleration of stochastic approximation by averaging"; Izmailov et
    al. (2018), "Averaging weights leads to wider optima and better generalization", arXiv:1803.05407.

    Parameters
    ----------
    decay : float in [0, 1), optional
        0.999 is usual: the mean then reaches back a thousand steps or so.
    start : int >= 0
        So many epochs come before what is averaged.
    """

    state_forms: ClassVar = {"_count": int, "_mean": np.ndarray, **Substitution.state_forms}
    state_names = tuple(state_forms)

    def __init__(self, decay: float | None = None, *, start: int = 0) -> None:
        self.decay = None if decay is None else check_float("Average", "decay", decay, at_least=0, below=1)
        self.start = check_int("Average", "start", start, at_least=0)
        self._begin()

    def _begin(self) -> None:
        self._count, self._mean = 0, np.zeros(0)

    def on_fit_start(self, trainer: Training) -> None:
        """Go on from the training's own values."""
        super().on_fit_start(trainer)
        running_layers(trainer.net)  # an error before the training rather than after it
        if not trainer.step:  # of another Trainer than the last fit
            self._begin()
        if self._count:
            self._require("_mean", trainer.net.parameters.values)

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
            self._mean = values.copy()
        else:
            mean_update(self._mean, values, share)
        self._count += 1

    def on_fit_end(self, trainer: Training) -> None:
        """Give the net the average."""
        if self._count and self._own is None:
            states = renewed_states(trainer.net, self._mean, trainer.train, trainer.batch_size)
            self._substitute(trainer, self._mean, states)


def renewed_states(net: Net, parameters: Array, train: Dataset, batch_size: int) -> Array:
    """What ``net.state.values`` would be with other parameters; see `Average`.

    A last batch of one sample, which need not have a variance, is left out.
    """
    if not net.state:
        return net.state.values.copy()
    net = copy.deepcopy(net)  # whose buffers and generators may be used
    net.parameters.values[...] = parameters
    layers = running_layers(net)
    for layer in layers:
        for name in layer.running_states:
            getattr(layer, name).value[...] = 0
    starts = range(0, max(len(train) - 1, 1), batch_size)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows shows in the scores
        for count, start in enumerate(starts, 1):
            for layer in layers:
                layer.momentum = 1 / count
            features = net._input(train[start : start + batch_size].features)
            net.forward(net._convert(features), training=True)
    return net.state.values


def running_layers(net: Net) -> list[Any]:
    """The layers that name running statistics; `StructureError` where one names what is none."""
    layers = [module for _, module in net.named_modules() if hasattr(module, "running_states")]
    for layer in layers:
        names, momentum = layer.running_states, getattr(layer, "momentum", None)
        states = [getattr(layer, str(name), None) for name in names] if isinstance(names, tuple) else [None]
        if not all(isinstance(state, State) and not isinstance(state, Parameter) for state in states):
            layer.fail(StructureError, "running_states to be a tuple of its states' names", shown(names))
        if not isinstance(momentum, (int, float)):
            expected = "an attribute momentum, by which its running_states move"
            layer.fail(StructureError, expected, shown(momentum), "keep the batch's share as self.momentum")
    return layers
