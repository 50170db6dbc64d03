"""What single units of a layer see."""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from minidl.checks import check_array, check_int
from minidl.errors import DataError, ShapeError
from minidl.plots.figures import save_figure
from minidl.plots.tiles import as_images, scaled, tiles_figure
from minidl.types import Array


def plot_units(
    images: npt.ArrayLike,
    outputs: npt.ArrayLike,
    path: str | os.PathLike[str],
    *,
    filters: npt.ArrayLike | None = None,
    units: int = 16,
    samples: int = 8,
) -> None:
    """Draw a row for each unit of a layer: its filter, and the images that excite it most.

    An image excites a unit by its highest output anywhere in the image. All images are drawn on one
    scale, each filter on its own.

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
    units, samples : int
        How many units and images at most.

    Raises
    ------
    ShapeError, DTypeError, DataError
    """
    shown = as_images("plot_units", "images", images)
    excited = _excitements(outputs, len(shown))
    count = excited.shape[1]
    most = min(check_int("plot_units", "units", units, at_least=1), count)
    columns = min(check_int("plot_units", "samples", samples, at_least=1), len(shown))
    weights = None if filters is None else as_images("plot_units", "filters", filters)
    if weights is not None and len(weights) != count:
        raise ShapeError.expected("plot_units", f"a filter for each of {count} units", len(weights))
    best = np.argsort(-excited[:, :most], axis=0, kind="stable")[:columns].T
    chosen = scaled(shown[best.ravel()]).reshape(most, columns, *shown.shape[1:])
    first = 0 if weights is None else 1
    tiles = (
        {} if weights is None else {(row, 0): w for row, w in enumerate(scaled(weights[:most], each=True))}
    )
    rows = []
    for unit in range(most):
        high, low = excited[:, unit].max(), excited[:, unit].min()
        rows.append(f"unit {unit}\n" + (f"up to {high:.3g}" if high > low else f"always {high:.3g}"))
        if high > low:  # else no image excites it more than another
            tiles |= {(unit, first + place): image for place, image in enumerate(chosen[unit])}
    which = f"{count} units" if most == count else f"The first {most} of {count} units"
    headings = ["filter"] * first + ["most", *[""] * (columns - 1)]
    figure = tiles_figure(tiles, rows=rows, columns=headings, title=f"{which}: what excites them most")
    save_figure(figure, path)


def _excitements(outputs: npt.ArrayLike, samples: int) -> Array:
    """How much each sample excites each unit: (samples, units)."""
    array = check_array("plot_units", "outputs", outputs)
    if array.ndim < 2 or len(array) != samples or not array.size:
        expected = f"outputs of shape ({samples}, units, ...), a row for each image"
        raise ShapeError.expected("plot_units", expected, array.shape)
    highest: Array = array.reshape(*array.shape[:2], -1).max(axis=2).astype(float)
    if not np.isfinite(highest).all():
        raise DataError.expected("plot_units", "outputs of finite numbers", "NaN or an infinity")
    return highest
