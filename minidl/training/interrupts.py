"""Ctrl-C during a fit, taken between two steps."""

from __future__ import annotations

import signal
import threading
from types import TracebackType
from typing import Any, Self


class Interrupts:
    """Within the ``with``, the first Ctrl-C only sets `pending`; the second leaves at once.

    On the way out a Ctrl-C that nobody took raises `KeyboardInterrupt`. Only in a main thread, and
    only where Ctrl-C does what Python makes it do: another handler is its program's business.
    """

    pending = False

    def __enter__(self) -> Self:
        is_main = threading.current_thread() is threading.main_thread()
        self._held = is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._held:
            signal.signal(signal.SIGINT, self._take)
        return self

    def _take(self, number: int, frame: Any) -> None:
        if self.pending:
            # Here, since this one may break off `__exit__`.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.default_int_handler(number, frame)
        self.pending = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._held:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self.pending and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error
