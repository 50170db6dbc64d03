"""Running clauses on a case, and making a failing case small."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from minidl.checks import check_list
from minidl.errors import ConfigurationError
from minidl.testing.reports import ClauseSkipped, ContractError, GradientError, Report, Result

Clause: TypeAlias = Callable[[Any], "str | None"]
"""Takes a case; raises an AssertionError if the case breaks it, or returns what it saw."""

_HERE = str(Path(__file__).parent)


class Case(Protocol):
    """What clauses run on."""

    def smaller(self) -> Iterator[Any]:
        """Simpler cases, the simplest first."""

    def describe(self) -> str:
        """The case, for a failure's text."""


def named(clauses: Iterable[Clause]) -> dict[str, Clause]:
    """The clauses by their names, in order."""
    return {clause.__name__: clause for clause in clauses}


def run(
    subject: str,
    case: Case,
    known: Mapping[str, Clause],
    clauses: Sequence[str] | None,
    skip: Sequence[str],
    error: type[ContractError],
) -> Report:
    """Run the chosen clauses; raise `error` if any fails."""
    wanted = [] if clauses is None else check_list(subject, "clauses", clauses, str, "names")
    for name in (*wanted, *check_list(subject, "skip", skip, str, "names")):
        if name not in known:
            raise ConfigurationError.expected("clauses", f"names among {', '.join(known)}", repr(name))
    chosen = [name for name in known if (clauses is None or name in clauses) and name not in skip]
    report = Report(subject, tuple(_run_one(name, known[name], case) for name in chosen))
    if report.failed:
        raise error.of(report)
    return report


def _run_one(name: str, clause: Clause, case: Case) -> Result:
    try:
        problem, seen = _attempt(clause, case)
    except ClauseSkipped as reason:
        return Result(name, "skipped", str(reason))
    if problem is None:
        return Result(name, "ok", seen or "")
    for smaller in case.smaller():
        try:
            found, _ = _attempt(clause, smaller)
        except ClauseSkipped:
            continue
        if found is not None:
            problem, case = found, smaller
            break
    where = case.describe()
    return Result(name, "FAILED", f"{problem}\n{where}" if where else problem)


def _attempt(clause: Clause, case: Case) -> tuple[str | None, str | None]:
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return None, clause(case)
    except ClauseSkipped:
        raise
    except GradientError as failure:
        return _brief(str(failure).partition(": ")[2]), None  # the report names the subject
    except AssertionError as failure:
        return _brief(str(failure)) or "an assertion failed", None
    except Exception as failure:
        return _brief(f"raises {type(failure).__name__}: {failure}{_place(failure)}"), None


def _place(failure: Exception) -> str:
    frames = traceback.extract_tb(failure.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_HERE)]
    return f" ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})" if theirs else ""


def _brief(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Of a gradient's failure: what is wrong, and the worst element.
    return "\n".join(line if len(line) <= 200 else f"{line[:197]}..." for line in lines[:2])
