"""The results as tables for people: on a terminal one line a figure, in Markdown one line a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.contestants import CONTESTANTS
from benchmarks.machine import header
from benchmarks.results import Report, Result, rows
from benchmarks.suite import Suite
from minidl.tables import table as aligned

_LEFT = (0, 2, 6)  # columns of words


def section(suite: Suite, report: Report) -> str:
    """All of one suite: its BLAS libraries, who is left out, the table, remarks and notes."""
    parts = [
        f"{suite.name}: {suite.help}",
        _about(suite, report),
        table(suite, report.of(suite.name)),
        "\n".join(_remarks(suite, report)),
    ]
    return "\n\n".join(part for part in parts if part)


def table(suite: Suite, results: Sequence[Result]) -> str:
    """One line a result, aligned; a blank line between the rows of the suite."""
    base = f"× {CONTESTANTS[suite.base].title}" if suite.base else ""
    lines = [["", "threads", "contestant", suite.unit.name, "quartiles", base, "minidl is", "differs"]]
    for beside in rows(results):
        lines.append([""] * len(lines[0]))
        for number, (name, result) in enumerate(beside.items()):
            label, threads = (result.row, f"{result.threads}") if number == 0 else ("", "")
            lower, upper = (suite.unit.show(value) for value in result.quartiles)
            difference = "" if result.difference is None else f"{result.difference:.0e}"
            cells = [label, threads, CONTESTANTS[name].title, suite.unit.show(result.median)]
            cells += [f"{lower} – {upper}", _times(result, beside.get(suite.base))]
            lines.append([*cells, _verdict(suite, result, beside.get("minidl")), difference])
    shown = [column for column in range(len(lines[0])) if any(line[column] for line in lines)]
    head, *body = ([line[column] for column in shown] for line in lines)
    return aligned(head, body, left=[shown.index(column) for column in _LEFT if column in shown])


def markdown(suites: Iterable[Suite], report: Report) -> str:
    """All suites that have results, as a page: a table and a picture each."""
    parts = ["# Results", f"```text\n{header(report.machine)}\n```"]
    for suite in suites:
        results = report.of(suite.name)
        if results:
            parts += [f"## {suite.name}", suite.help[0].upper() + suite.help[1:] + "."]
            about = _about(suite, report)
            parts += [f"```text\n{about}\n```"] if about else []
            parts += [_matrix(suite, results), f"![{suite.help}]({suite.name}.png)"]
            parts += ["\n".join(f"- {line}" for line in _remarks(suite, report))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _matrix(suite: Suite, results: Sequence[Result]) -> str:
    """One line a row, one column a contestant; the fastest, but for the floor, in bold."""
    names = [name for name in suite.contestants if any(r.contestant == name for r in results)]
    head = [suite.unit.name, "threads", *(CONTESTANTS[name].title for name in names)]
    head += [f"minidl × {CONTESTANTS[suite.base].title}"] if suite.base else []
    lines = [head, ["---", "---:", *["---:"] * (len(head) - 2)]]
    for beside in rows(results):
        best = min((r for r in beside.values() if r.contestant != "floor"), key=lambda r: r.median)
        cells = [best.row, f"{best.threads}"]
        for name in names:
            result = beside.get(name)
            cells.append("" if result is None else _cell(suite, result, bold=result is best))
        if suite.base:
            minidl = beside.get("minidl")
            cells.append(_times(minidl, beside.get(suite.base)) if minidl else "")
        lines.append(cells)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(suite: Suite, result: Result, *, bold: bool) -> str:
    lower, upper = result.quartiles
    spread = 100 * (upper - lower) / 2 / result.median
    median = suite.unit.show(result.median)
    return f"{f'**{median}**' if bold else median} ±{spread:.0f}%"


def _about(suite: Suite, report: Report) -> str:
    """Each library with the threads it was seen with and those who load it; who is left out, and why."""
    users: dict[str, tuple[dict[str, None], dict[str, None]]] = {}  # dicts, as sets in order
    for record in report.libraries:
        if record["suite"] == suite.name:
            threads, titles = users.setdefault(record["library"], ({}, {}))
            threads[f"{record['threads']}"] = titles[CONTESTANTS[record["contestant"]].title] = None
    lines = [
        ("BLAS", f"{library}, threads {' and '.join(threads)}: {', '.join(titles)}")
        for library, (threads, titles) in users.items()
    ]
    if suite.name in report.bystanders:
        busy = report.bystanders[suite.name]
        lines.append(("meanwhile", f"{busy:.2f} cores busy with other programs"))
    for skipped in report.skipped:
        if skipped["suite"] == suite.name:
            row = f" at {skipped['row']}" if "row" in skipped else ""
            title = CONTESTANTS[skipped["contestant"]].title
            lines.append(("left out", f"{title}{row}: {skipped['reason']}"))
    return header(lines)


def _remarks(suite: Suite, report: Report) -> list[str]:
    results = report.of(suite.name)
    return [*(suite.remarks(results) if results else []), *suite.notes]


def _times(result: Result, base: Result | None) -> str:
    return f"{result.median / base.median:.2f}" if base else ""


def _verdict(suite: Suite, result: Result, minidl: Result | None) -> str:
    if minidl is None or result.contestant in ("floor", "minidl"):
        return ""
    ratio = result.median / minidl.median
    return f"{ratio:.2f} × {suite.unit.less}" if ratio >= 1 else f"{1 / ratio:.2f} × {suite.unit.more}"
