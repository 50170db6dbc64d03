"""A picture of a net: its layers as boxes, containers as frames around them. Needs the extra ``plot``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from minidl.advice import shown
from minidl.errors import MissingExtraError, StructureError
from minidl.plots.figures import save_figure

_LINE, _CHARACTER = 0.22, 0.095  # inches: the height of a line of text, the width of a character
_GAP, _MARGIN = 0.3, 0.18  # inches: between boxes, and between a frame and what it holds
_JOINT = 0.12  # inches: the radius of the circle in which ways come together
_MOST_CHARACTERS = 34
_COLUMNS = 3  # of parts that stand in no order
_FRAMES = ("#ffffff", "#eef3f8", "#dfe9f2", "#cfdfec")  # the outermost, then a colour a level


@dataclass
class Box:
    """A layer, or a frame around layers; `x` and `y` are its upper left corner, `y` downwards, in inches.

    Attributes
    ----------
    ways : list of list of Box
        What stands side by side in a frame, each from top to bottom; an empty one passes all by.
    ordered : bool
        Whether arrows lead along the ways; else they are columns of parts of which no order is known.
    joint : str
        How what the ways give comes together: "+" or "concat"; "" for a single way.
    """

    path: str
    text: list[str]
    ways: list[list[Box]] = field(default_factory=list)
    joint: str = ""
    ordered: bool = True
    width: float = 0.0
    height: float = 0.0
    x: float = 0.0
    y: float = 0.0


def boxes(module: Any, shapes: Mapping[str, tuple[int, ...]], path: str = "") -> Box:
    """The box of `module`, placed, with all that it holds; `shapes` are those of the outputs, by path."""
    box = _measured(module, shapes, path, path.rpartition(".")[2])
    _place(box, 0.0, 0.0)
    return box


def _measured(module: Any, shapes: Mapping[str, tuple[int, ...]], path: str, name: str) -> Box:
    rows = _ways(module)
    ordered = bool(rows)
    if not ordered:  # nobody has said how a batch passes what is in here
        children = list(module.children())
        rows = [children[first::_COLUMNS] for first in range(min(len(children), _COLUMNS))]
    ways = [[_measured(m, shapes, f"{path}.{inner}".lstrip("."), inner) for inner, m in way] for way in rows]
    shape = f" → {shapes[path]}" if path in shapes else ""
    kind = type(module).__name__
    code = kind if ways else _shortened(" ".join(repr(module).split()))
    text = [code, f"{name}{shape}"]
    joint = str(getattr(module, "joint", "")) if ordered else ""
    box = Box(path, [f"{code}  {name}{shape}".rstrip()] if ways else text, ways, joint, ordered)
    box.width = max(map(len, box.text)) * _CHARACTER + 2 * _MARGIN
    box.height = len(box.text) * _LINE + _MARGIN
    if ways:
        inner = sum(_width(way) for way in ways) + _GAP * (len(ways) - 1)
        box.width = max(box.width, inner + 2 * _MARGIN)
        box.height += max(map(_height, ways)) + 2 * _GAP + (_GAP + 2 * _JOINT if box.joint else 0)
    return box


def _ways(module: Any) -> list[list[tuple[str, Any]]]:
    """What the method `ways` of `module` says, the modules with their names; a loss has none."""
    names = {id(child): name for name, child in module.children()}
    given: Any = getattr(module, "ways", tuple)()
    try:
        return [[(names[id(child)], child) for child in way] for way in given]
    except (KeyError, TypeError):
        remedy = "return such as ((self.first, self.second), (self.beside,))"
        expected = "ways() to give rows of the layers in here"
        raise StructureError.expected(module.label, expected, shown(given), remedy) from None


def _shortened(code: str) -> str:
    """Of the code of a layer as many arguments as fit: the first ones say the most, such as sizes."""
    if len(code) <= _MOST_CHARACTERS:
        return code
    start = code[: _MOST_CHARACTERS - 2]
    kept, comma, _ = start.rpartition(", ")
    while comma and (kept.count("(") > kept.count(")") + 1 or kept.count("[") > kept.count("]")):
        kept, comma, _ = kept.rpartition(", ")
    return f"{kept}, …)" if comma else f"{code.partition('(')[0]}(…)"


def _width(way: list[Box]) -> float:
    return max((box.width for box in way), default=_GAP)


def _height(way: list[Box]) -> float:
    return sum(box.height for box in way) + _GAP * max(len(way) - 1, 0)


def _place(box: Box, x: float, y: float) -> None:
    box.x, box.y = x, y
    inner = sum(map(_width, box.ways)) + _GAP * (len(box.ways) - 1)
    left, top = x + (box.width - inner) / 2, y + len(box.text) * _LINE + _MARGIN + _GAP
    for way in box.ways:
        below = top
        for child in way:
            _place(child, left + (_width(way) - child.width) / 2, below)
            below += child.height + _GAP
        left += _width(way) + _GAP


def draw(box: Box, path: str | os.PathLike[str]) -> None:
    """Write the picture of `box`; the suffix of `path` gives the format, such as ``.svg`` or ``.png``."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError.for_extra("diagram", "matplotlib", "plot") from None
    size = box.width + 2 * _MARGIN, box.height + 2 * _MARGIN
    figure = Figure(figsize=size)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-_MARGIN, size[0] - _MARGIN), ylim=(size[1] - _MARGIN, -_MARGIN))
    axes.axis("off")
    _draw(axes, box, 0)
    save_figure(figure, path)


