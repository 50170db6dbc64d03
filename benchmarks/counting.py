"""Counts what a piece of minidl does, so that the counts are the same on every machine.

Nothing here is timed. A tracer sees each bytecode instruction that minidl's own code runs, and asks
tracemalloc between any two of them, so an array that lives for one NumPy call only is seen as well.
"""

from __future__ import annotations

import dis
import gc
import inspect
import json
import re
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeAlias, TypeVar

import minidl

LARGE = 1024
"""Bytes that an instruction must allocate to be counted; numbers, views and NumPy's own needs are less."""

_T = TypeVar("_T")
_PACKAGE = str(Path(minidl.__file__).parent)
_OPERATORS = ("BINARY_", "COMPARE_OP", "STORE_SUBSCR", "STORE_SLICE", "UNARY_")


@dataclass
class Counts:
    """What a function did, or several together.

    Attributes
    ----------
    instructions : int
        Bytecode instructions of minidl's own code.
    calls : int
        Those of them that call something outside minidl's code (a NumPy function, `len`) or apply an
        operator or an index (``a += b``, ``a[rows]``), to arrays and to plain numbers alike.
    arrays, bytes : int
        Instructions that allocated `LARGE` bytes or more, and how much they did.
    """

    instructions: int = 0
    calls: int = 0
    arrays: int = 0
    bytes: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Counts) -> Counts:
        return Counts(*(a - b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass
class Costs:
    """The `Counts` of each function by its name, ``layers/affine.py Affine.forward``; the peak in bytes."""

    functions: dict[str, Counts] = field(default_factory=dict)
    peak: int = 0

    @property
    def total(self) -> Counts:
        """All functions together."""
        return sum(self.functions.values(), Counts())


def count(work: Callable[[], object]) -> dict[str, Counts]:
    """The counts of each of minidl's functions while `work` runs, in this thread."""
    tracer = _Tracer()
    with _tracemalloc():
        before = sys.gettrace()
        sys.settrace(tracer.enter)
        try:
            work()
        finally:
            sys.settrace(before)
    return tracer.functions


def peak(work: Callable[[], object]) -> int:
    """The most bytes that `work` held at once, above those held before it."""
    with _tracemalloc():
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        work()
        return tracemalloc.get_traced_memory()[1] - held


def agreed(counted: Callable[[], _T]) -> _T:
    """What two rounds of counting in a row agree on.

    tracemalloc sees what other threads allocate meanwhile, too, so a round alone may hold more than its own.

    Raises
    ------
    RuntimeError
        If 20 rounds differ, each from the one before it.
    """
    last = counted()
    for _ in range(20):
        before, last = last, counted()
        if last == before:
            return last
    raise RuntimeError("expected two equal rounds in a row, got 20 that differ: is another thread at work?")


@contextmanager
def _tracemalloc() -> Iterator[None]:
    """Allocations traced, and no garbage collection in between."""
    running, collecting = tracemalloc.is_tracing(), gc.isenabled()
    gc.collect()
    gc.disable()
    if not running:
        tracemalloc.start()
    try:
        yield
    finally:
        if not running:
            tracemalloc.stop()
        if collecting:
            gc.enable()


class _Tracer:
    """A trace function; `enter` takes the calls, `_local` the instructions of one function."""

    def __init__(self) -> None:
        self.functions: dict[str, Counts] = {}
        self._codes: dict[CodeType, tuple[Counts, bytes]] = {}
        self._last = Counts()  # of the function that ran the last instruction
        self._last_calls = False  # whether that instruction was a call
        self._held = tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0

    def enter(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        self._settle(sys.getsizeof(frame))  # made for the tracer: an untraced call makes no such object
        if not code.co_filename.startswith(_PACKAGE):
            self._restart()
            return None  # NumPy's own Python code is part of the call
        if self._last_calls and not code.co_flags & inspect.CO_GENERATOR:
            self._last.calls -= 1  # the call went to minidl itself
        self._last_calls = False
        counts, kinds = self._describe(code)
        frame.f_trace_opcodes, frame.f_trace_lines = True, False

        def local(frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
            self._settle()
            if event == "opcode":
                kind = kinds[frame.f_lasti // 2]
                counts.instructions += 1
                counts.calls += kind > 0
                self._last, self._last_calls = counts, kind == 2
            else:
                self._last_calls = False
            self._restart()
            return local

        self._restart()
        return local

    def _settle(self, tracing: int = 0) -> None:
        """Book what has been allocated since the last event, less `tracing`, to the instruction that ran."""
        allocated = tracemalloc.get_traced_memory()[1] - self._held - tracing
        if allocated >= LARGE:
            self._last.arrays += 1
            self._last.bytes += allocated

    def _restart(self) -> None:
        # What the tracer itself allocated meanwhile counts for nobody.
        tracemalloc.reset_peak()
        self._held = tracemalloc.get_traced_memory()[0]

    def _describe(self, code: CodeType) -> tuple[Counts, bytes]:
        """A function's counts, and for each of its instructions 2 for a call, 1 for an operator, else 0."""
        if code not in self._codes:
            file = code.co_filename[len(_PACKAGE) + 1 :].replace("\\", "/")
            counts = self.functions.setdefault(f"{file} {code.co_qualname}", Counts())
            kinds = bytearray(len(code.co_code) // 2)
            for instruction in dis.get_instructions(code):
                name = instruction.opname
                if name.startswith("CALL") and not name.startswith("CALL_INTRINSIC"):
                    kinds[instruction.offset // 2] = 2
                elif name.startswith(_OPERATORS):
                    kinds[instruction.offset // 2] = 1
            self._codes[code] = counts, bytes(kinds)
        return self._codes[code]


# -------------------------------------------------------------------- a budget's file


Budget: TypeAlias = Mapping[str, Costs]
"""The costs of each case by its title."""


def read(path: Path) -> dict[str, Budget]:
    """The budget of each Python version; none without a file."""
    if not path.is_file():
        return {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    return {
        version: {
            title: Costs({name: Counts(*row) for name, row in entry["functions"].items()}, entry["peak"])
            for title, entry in cases.items()
        }
        for version, cases in stored.items()
    }


def write(path: Path, budgets: Mapping[str, Budget]) -> None:
    """Write the budgets, a function a line, so that the file's history shows what changed."""
    content = {
        version: {
            title: {
                "peak": costs.peak,
                "functions": {name: astuple(counts) for name, counts in costs.functions.items()},
            }
            for title, costs in cases.items()
        }
        for version, cases in budgets.items()
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    rows = re.sub(r"\[([\d,\s-]+)\]", lambda found: f"[{' '.join(found[1].split())}]", text)
    path.write_text(rows + "\n", encoding="utf-8")
