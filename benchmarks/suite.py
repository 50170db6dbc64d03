"""What a suite is: problems, who takes part, how they are measured and shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from benchmarks.results import Result

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.rounds import Session


@dataclass(frozen=True)
class Problem:
    """One row of a suite: what is measured. A subclass's fields travel to the workers as JSON."""

    label: str

    @property
    def units(self) -> int:
        """How many of what the suite's unit counts, steps for example, one run consists of."""
        return 1


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


class Suite(ABC):
    """One question to all contestants.

    A contestant takes part through a class named `task` in its module, a `Task`, which is made in
    the contestant's own process for each problem. A suite that cannot work so (fresh processes,
    other quantities than time) overrides `measure`.
    """

    name: ClassVar[str]
    """On the command line and in files."""
    help: ClassVar[str]
    """One line."""
    task: ClassVar[str]
    contestants: ClassVar[tuple[str, ...]]
    """Who can take part, in the table's order."""
    default_peers: ClassVar[tuple[str, ...] | None] = None
    """Those that run where nobody asks for others; None: all of them."""
    problem: ClassVar[type[Problem]]
    unit: ClassVar[Unit] = Unit()
    base: ClassVar[str] = "floor"
    """The contestant that a column sets the others in proportion to; empty: none."""
    tolerance: ClassVar[float] = 1e-5
    """How far an answer may be off the reference, relative to it."""
    notes: ClassVar[tuple[str, ...]] = ()
    """Lines below the table: what the reader must know."""

    @abstractmethod
    def problems(self, quick: bool) -> Sequence[Problem]:
        """The rows; fewer for a quick look."""

    @abstractmethod
    def reference(self, problem: Problem) -> list[float]:
        """The answers that every contestant must give, but for rounding."""

    def measure(self, session: Session) -> Iterable[Result]:
        """All problems, each contestant in one process that stays, taking turns.

        What comes row by row is kept if the run is broken off later.
        """
        from benchmarks.rounds import measure_in_workers

        return measure_in_workers(self, session)

    def remarks(self, results: Sequence[Result]) -> list[str]:
        """Lines below the table that follow from the figures."""
        return []

    def plot(self, results: Sequence[Result], path: Path) -> None:
        """Draw the results into an image file."""
        from benchmarks.plots import plot_dots

        plot_dots(self, results, path)
