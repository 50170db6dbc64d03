"""What a check gives: an error that names the fault in few lines, or a report of what was compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from minidl.errors import MinidlError

MAX_LINES = 12
"""Lines of a failure's text; a person reads no more."""


class GradientError(MinidlError, AssertionError):
    """Backward disagrees with the differences of forward, or there is nothing to compare with."""


class ClauseError(MinidlError, AssertionError):
    """One clause is not kept; the message says how."""


class ClauseSkipped(Exception):  # noqa: N818 - no error: raised by a clause that has nothing to say
    """The clause does not apply; the message says why."""


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` compared.

    Attributes
    ----------
    errors : mapping of str to float
        Per array (``"x"``, ``"weight"``, …) the largest difference between analytic and numeric
        gradient, relative to the array's largest gradient.
    compared : int
        Elements, or directions for a large layer.
    kinks : int
        Points given up because a kink was too near, and resampled.
    by_element : bool
        Whether every element was compared (the full Jacobian), or random directions were.
    """

    errors: Mapping[str, float]
    compared: int
    kinks: int
    by_element: bool

    @property
    def worst(self) -> float:
        """The largest of `errors`; 0 where there was nothing to compare."""
        return max(self.errors.values(), default=0.0)

    def __str__(self) -> str:
        unit = "elements" if self.by_element else "directions"
        kinks = f", {self.kinks} kinks met" if self.kinks else ""
        return f"{self.compared} {unit}, largest relative error {self.worst:.1e}{kinks}"


@dataclass(frozen=True)
class Result:
    """The outcome of one clause: `status` is "ok", "FAILED" or "skipped"."""

    clause: str
    status: str
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """The outcome of all clauses on one subject; `print` shows it as a table.

    Attributes
    ----------
    results : tuple of Result
    left : int
        Clauses that were not run, because the first one showed that a plain call raises.
    """

    subject: str
    results: tuple[Result, ...]
    left: int = 0

    @property
    def failed(self) -> tuple[Result, ...]:
        """The results that failed."""
        return tuple(result for result in self.results if result.status == "FAILED")

    def __str__(self) -> str:
        width = max(len(result.clause) for result in self.results)
        rows = []
        for result in self.results:
            first, *more = result.detail.splitlines() or [""]
            rows.append(f"{result.clause:<{width}}  {result.status:<7}  {first}".rstrip())
            rows += [f"{'':<{width}}           {line.strip()}" for line in more]
        kept = sum(result.status == "ok" for result in self.results)
        skipped = len(self.results) - kept - len(self.failed)
        rows.append(f"{self.subject}: {kept} ok, {len(self.failed)} failed, {skipped} skipped")
        if self.left:
            rows[-1] += f", {self.left} not run"
        if self.failed:  # at the bottom, which is what a terminal shows
            worst = self.failed[0]
            rows.append(f"mend first: {worst.clause}: {worst.detail.splitlines()[0]}")
        return "\n".join(rows)


class ContractError(MinidlError, AssertionError):
    """Clauses are not kept; ``error.report`` has every one.

    Attributes
    ----------
    report : Report
    """

    report: Report

    @classmethod
    def of(cls, report: Report) -> Self:
        """The error that tells of the failed clauses, the first ones in full."""
        failed = report.failed
        lines = [f"{report.subject}: {len(failed)} of {len(report.results) + report.left} clauses failed"]
        if report.left:
            lines[0] += "; the others were not run"
        if len(failed) > 1:
            lines[0] += "; mend the first one first, for others may follow from it"
        also = [result.clause for result in failed]
        where = ""
        for result in failed:
            detail = result.detail.splitlines()
            if len(detail) > 1 and detail[-1] == where:
                detail.pop()  # the same case as the clause before
            elif len(detail) > 1:
                where = detail[-1]
            if len(lines) + len(detail) > MAX_LINES - 1 and len(also) < len(failed):
                break
            lines.append(f"  {result.clause}: {detail[0]}")
            lines += [f"    {line.strip()}" for line in detail[1 : MAX_LINES - 2]]
            also.remove(result.clause)
        if also:
            lines.append(f"  also failed: {', '.join(also)}")
        error = cls("\n".join(lines))
        error.report = report
        return error


class LayerContractError(ContractError):
    """A layer does not keep its contract."""
