"""The figures, and their JSON file."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from minidl.files import atomic_write

_SUMMARY = ("median", "lower_quartile", "upper_quartile")


class ResultsError(Exception):
    """A file that holds no results."""


@dataclass
class Result:
    """One contestant on one row: a value a round, in seconds (or bytes) a unit."""

    suite: str
    row: str
    threads: int
    contestant: str
    values: list[float]
    difference: float | None = None
    """The largest relative one from the reference's answers; None where there is none."""
    problem: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int]:
        """What the results of all contestants on one row have in common."""
        return self.row, self.threads

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        if len(self.values) < 2:
            return self.values[0], self.values[0]
        lower, _, upper = statistics.quantiles(self.values, n=4, method="inclusive")
        return lower, upper


@dataclass
class Report:
    """All that a run found out."""

    machine: dict[str, str]
    libraries: list[dict[str, Any]] = field(default_factory=list)
    """A record for each BLAS in each process: `suite`, `contestant`, `library`, `threads`."""
    bystanders: dict[str, float] = field(default_factory=dict)
    """Cores that other programs kept busy during each suite."""
    skipped: list[dict[str, str]] = field(default_factory=list)
    """`suite`, `contestant`, `reason`; and `row`, where it failed or was wrong on that one only."""
    results: list[Result] = field(default_factory=list)

    def of(self, suite: str) -> list[Result]:
        """The suite's results."""
        return [result for result in self.results if result.suite == suite]

    def skip(self, suite: str, contestant: str, reason: str, row: str = "") -> None:
        """Note why a contestant is not there, once."""
        record = {"suite": suite, "contestant": contestant, "reason": reason}
        if row:
            record["row"] = row
        if record not in self.skipped:
            self.skipped.append(record)

    def write(self, path: Path) -> None:
        """Everything as JSON, with every round's value."""
        content = asdict(self)
        for record, result in zip(content["results"], self.results, strict=True):
            record |= zip(_SUMMARY, (result.median, *result.quartiles), strict=True)
        with atomic_write(path) as file:
            file.write((json.dumps(content, indent=1) + "\n").encode())

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` wrote; a `ResultsError` for a file that is something else."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            for record in content["results"]:
                for summary in _SUMMARY:
                    record.pop(summary, None)
            content["results"] = [Result(**record) for record in content["results"]]
            return cls(**content)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            problem = f"{type(error).__name__}: {error}"
            raise ResultsError(
                f"{path}: expected a results.json of these benchmarks, got {problem}"
            ) from None


def rows(results: Iterable[Result]) -> list[dict[str, Result]]:
    """The results of each row by contestant; rows in their order, of each the fewest threads first."""
    order: dict[str, dict[int, dict[str, Result]]] = {}
    for result in results:
        order.setdefault(result.row, {}).setdefault(result.threads, {})[result.contestant] = result
    return [threads[count] for threads in order.values() for count in sorted(threads)]
