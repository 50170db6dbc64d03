"""One thread's call with another thread's calls in its midst, at the same places every time."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

_MOST = 150  # places; of a call with more steps, so many spread evenly over it
_PATIENCE_SECONDS = 0.1  # for a thread that may be waiting for a lock which the traced call holds


def interleaved(call: Callable[[], Any], between: Callable[[], Any]) -> Any:
    """What `call` gives while another thread runs `between` from start to end at any step of it.

    A step is a bytecode, of whatever Python code is called too. Threads left to themselves are
    switched at a few of these places, others each time: a race would be seen now and then.
    """
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    _traced(call, count)
    every = -(-steps // _MOST) or 1
    with _Other(between) as other:
        steps = 0

        def interrupt() -> None:
            nonlocal steps
            steps += 1
            if steps % every == 0:
                other.run()

        return _traced(call, interrupt)


class _Other:
    """The other thread. Two bare locks hand over to it and back: a pool's futures take ten times as long."""

    def __init__(self, between: Callable[[], Any]) -> None:
        self._between = between
        self._asked, self._done = threading.Lock(), threading.Lock()
        self._running = self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def run(self) -> None:
        """One more call, waited for; where the last one still waits for a lock, only a look at that one."""
        patience = 0.0 if self._running else _PATIENCE_SECONDS
        if not self._running:
            self._running = True
            self._asked.release()
        self._finish(patience)

    def _finish(self, patience: float) -> None:
        if not self._done.acquire(timeout=patience):
            return
        self._running = False
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while self._asked.acquire() and not self._ended:
            try:
                self._between()
            except BaseException as error:
                self._error = error
            self._done.release()

    def __enter__(self) -> Self:
        self._asked.acquire()
        self._done.acquire()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._running:
                self._finish(-1)
        finally:
            self._ended = True
            self._asked.release()
            self._thread.join()


def _traced(call: Callable[[], Any], at_each_step: Callable[[], None]) -> Any:
    def trace(frame: Any, event: str, _: Any) -> Any:
        if event == "call":
            frame.f_trace = trace  # from 3.13 on, bytecodes are traced of a frame that has it
        else:
            at_each_step()
        # Anew each time: in 3.13 another thread that runs the same code puts an end to it.
        while frame and frame.f_trace is trace:
            frame.f_trace_opcodes = True
            frame = frame.f_back
        return trace

    before, collects = sys.gettrace(), gc.isenabled()
    gc.disable()  # what a collection calls would count as steps, and swallow the other thread's error
    sys._getframe().f_trace_opcodes = True  # 3.12 leaves bytecodes out where there is no such frame yet
    sys.settrace(trace)
    try:
        return call()
    finally:
        sys.settrace(before)
        if collects:
            gc.enable()
