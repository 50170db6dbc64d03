"""The parts alone: predictions by a net that is trained, single layers, optimizers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.contestants import ours
from benchmarks.contestants.task import CHECKED_VALUES
from benchmarks.problems import DIGITS, LayerPass, Prediction, Update
from benchmarks.results import Result, rows
from benchmarks.suite import Suite, Unit
from minidl.types import Array


def _predictions(quick: bool) -> list[Prediction]:
    fashion: dict[str, Any] = {"hidden": (300,), "features": 784}
    every = [
        Prediction("1 row, 64-32-10", samples=1, **DIGITS),
        Prediction("1 row, 784-300-10", samples=1, **fashion),
        Prediction("10,000 rows, 64-32-10", samples=10_000, **DIGITS),
        Prediction("10,000 rows, 784-300-10", samples=10_000, **fashion),
        Prediction("10,000 rows uint8, 784-300-10", samples=10_000, pixels=True, **fashion),
    ]
    return every[:3:2] if quick else every


def _probabilities(problem: Prediction) -> list[float]:
    x = problem.checked() / (255.0 if problem.pixels else 1.0)
    *hidden, (weight, bias) = problem.weights()
    for hidden_weight, hidden_bias in hidden:
        x = np.maximum(x @ hidden_weight.astype(np.float64) + hidden_bias, 0)
    p: list[float] = _softmax(x @ weight.astype(np.float64) + bias).ravel().tolist()
    return p


def _softmax(scores: Array) -> Array:
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exps / exps.sum(axis=1, keepdims=True))


PREDICT = Suite(
    name="predict",
    help="labels of one row and of 10,000 by a net that is trained",
    contestants=("floor", "minidl", "numpy", "sklearn", "torch", "jax", "keras"),
    problems=_predictions,
    task="Predict",
    reference=_probabilities,
    tolerance=1e-4,
    unit=Unit("µs a call", format=",.1f"),
    notes=(
        "floor: the net's matrix products into arrays that are there already, on float32 also where the "
        "rows are uint8.",
        "minidl: net.predict; scikit-learn: predict; PyTorch: argmax under no_grad; JAX: a jitted argmax; "
        "Keras: argmax of the net's call for one row, of predict (batches of 1,000) for 10,000. Pixels "
        "become numbers within the call. PyTorch and JAX have the rows as their own arrays.",
        "differs: the largest relative difference of the first rows' probabilities from those in float64.",
    ),
)


_CONVOLUTIONS = [(1, 16, 100, 32), (3, 16, 100, 32), (16, 32, 32, 16), (32, 32, 32, 16), (64, 64, 32, 8)]
_IMAGES = (32, 32, 16, 16)
_GOAL = 1.0  # times PyTorch's time
_LAYERS: list[tuple[str, tuple[Any, ...], tuple[int, ...], float]] = [
    ("Affine", (3072, 50), (200, 3072), 0),
    ("Affine", (300, 10), (200, 300), 0),
    ("BatchNorm2d", (32,), _IMAGES, _GOAL),
    ("BatchNorm1d", (300,), (200, 300), _GOAL),
    ("LayerNorm", (300,), (200, 300), _GOAL),
    ("GroupNorm", (8, 32), _IMAGES, _GOAL),
    ("Dropout", (0.5,), (200, 1000), _GOAL),
    ("MaxPool2d", (2,), _IMAGES, _GOAL),
    ("ReLU", (), (200, 300), 0),
    ("GELU", (), (200, 300), _GOAL),
    ("Tanh", (), (200, 300), 0),
    ("Sigmoid", (), (200, 300), 0),
    ("Embedding", (1000, 64), (200, 20), 0),
    ("SoftmaxCrossEntropy", (), (200, 10), 0),
]
"""Each with its arguments, the shape of a batch and the goal."""


def _passes(quick: bool) -> list[LayerPass | Update]:
    convolutions = [
        LayerPass(
            f"Conv2d {channels}-{out}, {batch} × {side}²",
            *("Conv2d", (channels, out, 3), (batch, channels, side, side), (("padding", 1),), _GOAL),
        )
        for channels, out, batch, side in (_CONVOLUTIONS[2:3] if quick else _CONVOLUTIONS)
    ]
    layers = [
        LayerPass(
            f"{kind} {'-'.join(map(str, arguments))}, {' × '.join(map(str, shape))}".replace(" ,", ","),
            *(kind, arguments, shape, (), goal),
        )
        for kind, arguments, shape, goal in (_LAYERS[2:7] if quick else _LAYERS)
    ]
    optimizers = (("Adam", _GOAL), ("AdamW", 0), ("RMSprop", 0))
    updates = [
        Update(f"{kind}, 10⁶ parameters", kind, goal=goal)
        for kind, goal in (optimizers[:1] if quick else optimizers)
    ]
    return [*convolutions, *layers, *updates]


def _in_float64(problem: LayerPass | Update) -> list[float]:
    """What minidl's layer, which its tests hold to PyTorch's, or an optimizer's formula gives."""
    if isinstance(problem, LayerPass):
        return ours.Layers(problem, np.float64).answers()
    values, gradients = (array[:CHECKED_VALUES].astype(np.float64) for array in problem.arrays())
    mean, square = np.zeros_like(values), np.zeros_like(values)
    adam = problem.kind != "RMSprop"
    keep = 0.999 if adam else 0.99
    for step, times in enumerate((1.0, 2.0, -0.5), 1):
        g = times * gradients
        mean, square = 0.9 * mean + 0.1 * g, keep * square + (1 - keep) * g * g
        if problem.kind == "AdamW":
            values = values * (1 - 0.01 * problem.learning_rate)
        over = np.sqrt(square / (1 - keep**step) if adam else square) + 1e-8
        values = values - problem.learning_rate * (mean / (1 - 0.9**step) if adam else g) / over
    return [float(value) for value in values]


