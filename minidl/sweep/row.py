"""A row: what came of a trial, and one line of the journal."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from minidl.advice import shown
from minidl.checks import check_bool
from minidl.errors import CheckpointError, StateError
from minidl.files import parse_json, to_json
from minidl.sweep.fields import Field, check_fields, is_count, is_figure, is_object, is_plain, whole_text
from minidl.sweep.space import Configuration

CURVE = ("step", "train_accuracy", "validation_accuracy")
FATES = ("done", "running", "stopped", "diverged", "failed")
_WITHOUT_A_VALUE = ("diverged", "failed")


@dataclass(frozen=True)
class Row:
    """What came of a trial: one line of the journal.

    Nothing in it depends on when, where and beside what the trial ran, so that two journals of one
    sweep are equal as sets of lines.

    Attributes
    ----------
    trial : int
        The configuration's position in the space, from 0.
    configuration : dict
    rung : int
        How often the trial had been promoted by `Halving`; 0 without it.
    steps : int
        Updates made.
    status : str
        "done"; "running": measured at a rung, to go on if it is promoted; "stopped": not promoted;
        "diverged"; "failed".
    reason : str or None
        Why it was stopped, diverged or failed; of a trial that is done, why it ended before its
        whole length, such as by `EarlyStopping`.
    value : float or None
        The objective; None where the trial diverged or failed.
    train_loss, train_accuracy, validation_loss, validation_accuracy : float or None
        Of the net as it stands after the last step, on the whole parts, without penalty.
    curve : dict of str to list
        "step", "train_accuracy" and "validation_accuracy", and of another objective its two columns, at
        the end of each epoch, as the `History` has them.
    metrics : dict of str to float
        The other metrics, such as "validation_r2", of the same net.
    """

    trial: int
    configuration: Configuration
    rung: int
    steps: int
    status: str
    reason: str | None = None
    value: float | None = None
    train_loss: float | None = None
    train_accuracy: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    curve: dict[str, list[Any]] = dataclasses.field(default_factory=lambda: {name: [] for name in CURVE})
    metrics: dict[str, float | None] = dataclasses.field(default_factory=dict)

    def rank(self, maximize: bool) -> tuple[float, int]:
        """Sorts the better value first, of equals the lower trial; only for a row with a value."""
        check_bool("Row", "maximize", maximize)
        if self.value is None:
            raise StateError.expected("Row", "a row with a value to rank", f"none: {self.status}")
        return (-self.value if maximize else self.value), self.trial

    def to_json(self) -> str:
        """One line of JSON, without its end."""
        return to_json(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Row:
        """The row that `to_json` wrote; `CheckpointError` for anything else."""
        if not isinstance(line, str):
            raise CheckpointError.expected("Row", _LINE, shown(line))
        return row_of("Row", parse_json(line.encode(errors="surrogatepass"), "Row"))


def row_of(where: str, found: Any) -> Row:
    """The row whose attributes come from a file; `CheckpointError` where one is none of a row's."""
    row = Row(**check_fields(where, found, _FIELDS, needed=_NEEDED, of=_LINE))
    if (row.value is None) != (row.status in _WITHOUT_A_VALUE):
        expected = "a value, or a trial that diverged or failed"
        raise CheckpointError.expected(where, expected, f"value {row.value}, status {row.status!r}")
    # Version 1 kept what came.
    return dataclasses.replace(row, reason=whole_text(row.reason)) if row.reason else row


_LINE = "a line of a sweep's journal"
_NEEDED = ("trial", "configuration", "rung", "steps", "status")


def _is_curve(value: Any) -> bool:
    """Columns of one length, of figures."""
    return (
        is_object(value, lambda column: isinstance(column, list) and all(map(is_figure, column)))
        and len(set(map(len, value.values()))) <= 1
    )


_FIGURE: Field = "a finite number or null", is_figure
_FIELDS: dict[str, Field] = {
    **dict.fromkeys(("trial", "rung", "steps"), ("a whole number >= 0", is_count)),
    "configuration": ("a configuration of plain values", lambda value: is_object(value, is_plain)),
    "status": (f"one of {', '.join(FATES)}", lambda value: isinstance(value, str) and value in FATES),
    "reason": ("a text or null", lambda value: value is None or isinstance(value, str)),
    **{
        name: _FIGURE
        for name in ("value", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    },
    "curve": ("columns of one length, of finite numbers and null", _is_curve),
    "metrics": ("figures by their names", lambda value: is_object(value, is_figure)),
}
