"""Running clauses on a case, and making a failing case small."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np

from minidl.advice import closest, shown
from minidl.checks import as_generator, check_callable, check_int, check_list, check_shape
from minidl.errors import ConfigurationError
from minidl.testing.loss_cases import ScoresCase
from minidl.testing.remedies import place, remedy
from minidl.testing.reports import ClauseSkipped, ContractError, GradientError, Report, Result
from minidl.types import Rng

Clause: TypeAlias = Callable[[Any], "str | None"]
"""Takes a case; raises an AssertionError if the case breaks it, or returns what it saw."""

ScoresCaseT = TypeVar("ScoresCaseT", bound=ScoresCase)

_RAISES = "raises "
"""How the text of a failure begins that no clause meant."""


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
    """Run the chosen clauses; raise `error` if any fails.

    Where the first one fails because a plain call raises, so would every other, and they are not run.
    """
    wanted = [] if clauses is None else check_list(subject, "clauses", clauses, str, "names")
    for name in (*wanted, *check_list(subject, "skip", skip, str, "names")):
        if name not in known:
            near = closest(name, known)
            expected = "the name of a clause" if near else f"names among {', '.join(known)}"
            meant = f"did you mean {near!r}?" if near else ""
            raise ConfigurationError.expected("clauses", expected, repr(name), meant)
    chosen = [name for name in known if (clauses is None or name in clauses) and name not in skip]
    results: list[Result] = []
    for name in chosen:
        results.append(_run_one(name, known[name], case))
        if len(results) == 1 and results[0].detail.startswith(_RAISES):
            break
    report = Report(subject, tuple(results), len(chosen) - len(results))
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
        text = f"{_RAISES}{type(failure).__name__}: {' '.join(str(failure).split())}{place(failure)}"
        return _brief(f"{text}\n{remedy(failure, case)}"), None


def _brief(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Of a gradient's failure: what is wrong, and the worst element.
    return "\n".join(line if len(line) <= 200 else f"{line[:197]}..." for line in lines[:2])


def seed_of(rng: Rng) -> int:
    """The seed of a checker's draws."""
    generator = as_generator(rng, legacy=False)
    return rng if isinstance(rng, int) else int(generator.integers(2**31))


def optional(where: str, name: str, function: Any, *arguments: str) -> Any:
    """`function`, checked, where there is one."""
    return None if function is None else check_callable(where, name, function, *arguments)


def scores_case(
    kind: type[ScoresCaseT],
    where: str,
    factory: Any,
    num_classes: int,
    rng: Rng,
    make_targets: Any,
    reference: Any,
) -> ScoresCaseT:
    """The case of what takes scores and targets, of a checker's arguments, checked."""
    case = kind(
        check_callable(where, "factory", factory),
        check_int(where, "num_classes", num_classes, at_least=1),
        seed_of(rng),
        make_targets=optional(where, "make_targets", make_targets, "rng", "batch", "num_classes"),
        reference=reference_of(where, reference),
    )
    check_shape(where, "a batch", (case.batch, case.num_classes))
    return case


def reference_of(where: str, reference: Any) -> Any:
    """The reference; how many arguments it takes, only the layer's parameters tell."""
    if reference is not None and not callable(reference):
        raise ConfigurationError.expected(where, "reference to be a function", shown(reference))
    return reference


def name_of(subject: Any) -> str:
    """What a report calls its subject."""
    text = repr(subject)
    short = "\n" not in text and len(text) < 60 and " object at 0x" not in text
    return text if short else type(subject).__name__
