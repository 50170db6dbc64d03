"""The results as tables for people, aligned on a terminal or in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.contestants import CONTESTANTS
from benchmarks.results import Report, Result
from benchmarks.suite import Suite

_LEFT = (0, 2, 6)  # columns of words


def header(machine: Mapping[str, str]) -> str:
    """The machine, line by line."""
    return _pairs(machine.items())


def section(suite: Suite, report: Report) -> str:
    """All of one suite: its BLAS libraries, who is missing, the table, remarks and notes."""
    results = report.of(suite.name)
    lines = [("BLAS", text) for text in _libraries(suite, report)]
    lines += [("left out", text) for text in _skipped(suite, report)]
    remarks = "\n".join([*suite.remarks(results), *suite.notes.splitlines()])
    parts = [f"{suite.name}: {suite.help}", _pairs(lines), table(suite, results), remarks]
    return "\n\n".join(part for part in parts if part)


def table(suite: Suite, results: Sequence[Result]) -> str:
    """One line a result, aligned; a blank line between the rows of the suite."""
    base = f"× {CONTESTANTS[suite.base].title}" if suite.base else ""
    lines = [
        ["", "threads", "contestant", suite.unit.name, "quartiles", base, "minidl is", "differs"],
    ]
    for beside in rows(results):
        lines.append([""] * len(lines[0]))
        for number, (name, result) in enumerate(beside.items()):
            label, threads = (result.row, f"{result.threads}") if number == 0 else ("", "")
            lower, upper = (suite.unit.show(value) for value in result.quartiles)
            difference = "" if result.difference is None else f"{result.difference:.0e}"
            cells = [label, threads, CONTESTANTS[name].title, suite.unit.show(result.median)]
            cells += [f"{lower} – {upper}", _times(result, beside.get(suite.base))]
            lines.append([*cells, _verdict(suite, result, beside.get("minidl")), difference])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in _LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            if width
        ).rstrip()
        for line in lines
    )


def rows(results: Iterable[Result]) -> list[dict[str, Result]]:
    """The results of each row by contestant; rows in their order, of each the fewest threads first."""
    order: dict[str, dict[int, dict[str, Result]]] = {}
    for result in results:
        order.setdefault(result.row, {}).setdefault(result.threads, {})[result.contestant] = result
    return [threads[count] for threads in order.values() for count in sorted(threads)]


def _pairs(lines: Iterable[tuple[str, str]]) -> str:
    pairs = list(lines)
    width = max((len(name) for name, _ in pairs), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in pairs)


def _libraries(suite: Suite, report: Report) -> list[str]:
    """Each library with the threads it was seen with and those who load it."""
    users: dict[str, tuple[dict[str, None], dict[str, None]]] = {}  # dicts, as sets in order
    for record in report.libraries:
        if record["suite"] == suite.name:
            threads, titles = users.setdefault(record["library"], ({}, {}))
            threads[f"{record['threads']}"] = titles[CONTESTANTS[record["contestant"]].title] = None
    return [
        f"{library}, threads {' and '.join(threads)}: {', '.join(titles)}"
        for library, (threads, titles) in users.items()
    ]


def _skipped(suite: Suite, report: Report) -> list[str]:
    return [
        f"{CONTESTANTS[record['contestant']].title}: {record['reason']}"
        for record in report.skipped
        if record["suite"] == suite.name
    ]


def _times(result: Result, base: Result | None) -> str:
    return f"{result.median / base.median:.2f}" if base else ""


def _verdict(suite: Suite, result: Result, minidl: Result | None) -> str:
    if minidl is None or result.contestant in ("floor", "minidl"):
        return ""
    ratio = result.median / minidl.median
    return f"{ratio:.2f} × {suite.unit.less}" if ratio >= 1 else f"{1 / ratio:.2f} × {suite.unit.more}"
