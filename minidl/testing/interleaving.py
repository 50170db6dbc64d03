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

        given = _traced(call, interrupt)
        if pending:
            pending.result()
        return given


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

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # 3.12 leaves bytecodes out where there is no such frame yet
    sys.settrace(trace)
    try:
        return call()
    finally:
        sys.settrace(before)
