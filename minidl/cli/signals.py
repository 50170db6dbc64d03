"""How a command ends that is asked to: by Ctrl-C, by SIGTERM, or as its terminal is closed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from minidl.training.interrupts import Interrupts

ASKED = (KeyboardInterrupt, SystemExit)
"""What ends a command that is asked to end, at the moment it is asked or at the next step."""


def exit_code(asked: BaseException) -> int:
    """130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
    code = asked.code if isinstance(asked, SystemExit) else 128 + signal.SIGINT
    return code if isinstance(code, int) else 1


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within the ``with``, SIGTERM and SIGHUP raise `SystemExit` at once, as Ctrl-C its own exception.

    Unlike the system's way of ending a process, that lets what is being written be finished or removed.
    Like `Interrupts`, only in a main thread, and only where nobody else handles them.
    """
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    is_main = threading.current_thread() is threading.main_thread()
    taken = [number for number in numbers if is_main and signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _leave(number: int, frame: Any) -> NoReturn:
    raise SystemExit(128 + number)


def do_and_keep(work: Callable[[], object], keep: Callable[[BaseException | None], object]) -> None:
    """Do the work, and keep what came of it, given the error that ended it or None, whatever happens.

    The keeping is not broken off by a signal, unless by a second one that comes meanwhile; the first is
    raised at its end, as `Interrupts` does it. What ended the work is raised again.
    """
    begun = False

    def keep_whole(error: BaseException | None) -> None:
        nonlocal begun
        with Interrupts():
            begun = True
            keep(error)

    ended: BaseException | None = None
    try:
        try:
            work()
        except BaseException as error:
            ended = error
            raise
        finally:
            keep_whole(ended)
    except ASKED as asked:
        if not begun:  # one more signal, in the moment before it was held back
            keep_whole(asked)
        raise