def _goals(results: Sequence[Result]) -> list[str]:
    """How minidl stands to PyTorch on each row that has a goal, at one thread."""
    lines = []
    for beside in rows(result for result in results if result.threads == 1):
        ours_, theirs = beside.get("minidl"), beside.get("torch")
        if ours_ and theirs and (goal := ours_.problem["goal"]):
            ratio = ours_.median / theirs.median
            verdict = "met" if ratio <= goal else "MISSED"
            lines.append(f"{ours_.row}: {ratio:.2f} × PyTorch at one thread, goal {goal:g}: {verdict}")
    return lines


LAYERS = Suite(
    name="layers",
    help="forward and backward of each layer in training, and the step of each optimizer",
    contestants=("minidl", "numpy", "torch", "jax", "keras"),
    problems=_passes,
    task="Layers",
    reference=_in_float64,
    tolerance=1e-4,
    patience=0.4,  # most rows take microseconds
    unit=Unit("µs", format=",.1f"),
    base="torch",
    remarks=_goals,
    notes=(
        "A row names the arguments and the batch's shape; of convolutions, 3 × 3 with padding 1, the images "
        "and their size. All in training: the gradients are those of the input, unless it is indices, and of "
        "the parameters. Optimizers: one step over a vector.",
        "PyTorch: layers of the same names, autograd.grad, optimizers fused where they can be. JAX has "
        "neither layers nor optimizers: functions that say the same, jitted with their vjp. Keras: its own, "
        "jitted in the same way by stateless_call and stateless_apply. JAX and Keras have images with the "
        "channels last, as is their default, turned before anything is timed; every call is waited for.",
        "differs: the largest relative difference of size and contents of output and gradients from those of "
        "minidl's layer in float64, and of an optimizer's values from the formula. A dropout is random: what "
        "is compared is its factor, that the gradient meets the same mask, and about how much it drops.",
    ),
)
