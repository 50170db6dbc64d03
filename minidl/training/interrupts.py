"""Ctrl-C and requests to end, taken between two steps of a fit."""

from __future__ import annotations

import signal
import threading
from types import TracebackType
from typing import Any, NoReturn, Self

_TAKEN = {
    number: default
    for name, default in (
        ("SIGINT", signal.default_int_handler), ("SIGTERM", signal.SIG_DFL), ("SIGHUP", signal.SIG_DFL),
    )
    if (number := getattr(signal, name, None)) is not None  # Windows has no SIGHUP
}  # fmt: skip
"""The signals, and the handlers in whose place they are taken: another one is its program's business."""


def _is_own(handler: Any) -> bool:
    """Whether it is that of a fit, in a callback of which another fit runs."""
    return isinstance(getattr(handler, "__self__", None), Interrupts)


class Interrupts:
    """Within the ``with``, the first Ctrl-C, SIGTERM or SIGHUP only sets `pending`; a second leaves at once.

    On the way out one that nobody took is raised, as `leave` does. Only in a main thread, and only where
    a signal does what Python makes it do. One within another takes it in its place.

    Attributes
    ----------
    pending : int
        The signal's number; 0 while none came.
    """

    pending = 0

    def __enter__(self) -> Self:
        self._held = {}
        if threading.current_thread() is threading.main_thread():
            before = {each: signal.getsignal(each) for each in _TAKEN}
            self._held = {each: was for each, was in before.items() if was == _TAKEN[each] or _is_own(was)}
        for number in self._held:
            signal.signal(number, self._take)
        return self

    def _take(self, number: int, frame: Any) -> None:
        before, self.pending = self.pending, number
        if before:
            self._give_back()  # here, since this one may break off `__exit__`
            self.leave()

    def leave(self) -> NoReturn:
        """Raise what the signal means: KeyboardInterrupt, or SystemExit with the code of its number.

        It is what the shell says of a program that a signal ended: 143 for SIGTERM, 129 for SIGHUP.
        """
        if self.pending == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + self.pending)

    def _give_back(self) -> None:
        # Ctrl-C comes last: once it is given back, it can break this off.
        for number, handler in reversed(self._held.items()):
            if signal.getsignal(number) == self._take:  # else somebody has set another one meanwhile
                signal.signal(number, handler)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()
        if self.pending and not isinstance(error, (KeyboardInterrupt, SystemExit)):
            try:
                self.leave()
            except BaseException as ending:
                raise ending from error
