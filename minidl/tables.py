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


def last_measured(epochs: Mapping[str, Sequence[float | None]]) -> list[str]:
    """The first metric in a `History`'s columns at the last epoch's end: ``train accuracy 97.1%``."""
    texts = []
    for column in ("train", "validation"):
        name = next((key for key in epochs if key.startswith(f"{column}_") and not key.endswith("_loss")), "")
        value = epochs[name][-1] if name and epochs[name] else None
        if value is not None:
            metric = name.removeprefix(f"{column}_")
            number = f"{value:.1%}" if metric == "accuracy" else f"{value:.4g}"
            texts.append(f"{column} {metric.replace('_', ' ')} {number}")
    return texts
