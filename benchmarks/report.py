"""The results as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contestants import CONTESTANTS
from benchmarks.rounds import Result

_HEAD = ("hidden", "threads", "contestant", "µs a step", "quartiles", "× floor", "minidl is", "loss differs")
_LEFT = (2, 6)  # columns of words

NOTES = """\
µs a step: the median over the rounds; quartiles: of the rounds.
floor: the step's five matrix products on NumPy's BLAS, nothing else.
loss differs: the largest relative difference of the first losses from the classic program's in float64,
on the same batches from the same weights, before anything is timed.
scikit-learn's time holds its checks of the data, once a round; PyTorch never adds up the penalty's value."""


def header(machine: Mapping[str, str], blas: Sequence[str], skipped: Mapping[str, str]) -> str:
    """The machine, line by line, each BLAS with those who use it, and who does not take part."""
    lines = [*machine.items(), *(("BLAS", text) for text in blas)]
    lines += [("skipped", f"{CONTESTANTS[name].title}: {reason}") for name, reason in skipped.items()]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def table(results: Sequence[Result]) -> str:
    """One row a result, aligned; a blank line between the problems."""
    rows: list[Sequence[str]] = [_HEAD]
    last: tuple[int, int] | None = None
    for result in results:
        key = (result.problem.hidden, result.threads)
        if key != last:
            rows.append([""] * len(_HEAD))
        rows.append(_row(result, _beside(result, results), first=key != last))
        last = key
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column in _LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def write_json(
    path: Path,
    machine: Mapping[str, str],
    blas: Sequence[str],
    skipped: Mapping[str, str],
    results: Sequence[Result],
) -> None:
    """Everything the table says, with every round's time; seconds."""
    content: dict[str, Any] = {
        "machine": dict(machine),
        "blas": list(blas),
        "skipped": dict(skipped),
        "results": [result.as_dict() for result in results],
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _row(result: Result, beside: Mapping[str, Result], *, first: bool) -> list[str]:
    lower, upper = result.quartiles
    difference = result.loss_difference
    return [
        f"{result.problem.hidden}" if first else "",
        f"{result.threads}" if first else "",
        CONTESTANTS[result.contestant].title,
        f"{result.median * 1e6:,.0f}",
        f"{lower * 1e6:,.0f} – {upper * 1e6:,.0f}",
        f"{result.median / beside['floor'].median:.2f}",
        _verdict(result, beside["minidl"]),
        "" if difference is None else f"{difference:.0e}",
    ]


def _verdict(result: Result, minidl: Result) -> str:
    if result.contestant in ("floor", "minidl"):
        return ""
    ratio = result.median / minidl.median
    return f"{ratio:.2f} × faster" if ratio >= 1 else f"{1 / ratio:.2f} × slower"


def _beside(result: Result, results: Sequence[Result]) -> dict[str, Result]:
    same = (result.problem, result.threads)
    return {other.contestant: other for other in results if (other.problem, other.threads) == same}
