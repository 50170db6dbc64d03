"""Predicted numbers beside the true ones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minidl.checks import check_array
from minidl.errors import DataError, ShapeError
from minidl.plots.figures import BLUE, ORANGE, make_figure, save_figure, short_names
from minidl.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NUMBERS = 6  # of a sample, each in a row of its own
_MOST_POINTS = 10_000


def plot_predictions(
    targets: npt.ArrayLike,
    predictions: npt.ArrayLike,
    path: str | os.PathLike[str],
    names: Sequence[str] | None = None,
) -> None:
    """Draw what was predicted against what is true, and how the residuals spread.

    Left, each point is a sample, and the line is where all of them would lie if nothing were amiss;
    right, a histogram of the residuals, predicted less true. The title gives R² (the share of the
    targets' variance that is predicted), the mean absolute residual and the root of the mean squared one.

    Parameters
    ----------
    targets, predictions : array of shape (N,) or (N, K)
        Of K numbers a sample, each gets a row, at most six. Of many samples, 10,000 spread evenly over
        them are drawn as points.
    path : path-like
        The image to write; its suffix gives the format (png, svg, pdf).
    names : sequence of str, optional
        Of the K numbers, such as ``["price"]``.

    Raises
    ------
    ShapeError, DTypeError, DataError, ConfigurationError
    """
    true, found = _numbers("targets", targets), _numbers("predictions", predictions)
    if true.shape != found.shape:
        raise ShapeError.expected("plot_predictions", f"predictions of shape {true.shape}", found.shape)
    count = true.shape[1]
    of = [f"number {number}" for number in range(count)] if count > 1 else [""]
    if names is not None:
        of = short_names("plot_predictions", names, count, of="number")
    rows = min(true.shape[1], _MOST_NUMBERS)
    figure = make_figure((9.0, 4.2 * rows))
    panels = figure.subplots(rows, 2, squeeze=False, width_ratios=(1.1, 1))
    points = slice(None, None, -(-len(true) // _MOST_POINTS))
    alpha = float(np.clip(40 / len(true) ** 0.5, 0.1, 0.8))
    for number in range(rows):
        y, t = found[:, number], true[:, number]
        ends = float(min(y.min(), t.min())), float(max(y.max(), t.max()))
        left, right = panels[number]
        left.plot(ends, ends, color="#888888", linewidth=1, zorder=0)
        left.plot(t[points], y[points], "o", color=BLUE, alpha=alpha, markersize=3.5, markeredgewidth=0)
        left.set_xlabel(f"true {of[number]}".rstrip(), parse_math=False)
        left.set_ylabel(f"predicted {of[number]}".rstrip(), parse_math=False)
        left.set_title(_title(t, y), fontsize=10)
        left.set_aspect("equal", adjustable="datalim")
        residuals = y - t
        bins = int(np.clip(len(residuals) ** 0.5, 10, 60))
        right.hist(residuals, bins=bins, color=BLUE, alpha=0.75)
        right.axvline(0, color="#888888", linewidth=1)
        mean = float(residuals.mean())
        right.axvline(mean, color=ORANGE, linewidth=1.4, label=f"mean {_figure(mean)}")
        right.set(xlabel="predicted less true", ylabel="samples")
        right.set_title(f"residuals, standard deviation {_figure(residuals.std())}", fontsize=10)
        right.legend(frameon=False)
        for axis in (left, right):
            axis.grid(alpha=0.25)
            axis.spines[["top", "right"]].set_visible(False)
            _space_ticks(axis)
        right.locator_params(axis="y", integer=True)
    save_figure(figure, path)


def _numbers(name: str, values: npt.ArrayLike) -> Array:
    array = check_array("plot_predictions", name, values).astype(float)
    if array.ndim not in (1, 2) or not array.size:
        raise ShapeError.expected("plot_predictions", f"{name} of shape (N,) or (N, K)", array.shape)
    if not np.isfinite(array).all():
        raise DataError.expected("plot_predictions", f"{name} of finite numbers", "NaN or an infinity")
    return array.reshape(len(array), -1)


def _title(true: Array, found: Array) -> str:
    errors = found - true
    squares, spread = float((errors**2).sum()), float(((true - true.mean()) ** 2).sum())
    share = f"R² {1 - squares / spread:.3f}, " if spread else ""
    sizes = f"MAE {_figure(np.abs(errors).mean())}, RMSE {_figure((squares / len(true)) ** 0.5)}"
    return f"{len(true):,} samples: {share}{sizes}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.3g}"


def _space_ticks(axes: Axes) -> None:
    """Few ticks, which do not run into each other, and 20,000 rather than 20000."""
    axes.locator_params(nbins=5)
    for axis in (axes.xaxis, axes.yaxis):
        if 1000 <= np.abs(axis.get_view_interval()).max() < 1e6:  # larger ones have a factor, such as 1e6
            axis.set_major_formatter(lambda value, _: f"{value:,.10g}".replace("-", "\N{MINUS SIGN}"))
