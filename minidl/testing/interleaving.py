"""One thread's call with another thread's calls in its midst, at the same places every time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

_MOST = 300  # places; of a call with more steps, so many spread evenly over it
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
    with ThreadPoolExecutor(1) as pool:
        pending: Future[Any] | None = None

        def interrupt() -> None:
            nonlocal steps, pending
            steps += 1
            if steps % every:
                return
            patience = 0.0 if pending else _PATIENCE_SECONDS
            pending = pending or pool.submit(between)
            if wait({pending}, patience).done:
                done, pending = pending, None
                done.result()

        return _traced(call, interrupt)


def _traced(call: Callable[[], Any], at_each_step: Callable[[], None]) -> Any:
    def trace(frame: Any, event: str, _: Any) -> Any:
        frame.f_trace_opcodes = True
        if event != "call":
            at_each_step()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return call()
    finally:
        sys.settrace(before)