def _draw(axes: Any, box: Box, level: int) -> None:
    from matplotlib.patches import FancyBboxPatch

    frame = _FRAMES[1 + (level - 1) % 3] if level else _FRAMES[0]
    colour = frame if box.ways else "#fff7e6"
    style = f"round,pad=0,rounding_size={_MARGIN / 2}"
    corner = box.x, box.y
    axes.add_patch(
        FancyBboxPatch(
            corner, box.width, box.height, boxstyle=style, facecolor=colour, edgecolor="#5b7083", linewidth=1
        )
    )
    for number, line in enumerate(box.text):
        place = box.x + (_MARGIN if box.ways else box.width / 2)
        across = "left" if box.ways else "center"
        grey = "#4a5a68" if box.ways or number else "black"
        height = box.y + _MARGIN / 2 + (number + 0.5) * _LINE
        axes.text(place, height, line, ha=across, va="center", fontsize=9, color=grey)
    if box.ways:
        _draw_ways(axes, box, level)


def _draw_ways(axes: Any, box: Box, level: int) -> None:
    middle, top = box.x + box.width / 2, box.y + len(box.text) * _LINE + _MARGIN
    bottom = box.y + box.height
    joint = bottom - _GAP - 2 * _JOINT if box.joint else bottom
    left = box.x + (box.width - sum(map(_width, box.ways)) - _GAP * (len(box.ways) - 1)) / 2
    for way in box.ways:
        centre = left + _width(way) / 2
        left += _width(way) + _GAP
        points = [(middle, top), (centre, top + _GAP / 2)]
        for child in way:
            _draw(axes, child, level + 1)
            if box.ordered:
                _arrow(axes, [*points, (centre, child.y)])
            points = [(centre, child.y + child.height)]
        if not box.ordered:
            continue
        end = (middle, joint) if box.joint else (centre, bottom)
        _arrow(axes, [*points, (centre, joint - _GAP / 2), end] if box.joint else [*points, end])
    if box.joint:
        from matplotlib.patches import Ellipse

        width = max(2 * _JOINT, (len(box.joint) + 1) * _CHARACTER)
        centre_of_joint = middle, joint + _JOINT
        axes.add_patch(Ellipse(centre_of_joint, width, 2 * _JOINT, facecolor="white", edgecolor="#5b7083"))
        axes.text(*centre_of_joint, box.joint, ha="center", va="center", fontsize=8)
        _arrow(axes, [(middle, joint + 2 * _JOINT), (middle, bottom)])


def _arrow(axes: Any, points: list[tuple[float, float]]) -> None:
    axes.plot(*zip(*points, strict=True), color="#5b7083", linewidth=1, solid_joinstyle="round")
    style = {"arrowstyle": "->", "color": "#5b7083", "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", points[-1], points[-2], arrowprops=style)
