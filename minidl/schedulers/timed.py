"""What schedules that run over a span of epochs or of steps have in common."""

from __future__ import annotations

from typing import Any

from minidl.checks import check_int
from minidl.errors import ConfigurationError
from minidl.schedulers.scheduler import Scheduler


class Timed(Scheduler):
    """One that counts either epochs or steps: whichever of its two arguments is given.

    Attributes
    ----------
    epochs, steps
        One of the two, as the subclass keeps it; the other is None.
    """

    def __init__(self, epochs: Any, steps: Any) -> None:
        if (epochs is None) == (steps is None):
            got = f"epochs={epochs!r}, steps={steps!r}"
            raise ConfigurationError.expected(type(self).__name__, "one of epochs and steps", got)
        self.epochs, self.steps = epochs, steps
        self._unit = "epochs" if steps is None else "steps"
        setattr(self, self._unit, self._checked(getattr(self, self._unit)))

    def _checked(self, span: Any) -> Any:
        """What `epochs` or `steps` holds, or `ConfigurationError`: here, a number of them."""
        return check_int(type(self).__name__, self._unit, span, at_least=1)

    def _span(self) -> Any:
        """The one of `epochs` and `steps` that was given."""
        return self.epochs if self.steps is None else self.steps

    def _time(self, epoch: int, step: int) -> int:
        """How many epochs or steps have passed."""
        unit, now = ("epoch", epoch) if self.steps is None else ("step", step)
        return check_int(type(self).__name__, unit, now, at_least=0)

    def _done(self, epoch: int, step: int) -> float:
        """Which share of the span is over, 1 from its end on."""
        return float(min(self._time(epoch, step) / self._span(), 1.0))

    def units(self) -> set[str]:
        """The one that was given."""
        return {self._unit}

    def _repr(self, *first: object, **options: object) -> str:
        """Code: what comes `first`, the unit, the rest."""
        options = {self._unit: self._span(), **options}
        arguments = [*map(repr, first), *(f"{name}={value!r}" for name, value in options.items())]
        return f"{type(self).__name__}({', '.join(arguments)})"
