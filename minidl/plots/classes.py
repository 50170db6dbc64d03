"""Where a classification errs: which classes it mixes up, and on which samples."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minidl.checks import check_array
from minidl.errors import DataError, ShapeError
from minidl.plots.figures import make_figure, save_figure, short_names
from minidl.plots.tiles import as_images, scaled, tiles_figure
from minidl.tables import short
from minidl.types import Array

_MOST_LABELLED = 30  # classes: of more, the cells would be too small for numbers
_MOST_MISTAKES = 40
_MISTAKES_ACROSS = 8


def plot_confusion_matrix(
    matrix: npt.ArrayLike, path: str | os.PathLike[str], names: Sequence[str] | None = None
) -> None:
    """Draw which classes are taken for which: a row a class, a column what its samples are taken for.

    Each cell says how many samples, and what share of its row's; the redder, the larger a share of
    mistakes. What is right, on the diagonal, is left pale: it would outshine the mistakes. Of more
    than 30 classes only the colours are drawn.

    Parameters
    ----------
    matrix : array of shape (classes, classes)
        Counts, as of `minidl.metrics.confusion_matrix`.
    path : path-like
        The image to write; its suffix gives the format (png, svg, pdf).
    names : sequence of str, optional
        Of the classes; their numbers by default.

    Raises
    ------
    ShapeError, DTypeError, DataError, ConfigurationError
    """
    counts = check_array("plot_confusion_matrix", "matrix", matrix).astype(float)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ShapeError.expected("plot_confusion_matrix", "a matrix (classes, classes)", counts.shape)
    if not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise DataError.expected("plot_confusion_matrix", "counts, finite and >= 0", "others")
    classes = len(counts)
    numbers = list(map(str, range(classes)))
    texts = numbers if names is None else short_names("plot_confusion_matrix", names, classes, of="class")
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.where(totals > 0, totals, 1.0)
    mistakes = np.where(np.eye(classes, dtype=bool), 0.0, shares)
    top = max(float(mistakes.max()), 1e-9)

    cells = classes <= _MOST_LABELLED
    side = max(classes * (0.62 if classes <= 12 else 0.5), 2.5) if cells else 8.5
    room = 0.085 * max(map(len, texts)) + 0.6
    figure = make_figure((side + room + 0.6, side + min(room, 2.2) + 0.6))
    axis = figure.subplots()
    axis.imshow(mistakes, cmap="Reds", vmin=0, vmax=top * 1.25, interpolation="none")
    ticks = range(0, classes, 1 if cells else -(-classes // _MOST_LABELLED))
    labels = [texts[place] for place in ticks]
    turned = max(map(len, labels)) > (6 if classes <= 12 else 3)
    axis.set_xticks(list(ticks), labels, fontsize=8, parse_math=False)
    for label in axis.get_xticklabels() if turned else ():
        label.set(rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(list(ticks), labels, fontsize=8, parse_math=False)
    axis.set(xlabel="taken for", ylabel="class")
    right = float(np.trace(counts))
    samples = float(counts.sum())
    axis.set_title(f"{right:,.0f} of {samples:,.0f} right" if samples else "no samples", fontsize=10)
    if cells:
        axis.set_xticks(np.arange(classes - 1) + 0.5, minor=True)
        axis.set_yticks(np.arange(classes - 1) + 0.5, minor=True)
        axis.grid(which="minor", color="#dddddd", linewidth=0.6)
        axis.tick_params(which="minor", length=0)
        for row, column in zip(*np.nonzero(counts), strict=True):
            text = f"{counts[row, column]:,.0f}\n{_percent(shares[row, column])}"
            dark = mistakes[row, column] > 0.75 * top
            colour = "white" if dark else "#1b7837" if row == column else "black"
            size = 7.5 if classes <= 12 else 6
            axis.text(
                column, row, text, ha="center", va="center", fontsize=size, color=colour, in_layout=False
            )
    save_figure(figure, path)


def plot_mistakes(
    images: npt.ArrayLike,
    labels: npt.ArrayLike,
    predictions: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    path: str | os.PathLike[str],
    names: Sequence[str] | None = None,
) -> None:
    """Draw the images whose class was mistaken, the surest mistakes first, 40 at most.

    Below each stand its class, the one that it was taken for, and that one's probability. Mislabelled
    samples show here, and what the net has never seen.

    Parameters
    ----------
    images : array of shape (N, H, W) or (N, 1, H, W) for grey images, (N, 3, H, W) for RGB
        Drawn on one scale.
    labels, predictions : array of int, shape (N,)
    probabilities : array of shape (N, classes) or (N,)
        Of all classes, or of the predicted ones alone.
    path : path-like
        The image to write; its suffix gives the format (png, svg, pdf).
    names : sequence of str, optional
        Of the classes; their numbers by default.

    Raises
    ------
    ShapeError, DTypeError, DataError, ConfigurationError
    """
    pictures = as_images("plot_mistakes", "images", images)
    true, taken = (
        _labels(name, values, len(pictures))
        for name, values in (("labels", labels), ("predictions", predictions))
    )
    sure = _sureness(probabilities, taken)
    classes = int(max(true.max(), taken.max())) + 1
    texts = None
    if names is not None:
        texts = short_names("plot_mistakes", names, classes, at_least=True, of="class")
    wrong = np.flatnonzero(true != taken)
    surest = wrong[np.argsort(-sure[wrong], kind="stable")][:_MOST_MISTAKES]
    title = f"{len(wrong):,} of {len(true):,} samples mistaken"
    if len(wrong) > len(surest):
        title += f"; the {len(surest)} surest"

    def name(label: int, most: int) -> str:
        return short(texts[label] if texts else label, most)

    places = [divmod(place, _MISTAKES_ACROSS) for place in range(len(surest))]
    tiles = dict(zip(places, scaled(pictures[surest]), strict=True)) if len(surest) else {}
    captions = {
        place: f"{name(true[row], 21)}\ntaken for {name(taken[row], 11)}\n{_sure(sure[row])} sure"
        for place, row in zip(places, surest, strict=True)
    }
    save_figure(tiles_figure(tiles, captions=captions, title=title), path)


def _sure(probability: float) -> str:
    return f"{probability:.1%}" if probability < 0.9995 else ">99.9%"  # never 100%: it was mistaken


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.095 or share == 0 else f"{share:.1%}"


def _labels(name: str, values: npt.ArrayLike, samples: int) -> Array:
    array = check_array("plot_mistakes", name, values, kinds="iu")
    if array.shape != (samples,):
        raise ShapeError.expected("plot_mistakes", f"{name} of shape ({samples},)", array.shape)
    if array.min() < 0 or array.max() >= 1 << 31:
        raise DataError.expected("plot_mistakes", f"{name} counted from 0", f"{array.min()} to {array.max()}")
    return array.astype(np.int64)


def _sureness(probabilities: npt.ArrayLike, taken: Array) -> Array:
    """The probability of each sample's predicted class."""
    array = check_array("plot_mistakes", "probabilities", probabilities).astype(float)
    samples = len(taken)
    if array.ndim == 2 and len(array) == samples and array.shape[1] > taken.max():
        array = array[np.arange(samples), taken]
    if array.shape != (samples,):
        expected = f"probabilities of shape ({samples}, classes), one for each prediction at least"
        raise ShapeError.expected("plot_mistakes", expected, array.shape)
    if not np.isfinite(array).all():
        raise DataError.expected("plot_mistakes", "finite probabilities", "NaN or an infinity")
    return array
