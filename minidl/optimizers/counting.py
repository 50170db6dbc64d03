"""Optimizers whose step depends on how many steps a parameter has made."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.checks import check_array
from minidl.errors import ShapeError, StateError
from minidl.optimizers.optimizer import Optimizer
from minidl.types import Array
from minidl.vectors import ParameterVector


class CountingOptimizer(Optimizer):
    """One that counts the updates of each parameter: while it is frozen, it has none.

    `update` is also given `missed`: the number of this update is ``self.steps + 1 - missed``, from 1.
    """

    def __init__(self, lr: float) -> None:
        super().__init__(lr)
        self._missed: Array | None = None  # by each parameter, in the net's order, when `steps` was
        self._counted = 0  # this
        self._frozen: Array | int = 0  # 1 for each that has missed all since then

    def _misses(self) -> Array | None:
        """Updates that each parameter has missed; None while no net is known."""
        return None if self._missed is None else self._missed + (self.steps - self._counted) * self._frozen

    def _told(self, parameters: ParameterVector) -> list[dict[str, Any]]:
        missed = self._misses()
        if missed is None:
            missed = np.zeros(len(parameters), np.int64)
        if missed.shape != (len(parameters),):
            expected = f"missed of shape {(len(parameters),)}, a number a parameter"
            remedy = "load the state of this very net"
            raise ShapeError.expected(type(self).__name__, expected, missed.shape, remedy)
        self._missed, self._counted = missed, self.steps
        self._frozen = np.array([parameter.frozen for _, parameter in parameters.items()], np.int64)
        told = super()._told(parameters)
        return [{**one, "missed": count} for one, count in zip(told, missed.tolist(), strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """As `Optimizer.state_dict`, and ``missed``: the updates that each parameter has missed, frozen."""
        return {**super().state_dict(), "missed": self._misses()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` gave; it goes with the next net that is stepped."""
        name = type(self).__name__
        if not isinstance(state, dict) or "missed" not in state:
            raise StateError.expected(name, "a state with missed, lr, steps and its vectors", shown(state))
        missed = state["missed"]
        if missed is not None:
            missed = np.array(check_array(name, "missed", missed, kinds="iu"))
            if missed.size and not 0 <= missed.min() <= missed.max() <= state["steps"]:
                raise StateError.expected(name, "missed from 0 to steps", shown(missed.tolist()))
        super().load_state_dict({key: value for key, value in state.items() if key != "missed"})
        self._missed, self._counted, self._frozen = missed, self.steps, 0
