"""What single units of a layer see."""

from __future__ import annotations

import os
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from minidl.checks import check_array, check_int, check_kind, check_sizes
from minidl.errors import DataError, ShapeError
from minidl.plots.figures import save_figure
from minidl.plots.tiles import Box, as_images, colour_note, coloured, scaled, tiles_figure
from minidl.types import Array

Sizes: TypeAlias = "int | tuple[int, int]"


def plot_units(
    images: npt.ArrayLike,
    outputs: npt.ArrayLike,
    path: str | os.PathLike[str],
    *,
    filters: npt.ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    units: int = 16,
    samples: int = 8,
    title: str | None = None,
) -> None:
    """Draw a row for each unit of a layer: its filter, and the images that excite it most.

    An image excites a unit by its highest output anywhere in the image. All images are drawn on one
    scale, each filter on its own; filters of grey images are blue below 0 and red above.

    Parameters
    ----------
    images : array of shape (N, H, W) or (N, 1, H, W) for grey images, (N, 3, H, W) for RGB
    outputs : array of shape (N, units) or (N, units, ...)
        What a layer makes of them, as ``net.trace(x)`` gives it for each layer.
    path : path-like
        The image to write; its suffix gives the format (png, svg, pdf).
    filters : array of shape (units, H, W), (units, 1, H, W) or (units, 3, H, W), optional
        The layer's weights, where it is the first: a convolution's as they are, an affine layer's as
        ``weight.T.reshape(-1, *sample_shape)``.
    stride, padding, dilation : int or (int, int)
        Of the convolution whose filters these are: where its outputs, or an activation's of them, are maps
        of the size that follows, a box marks the patch in which the unit's output is highest.
    units, samples : int
        How many units and images at most.
    title : str, optional
        Which layer and which images these are; how many by default.

    Raises
    ------
    ShapeError, DTypeError, DataError
    """
    shown = as_images("plot_units", "images", images)
    maps = _checked_maps(outputs, len(shown))
    excited = maps.max(axis=2)
    count = excited.shape[1]
    most = min(check_int("plot_units", "units", units, at_least=1), count)
    columns = min(check_int("plot_units", "samples", samples, at_least=1), len(shown))
    weights = None if filters is None else as_images("plot_units", "filters", filters)
    if weights is not None and len(weights) != count:
        raise ShapeError.expected("plot_units", f"a filter for each of {count} units", len(weights))
    sizes = [
        check_sizes("plot_units", name, value, at_least=least)
        for name, value, least in (("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1))
    ]
    if title is not None:
        check_kind("plot_units", "title", title, str)
    best = np.argsort(-excited[:, :most], axis=0, kind="stable")[:columns].T
    chosen = scaled(shown[best.ravel()]).reshape(most, columns, *shown.shape[1:])
    patches = None
    if weights is not None and np.ndim(outputs) == 4:
        patches = _patches(np.shape(outputs)[2:], shown.shape[1:3], weights.shape[1:3], *sizes)
    first = 0 if weights is None else 1
    tiles = {} if weights is None else {(row, 0): w for row, w in enumerate(coloured(weights[:most]))}
    rows: list[str] = []
    boxes: dict[tuple[int, int], Box] = {}
    for unit in range(most):
        high, low = excited[:, unit].max(), excited[:, unit].min()
        rows.append(f"unit {unit}\n" + (f"up to {high:.3g}" if high > low else f"always {high:.3g}"))
        if high > low:  # else no image excites it more than another
            places = [(unit, first + place) for place in range(columns)]
            tiles |= dict(zip(places, chosen[unit], strict=True))
            if patches is not None:
                boxes |= dict(
                    zip(places, map(tuple, patches[maps[best[unit], unit].argmax(axis=1)]), strict=True)
                )
    notes = [f"the first {most} of {count} units"] * (most < count)
    notes += [f"filters: {colour_note(weights)}"] if weights is not None else []
    notes += ["box: the patch that excites the unit"] if boxes else []
    headings = ["filter"] * first + [f"{place}." for place in range(1, columns + 1)]
    title = title or f"What excites each of {count} units most, of {len(shown):,} images"
    figure = tiles_figure(tiles, boxes=boxes, rows=rows, columns=headings, title=title, note="; ".join(notes))
    save_figure(figure, path)


def _checked_maps(outputs: npt.ArrayLike, samples: int) -> Array:
    """How much each place of each sample excites each unit: (samples, units, places)."""
    array = check_array("plot_units", "outputs", outputs)
    if array.ndim < 2 or len(array) != samples or not array.size:
        expected = f"outputs of shape ({samples}, units, ...), a row for each image"
        raise ShapeError.expected("plot_units", expected, array.shape)
    if not np.isfinite(array).all():
        raise DataError.expected("plot_units", "outputs of finite numbers", "NaN or an infinity")
    return array.reshape(*array.shape[:2], -1)


def _patches(
    outputs: tuple[int, ...],
    image: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Array | None:
    """Where each place of a map looks: (places, 4), the edges left, top, right and bottom in the image.

    None where the maps are not of the size that such a convolution gives.
    """
    edges = []
    for axis in (0, 1):
        s, p, d = (sizes[axis % len(sizes)] for sizes in (stride, padding, dilation))
        extent = d * (kernel[axis] - 1) + 1
        starts = np.arange(outputs[axis]) * s - p
        if outputs[axis] != (image[axis] + 2 * p - extent) // s + 1:
            return None
        edges.append(np.clip([starts, starts + extent], 0, image[axis]))  # what is padded is not drawn
    (top, bottom), (left, right) = (np.array(each) for each in edges)
    rows, columns = np.indices(outputs).reshape(2, -1)
    return np.stack([left[columns], top[rows], right[columns], bottom[rows]], axis=1)
