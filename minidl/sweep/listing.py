"""Results as a table to be read, and as one for programs."""

from __future__ import annotations

import csv
import io
import statistics
from typing import Any, Protocol

from minidl.sweep.figures import FIGURES
from minidl.sweep.row import Row
from minidl.tables import table


class Listed(Protocol):
    """What is needed of `Results`."""

    objective: str

    @property
    def rows(self) -> list[Row]: ...  # noqa: D102
    @property
    def varying(self) -> list[str]: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def is_repeated(self) -> bool: ...  # noqa: D102
    def groups(self) -> list[list[Row]]: ...  # noqa: D102
    def averaged(self) -> list[Row]: ...  # noqa: D102
    def show(self, value: float | None) -> str: ...  # noqa: D102


def show_value(value: Any) -> str:
    """A value of a configuration as a text: floats short, lists as ``300,100``."""
    if isinstance(value, list):
        return ",".join(map(show_value, value))
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def table_of(results: Listed) -> str:
    """What `Results.table` gives."""
    repeated, groups, rows = results.is_repeated, results.groups(), results.averaged()
    varying = [key for key in results.varying if not (repeated and key == "seed")]
    trials = [", ".join(str(trial) for trial in sorted(row.trial for row in group)) for group in groups]
    columns = {
        "trials" if repeated else "trial": trials,
        **{key: [show_value(row.configuration.get(key)) for row in rows] for key in varying},
        "steps": [f"{row.steps:,}" for row in rows],
        "train": [_percent(row.train_accuracy) for row in rows],
        "validation": [_percent(row.validation_accuracy) for row in rows],
    }
    if results.objective != "validation_accuracy":
        columns[results.title] = [results.show(row.value) for row in rows]
        if rows:  # where numbers are predicted, there are no accuracies
            columns = {name: texts for name, texts in columns.items() if any(texts)}
    if repeated:
        columns["±"] = [results.show(_spread(group)) for group in groups]
    fates = list(map(_fate_of_all, groups))
    if any(fates):
        columns[""] = fates
    last = [len(columns) - 1] if any(fates) else []
    notes = [table(list(columns), zip(*columns.values(), strict=True), left=last)]
    found = rows[0].configuration if rows else {}
    same = [key for key in found if key not in varying and not (repeated and key == "seed")]
    if same:
        notes.append("in every trial: " + ", ".join(f"{key} {show_value(found[key])}" for key in same))
    if repeated:
        seeds = dict.fromkeys(show_value(row.configuration.get("seed")) for row in results.rows)
        notes.append(f"means over the seeds {', '.join(seeds)}; ± is the standard deviation over them")
    return "\n\n".join(notes)


def csv_of(results: Listed) -> str:
    """What `Results.save_csv` writes: of the figures, the columns that some trial has."""
    rows = results.rows
    keys = list(dict.fromkeys(key for row in rows for key in row.configuration))
    others = list(dict.fromkeys(name for row in rows for name in row.metrics))
    figures = [name for name in FIGURES if not others or any(getattr(row, name) is not None for row in rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", *keys, "steps", "status", "value", *figures, *others, "reason"])
    for row in rows:
        values = [row.configuration.get(key) for key in keys]
        values = [show_value(value) if isinstance(value, list) else value for value in values]
        measured = [getattr(row, name) for name in figures] + [row.metrics.get(name) for name in others]
        writer.writerow([row.trial, *values, row.steps, row.status, row.value, *measured, row.reason])
    return text.getvalue()


def _spread(group: list[Row]) -> float | None:
    values = [row.value for row in group if row.status == "done" and row.value is not None]
    return statistics.stdev(values) if len(values) > 1 else None


def _percent(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{accuracy:.2%}"


def _fate_of_all(group: list[Row]) -> str:
    """How many trials of a group ended before their end, and the first one's reason."""
    if len(group) == 1:
        return _fate(group[0])
    fates = [fate for row in group if (fate := _fate(row))]
    return f"{len(fates)} of {len(group)} {fates[0]}" if fates else ""


def _fate(row: Row) -> str:
    """Why a trial ended before its end; without an error's remedy, which is the same in all."""
    if row.status == "done":
        return row.reason or ""
    return f"{row.status}: {row.reason.partition('; ')[0]}" if row.reason else row.status
