"""The contract of an optimizer: the vector of parameters changed in place from the vector of gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from minidl.checks import check_float
from minidl.parameters import ParameterVector


class Optimizer(ABC):
    """One way to step along the gradient.

    Parameters
    ----------
    lr : float > 0
        The learning rate.

    Attributes
    ----------
    base_lr : float
        The rate it was made with; a schedule multiplies this one.
    lr : float
        The rate of the next step, which the Trainer sets before each.
    """

    def __init__(self, lr: float) -> None:
        self.base_lr = check_float(type(self).__name__, "lr", lr, above=0)
        self.lr = self.base_lr

    @abstractmethod
    def step(self, parameters: ParameterVector) -> None:
        """Change ``parameters.values`` in place; the gradients are read only."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs beside the constructor's arguments, as copies."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` gave."""
