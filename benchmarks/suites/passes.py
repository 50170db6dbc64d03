"""The passes alone: predictions by a net that is trained, and single layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problems import DIGITS, ConvolutionPass, LayerPass, Prediction
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
    contestants=("floor", "minidl", "sklearn", "torch", "jax", "keras"),
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


def _passes(quick: bool) -> list[LayerPass]:
    kinds = [
        ("Affine 3072-50", "affine", 3072, 50),
        ("Affine 300-10", "affine", 300, 10),
        ("ReLU 50", "relu", 50, 50),
        ("ReLU 300", "relu", 300, 300),
        ("SoftmaxCrossEntropy 10", "softmax", 10, 10),
    ]
    convolutions = [(1, 16, 100, 32), (3, 16, 100, 32), (16, 16, 32, 32), (16, 32, 32, 16), (64, 64, 32, 16)]
    return [
        *(
            LayerPass(f"{title}, forward{more}", kind, features, out, bool(more))
            for title, kind, features, out in (kinds[1:3] + kinds[4:] if quick else kinds)
            for more in ("", " and backward")
        ),
        *(
            ConvolutionPass(
                f"Conv2d {features}-{out}, {batch} × {side}², forward{more}",
                *("convolution", features, out, bool(more), batch, side),
            )
            for features, out, batch, side in (convolutions[3:4] if quick else convolutions)
            for more in ("", " and backward")
        ),
    ]


def _passes_in_float64(problem: LayerPass) -> list[float]:
    arrays = problem.arrays()
    x, dy, weight, bias = (arrays[name].astype(np.float64) for name in ("x", "dy", "weight", "bias"))
    if problem.kind == "convolution":
        return problem.fingerprints(*_convolution(x, dy, weight, bias))
    if problem.kind == "affine":
        return problem.fingerprints(x @ weight + bias, dy @ weight.T, x.T @ dy, dy.sum(axis=0))
    if problem.kind == "relu":
        return problem.fingerprints(np.maximum(x, 0), dy * (x > 0))
    p, chosen = _softmax(x), np.eye(problem.out)[arrays["labels"]]
    return problem.fingerprints(-np.log((p * chosen).sum(axis=1)).mean(), (p - chosen) / problem.batch)


def _convolution(x: Array, dy: Array, weight: Array, bias: Array) -> tuple[Array, ...]:
    """Output and gradients, one place of the 3 × 3 windows after the other."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y, dx, dweight = np.zeros(dy.shape) + bias[:, None, None], np.zeros(padded.shape), np.zeros(weight.shape)
    for i, j in np.ndindex(3, 3):
        at = (..., slice(i, i + x.shape[2]), slice(j, j + x.shape[3]))
        y += np.tensordot(padded[at], weight[:, :, i, j], (1, 1)).transpose(0, 3, 1, 2)
        dx[at] += np.tensordot(dy, weight[:, :, i, j], (1, 0)).transpose(0, 3, 1, 2)
        dweight[:, :, i, j] = np.tensordot(dy, padded[at], ((0, 2, 3), (0, 2, 3)))
    return y, dx[:, :, 1:-1, 1:-1], dweight, dy.sum(axis=(0, 2, 3))


LAYERS = Suite(
    name="layers",
    help="forward and backward of each layer, beside PyTorch's",
    contestants=("minidl", "torch"),
    problems=_passes,
    task="Layers",
    reference=_passes_in_float64,
    tolerance=1e-4,
    unit=Unit("µs", format=",.1f"),
    base="",
    notes=(
        "Batches of 200, in training; of convolutions, 3 × 3 with padding 1, the row says how many images of "
        "how many pixels. 'and backward': the forward that it needs and the gradients of input and "
        "parameters, in PyTorch by autograd.grad.",
        "differs: the largest relative difference of size and contents of output and gradients from those in "
        "float64.",
    ),
)
