"""What a suite is: a description that the runner, the tables and the pictures read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.problems import Problem
from benchmarks.results import Result

ALWAYS = ("floor", "minidl")
"""Those that everything is compared with; the others are the peers."""


@dataclass(frozen=True)
class Unit:
    """How values are shown: `scale` turns seconds or bytes into what `name` says."""

    name: str = "µs a step"
    scale: float = 1e6
    less: str = "faster"
    more: str = "slower"
    format: str = ",.0f"

    def show(self, value: float) -> str:
        """The value as a number in this unit."""
        return f"{value * self.scale:{self.format}}"


def _nothing(_: object) -> list[Any]:
    return []


@dataclass(frozen=True)
class Suite:
    """One question to all contestants."""

    name: str
    """On the command line and in files."""
    help: str
    """One line."""
    contestants: tuple[str, ...]
    """Who can take part, in the table's order."""
    problems: Callable[[bool], Sequence[Problem]]
    """The rows; fewer for a quick look."""
    task: str = ""
    """The class in each contestant's module, a `Task`; none where the problems are whole programs."""
    reference: Callable[[Any], Sequence[float]] = _nothing
    """The answers to a problem that every contestant must give, but for rounding."""
    tolerance: float = 1e-5
    """How far an answer may be off the reference, relative to it."""
    default_peers: tuple[str, ...] | None = None
    """Those that run where nobody asks for others; None: all of them."""
    patience: float = 1.0
    """How many times as long as elsewhere a contestant works in one round."""
    write_input: Callable[[Path], object] = _nothing
    """Write what programs read into the directory in which they are started."""
    unit: Unit = Unit()
    base: str = "floor"
    """The contestant that a column sets the others in proportion to; empty: none."""
    notes: tuple[str, ...] = ()
    """Lines below the table: what the reader must know."""
    remarks: Callable[[Sequence[Result]], list[str]] = _nothing
    """Lines below the table that follow from the figures."""
    axes: Mapping[str, str] = field(default_factory=dict)
    """Where problems are `OnAxis`, the title of each axis; the picture then shows lines along them."""

    def chosen(self, peers: Sequence[str] | None) -> list[str]:
        """Who is to take part: always the floor and minidl, and the peers asked for or the suite's own."""
        if peers is None:
            peers = self.contestants if self.default_peers is None else self.default_peers
        return [name for name in self.contestants if name in ALWAYS or name in peers]
