"""Ctrl-C in the midst of a call, at bytecode instructions of chosen numbers."""

import signal
import sys
from pathlib import Path

import minidl

PLACES = (str(Path(minidl.__file__).parent), str(Path(__file__).parent))


def interrupted(call, moments):
    """Raise SIGINT at the bytecode instructions of these numbers; how many were run till the call ended.

    Those of minidl and of its tests count. Other code may be called by the interpreter, for instance
    when garbage is collected, and what is raised there never comes out of the call.
    """
    count, moments = 0, list(moments)

    def trace(frame, event, argument):
        nonlocal count
        if not frame.f_code.co_filename.startswith(PLACES):
            return None
        if event == "call":
            frame.f_trace = trace  # from 3.13 on, bytecodes are traced of a frame that has it
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            count += 1
            if moments and count == moments[0]:
                moments.pop(0)
                signal.raise_signal(signal.SIGINT)
        return trace

    def run():
        # An exception that a tracer raises may stay behind as the one that is handled: in a generator's
        # own state, which ends with it.
        yield call()

    before, running = sys.gettrace(), run()
    sys._getframe().f_trace_opcodes = True  # 3.12 leaves bytecodes out where there is no such frame yet
    sys.settrace(trace)
    try:
        next(running)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return count
