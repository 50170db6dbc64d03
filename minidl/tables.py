"""Tables and lists as text, aligned and calm."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """Columns under a header; those whose numbers are in `left` aligned left, the others right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def listed(names: Sequence[str], most: int = 20) -> str:
    """The names in a row, no more than the first `most` of them."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def counted(number: int, one: str, many: str = "") -> str:
    """A number and its noun: 1 class, 2 classes."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def short(name: object, most: int) -> str:
    """A name on one line, no longer than `most` characters."""
    text = " ".join(str(name).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def last_measured(epochs: Mapping[str, Sequence[float | None]], kept: int | None = None) -> list[str]:
    """Each metric in a `History`'s columns at the last epoch's end: ``train accuracy 97.1%``.

    Then those of the `kept` epoch, where another one was.
    """
    shown = [
        f"{part} {name} {number}"
        for name, *numbers in measured(epochs)
        for part, number in zip(("train", "validation"), numbers, strict=True)
        if number and name != "loss"
    ]
    if kept is not None and kept != len(epochs["lr"]):
        of_kept = last_measured({name: column[:kept] for name, column in epochs.items()}, kept)
        shown.append(f"kept epoch {kept}{': ' * bool(of_kept)}{', '.join(of_kept)}")
    return shown


def measured(epochs: Mapping[str, Sequence[float | None]]) -> list[tuple[str, str, str]]:
    """The loss and each metric of the last epoch: its name, and its numbers in training and validation."""
    rows = []
    for metric in metric_names(epochs):
        numbers = []
        for part in ("train", "validation"):
            column = epochs.get(f"{part}_{metric}")
            value = column[-1] if column else None
            text = "" if value is None else f"{value:.1%}" if is_share(metric) else f"{value:.4g}"
            numbers.append(text)
        rows.append((metric.replace("_", " "), numbers[0], numbers[1]))
    return rows


def metric_names(epochs: Mapping[str, object]) -> list[str]:
    """The loss and the metrics that a `History` has columns of, in their order."""
    names = (str(name).partition("_") for name in epochs)
    return list(dict.fromkeys(name for part, _, name in names if part in ("train", "validation")))


def is_share(metric: str) -> bool:
    """Whether a metric of this name is shown in percent."""
    return metric.endswith("accuracy")
