"""Other values in a net between two fits, which go on from its own."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minidl.callbacks.callback import Callback, Training
from minidl.net import Net
from minidl.stateful import check_forms, fits
from minidl.types import Array

PAIR = [(np.ndarray, np.ndarray), None]
"""The form of parameters and states that are kept."""


class Substitution(Callback):
    """The base of callbacks that leave better values in the net at a fit's end than the last ones.

    The next fit begins by putting the last ones back, so that two fits equal one long one. Where the
    net has been changed meanwhile, training goes on from what it holds.
    """

    state_forms: ClassVar[dict[str, Any]] = {"_own": PAIR, "_given": PAIR}
    _own: tuple[Array, Array] | None = None  # parameters and states as the training left them
    _given: tuple[Array, Array] | None = None

    def on_fit_start(self, trainer: Training) -> None:
        """Put back the values of the training: those of all such callbacks, the last one's first."""
        for callback in reversed(trainer.callbacks):
            if isinstance(callback, Substitution):
                callback._put_back(trainer.net)

    def _require(self, name: str, form: Any) -> None:
        """`StateError` for what a state brought that cannot be of the net that is trained."""
        check_forms(type(self).__name__, vars(self), {name: form})

    def _substitute(
        self, trainer: Training, parameters: Array, states: Array, epoch: int | None = None
    ) -> None:
        """Keep the net's values, and give it these, which stay as they are until the next fit.

        Where they are those after an `epoch`, the history says so.
        """
        net, trainer.history.kept_epoch = trainer.net, epoch
        self._own = net.parameters.values.copy(), net.state.values.copy()
        self._given = parameters, states
        net.parameters.values[...], net.state.values[...] = parameters, states

    def _put_back(self, net: Net) -> None:
        own, self._own = self._own, None
        held = net.parameters.values, net.state.values
        if self._given and fits(own, held) and all(map(np.array_equal, held, self._given)):
            for values, kept in zip(held, own or (), strict=True):
                values[...] = kept
