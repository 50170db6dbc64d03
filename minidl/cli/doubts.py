"""What looks as if a net got other data than it was trained on: a line each, and no error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.layers import Columns, Standardize
from minidl.net import Net
from minidl.tables import listed
from minidl.types import Array

if TYPE_CHECKING:
    from minidl.data.layout import Layout

_MOST_SAMPLES = 1_000
_FEW_SAMPLES = 20  # of which a column's spread says nothing yet
_FAR, _NARROW = 10.0, 0.1  # in scales of what the net was trained on


def warn_of_unknown(
    path: Path, layout: Layout, columns: Sequence[int], features: Array, coded: Sequence[int]
) -> None:
    """Tell of rows whose category is none of the net's, which are coded 0.

    `features` are the file's `columns`, row by row; `coded` are the places among these that hold codes.
    """
    unknown = {columns[place]: features[:, place] == 0 for place in coded}
    unknown = {column: rows for column, rows in unknown.items() if rows.any()}
    if not unknown:
        return
    from minidl.data.layout import open_text, read_records

    words: dict[int, dict[str, None]] = {column: {} for column in unknown}
    with open_text(path) as stream:
        for row, (_, record) in enumerate(read_records(stream, layout)):
            for column, rows in unknown.items():
                if rows[row]:
                    words[column][repr(record[column][:40])] = None  # with the spaces around it
    for column, rows in unknown.items():
        counts, shown = f"{rows.sum():,} of {len(rows):,} rows", listed(list(words[column]), 5)
        _say(f"{layout.label(column)}: {counts} hold categories unknown to the net ({shown})")


def warn_of_scale(net: Net, features: Array, names: Sequence[str] | None = None) -> bool:
    """Tell of numbers far from those that the net's first `Standardize` was fitted on, or far narrower.

    Such as pixels from 0 to 1 for a net of pixels from 0 to 255. Returns whether there are some.
    """
    first: Any = next(iter(getattr(net, "layers", ())), None)
    if not isinstance(features, np.ndarray) or not isinstance(first, (Standardize, Columns)):
        return False
    some = features[:: -(-len(features) // _MOST_SAMPLES)].astype(np.float64)
    if isinstance(first, Standardize):
        return _warn(first, some, names)
    ways = [(places, layer) for places, layer in first.columns.values() if isinstance(layer, Standardize)]
    told = [
        _warn(layer, some[:, places], names and np.array(names)[places].tolist())
        for places, layer in ways
        if isinstance(places, (list, slice))
    ]
    return any(told)


def _warn(layer: Standardize, x: Array, names: Sequence[str] | None) -> bool:
    mean, scale = np.asarray(layer.mean, np.float64), layer.scale
    if not scale.ndim:  # one for all, as of pixels
        far = np.sqrt(np.mean(np.square((x - mean) / scale))) > _FAR
        if not far and not 0 < x.std() < _NARROW * np.hypot(scale, mean.std()):
            return False
        trained_on = f"{mean.mean():.4g} ± {float(scale):.4g}"
        _say(f"values from {x.min():.4g} to {x.max():.4g}, the net was trained on values about {trained_on}")
        return True
    mean = np.broadcast_to(mean, scale.shape)
    far = np.median(np.abs(x - mean), axis=0) > _FAR * scale
    spread = x.std(axis=0) / scale
    if len(x) >= _FEW_SAMPLES and spread.any() and np.median(spread[spread > 0]) < _NARROW:
        far |= (spread > 0) & (spread < _NARROW)
    places = np.argwhere(far)
    if not len(places):
        return False
    place = tuple(places[0].tolist())
    column = (..., *place)
    name = names[place[0]] if names and len(place) == 1 else ", ".join(map(str, place))
    more = f", and {len(places) - 1:,} more such columns" if len(places) > 1 else ""
    values = f"values from {x[column].min():.4g} to {x[column].max():.4g}"
    trained_on = f"{mean[place]:.4g} ± {scale[place]:.4g}"
    _say(f"column {name!r}: {values}, the net was trained on values about {trained_on}{more}")
    return True


def _say(line: str) -> None:
    print(f"minidl: {line}", file=sys.stderr)
