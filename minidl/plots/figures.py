"""Figures of one's own, and how they become files: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from minidl.errors import ConfigurationError, MissingExtraError
from minidl.files import as_path, atomic_write
from minidl.tables import short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE = "#1f77b4", "#d95f02"


def make_figure(size: tuple[float, float]) -> Figure:
    """A figure of `size` inches; `MissingExtraError` without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError.for_extra("plotting", "matplotlib", "plot") from None
    # A figure of its own, not pyplot's: no window, no global state.
    return Figure(figsize=size, dpi=120, layout="constrained")


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write the figure, whole or not at all; the suffix of `path` gives the format."""
    suffix = as_path("plot", path).suffix.lstrip(".").lower()
    known = figure.canvas.get_supported_filetypes()
    if suffix not in known:
        raise ConfigurationError.expected("plot", f"a file name ending in one of {sorted(known)}", str(path))
    with atomic_write(path) as file:
        figure.savefig(file, format=suffix)


def short_names(
    where: str, names: Sequence[str], count: int, *, at_least: bool = False, of: str = "row"
) -> list[str]:
    """Names short enough to stand beside a picture, if there is one for each of `count`."""
    is_list = isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names)
    if not is_list or not (len(names) == count or (at_least and len(names) > count)):
        expected = f"names to be {'at least ' * at_least}{count} words, one for each {of}"
        got = f"{len(names)} words" if is_list else type(names).__name__
        raise ConfigurationError.expected(where, expected, got)
    return [short(name, 24) for name in names]
