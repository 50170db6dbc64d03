"""Gradient checks: backward against central differences of forward, in float64.

The upstream gradient is random, because one of ones is blind: a softmax's rows add up to 1, so
that the sum of its outputs has no gradient at all, whatever backward says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.checks import as_generator, check_array, check_kind, check_list
from minidl.errors import ConfigurationError, DTypeError
from minidl.layers import Layer
from minidl.losses import Loss
from minidl.losses.loss import ANY
from minidl.module import Module
from minidl.net import Net
from minidl.regularizers import Regularizer
from minidl.testing.comparison import Options, compare
from minidl.testing.replay import Replay, backward_of, backward_parameters_of
from minidl.testing.reports import GradientError, GradientReport
from minidl.testing.state import values_kept
from minidl.training.evaluation import require_head
from minidl.types import Array, Rng


def check_gradients(
    layer: Layer, x: npt.ArrayLike, *, rng: Rng = 0, wrt: Sequence[str] | None = None, **options: Any
) -> GradientReport:
    """Prove a layer's gradients at `x`, by its input and by every parameter.

    ``sum(forward(x) * dy)`` with a random `dy` is differentiated numerically, element by element,
    and compared with what ``backward(dy)`` gives; `backward_parameters` must give the same.

    Parameters
    ----------
    layer : Layer
        Built with ``dtype=np.float64``. Its parameters are varied and come back unchanged; its
        gradients, cache and statistics are left as training passes leave them.
    x : array of shape (batch, ...)
        Of float64; of another dtype only for a layer whose input has no gradient (indices), which
        is then left out.
    rng : Generator, seed or None
        Draws `dy`, the directions and the points tried after a kink.
    wrt : sequence of str, optional
        What to compare: ``"x"`` or a parameter's name; all by default.
    rtol : float, optional
        Tolerated relative to the gradient (1e-6), beside the numeric gradient's own error estimate.
    full_below : int, optional
        With more elements than this (1000), random directions over input and parameters at once
        are compared instead, and some of each array alone; a mismatch is traced to one element.
    directions : int >= 8, optional
        How many.
    resamples : int, optional
        How many times (5) a point too near a kink is moved a little before giving up.

    Returns
    -------
    GradientReport

    Raises
    ------
    GradientError
        Naming parameter, index, analytic and numeric value, worst first; or saying that `x` is
        written to, that kinks are everywhere, or that forward is random in a way that a copy of the
        layer does not replay.
    DTypeError
        For a layer or input not of float64.

    Examples
    --------
    >>> from minidl import Affine
    >>> layer = Affine(3, 2, rng=0, dtype=np.float64)
    >>> report = check_gradients(layer, np.random.default_rng(0).standard_normal((4, 3)))
    >>> report.compared, report.worst < 1e-7  # 12 inputs, 6 weights, 2 biases
    (20, True)
    """
    check_kind("check_gradients", "layer", layer, Layer)
    x = np.array(check_array(layer.label, "x", x, kinds="biufc"))
    _check_float64(layer, x)
    generator = as_generator(rng, legacy=False).spawn(1)[0]  # x may be drawn from the same seed
    arrays = ({"x": x} if x.dtype.kind == "f" else {}) | _values(layer)
    points = {name: arrays[name] for name in _chosen(layer, arrays, wrt)}
    with values_kept(layer):
        replay = Replay(layer, lambda twin: np.array(twin.forward(x, training=True)), {"x": x})
        y = replay.forward()
    if y.dtype != np.float64:
        raise DTypeError.expected(layer.label, "float64 output for float64 input", y.dtype)
    dy = generator.standard_normal(y.shape)

    def backward() -> Mapping[str, Array]:
        found: dict[str, Array] = replay.run(lambda twin: backward_of(twin, x, dy))
        return found

    settings = Options(**options)
    with values_kept(layer):
        report = compare(layer.label, replay.forward, dy, points, arrays, backward, generator, settings)
        if wrt is None:
            check_backward_parameters(layer, x, dy, replay)
    return report


def check_backward_parameters(layer: Layer, x: Array, dy: Array, replay: Replay) -> None:
    """Raise `GradientError` unless `backward_parameters` gives the gradients that `backward` does."""
    full = replay.run(lambda twin: backward_of(twin, x, dy))
    partial = replay.run(lambda twin: backward_parameters_of(twin, x, dy))
    for name, gradient in partial.items():
        atol = 1e-9 * np.max(np.abs(full[name]), initial=0.0)
        wrong = ~np.isclose(gradient, full[name], rtol=0, atol=atol, equal_nan=True)
        if wrong.any():
            index = tuple(int(i[0]) for i in np.nonzero(wrong))
            values = f"backward_parameters gives {gradient[index]:.9g}, backward {full[name][index]:.9g}"
            raise GradientError(f"{layer.label}: {name}{list(index)}: {values}")


def check_loss_gradients(
    loss: Loss,
    scores: npt.ArrayLike,
    targets: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    rng: Rng = 0,
    **options: Any,
) -> GradientReport:
    """Prove a loss's gradient by its scores.

    Parameters
    ----------
    loss : Loss
    scores : array of float64
    targets : array
        Whatever the loss takes.
    weights : array of shape (batch,), optional
        How much each sample counts.
    rng, **options
        As in `check_gradients`.
    """
    check_kind("check_loss_gradients", "loss", loss, Loss)
    scores = np.array(check_array(loss.label, "scores", scores, kinds="biufc"))
    targets = np.array(check_array(loss.label, "targets", targets, kinds=ANY))
    generator = as_generator(rng, legacy=False)
    _check_float64(loss, scores)
    arguments, weighted = {"the scores": scores, "the targets": targets}, {}
    if weights is not None:
        weighted["weights"] = arguments["the weights"] = np.array(check_array(loss.label, "weights", weights))

    def forward(twin: Loss) -> float:
        return twin.forward(scores, targets, training=True, **weighted)

    replay = Replay(loss, lambda twin: np.asarray(forward(twin)), arguments)

    def backward_of_loss(twin: Loss) -> dict[str, Array]:
        forward(twin)
        dscores = np.array(twin.backward())
        if dscores.shape != scores.shape:
            text = f"expected backward to return shape {scores.shape}, that of scores, got {dscores.shape}"
            raise GradientError(f"{loss.label}: {text}")
        return {"scores": dscores}

    def backward() -> Mapping[str, Array]:
        found: dict[str, Array] = replay.run(backward_of_loss)
        return found

    points = {"scores": scores}
    dy, settings = np.ones(()), Options(**options)
    return compare(loss.label, replay.forward, dy, points, points, backward, generator, settings)


def check_net_gradients(
    net: Net,
    x: npt.ArrayLike,
    targets: npt.ArrayLike,
    *,
    regularizer: Regularizer | None = None,
    rng: Rng = 0,
    **options: Any,
) -> GradientReport:
    """Prove the gradients that training sees: of loss and penalty, by every parameter.

    Parameters
    ----------
    net : Net
        With a loss at its end, built with ``dtype=np.float64``.
    x, targets : array
        One batch.
    regularizer : Regularizer, optional
        Its penalty is part of the loss, as in the Trainer.
    rng, **options
        As in `check_gradients`.
    """
    require_head("check_net_gradients", net)
    if regularizer is not None:
        check_kind("check_net_gradients", "regularizer", regularizer, Regularizer)
    x = np.array(check_array(net.label, "x", x, kinds="biufc"))
    targets = np.array(check_array(net.label, "targets", targets, kinds=ANY))
    generator = as_generator(rng, legacy=False)
    _check_float64(net, x)
    points = _values(net)
    moved = ({"x": x} if x.dtype.kind == "f" else {}) | points

    def total(twin: Net) -> Array:
        loss = twin.loss_and_gradients(x, targets)
        return np.asarray(loss + (regularizer.penalty(twin.parameters) if regularizer else 0.0))

    def backward_of_net(twin: Net) -> dict[str, Array]:
        for parameter in dict(twin.named_parameters()).values():
            parameter.grad.fill(np.nan)
        twin.loss_and_gradients(x, targets)
        if regularizer:
            regularizer.add_gradients(twin.parameters)
        return {name: parameter.grad.copy() for name, parameter in twin.parameters.items()}

    with values_kept(net):
        replay = Replay(net, total, {"x": x, "the targets": targets}, "loss_and_gradients")

    def backward() -> Mapping[str, Array]:
        found: dict[str, Array] = replay.run(backward_of_net)
        return found

    dy, settings = np.ones(()), Options(**options)
    with values_kept(net):
        return compare(net.label, replay.forward, dy, points, moved, backward, generator, settings)


def _values(module: Module) -> dict[str, Array]:
    # Of a frozen parameter nobody computes a gradient.
    return {name: part.value for name, part in module.named_parameters() if not part.frozen}


def _chosen(layer: Layer, arrays: Mapping[str, Array], wrt: Sequence[str] | None) -> list[str]:
    chosen = [] if wrt is None else check_list(layer.label, "wrt", wrt, str, "names")
    unknown = [name for name in chosen if name not in arrays]
    if unknown:
        raise ConfigurationError.expected(layer.label, f"wrt among {', '.join(arrays)}", unknown)
    return [name for name in arrays if wrt is None or name in wrt]


def _check_float64(module: Module, x: Array) -> None:
    found = {f"parameter {name}": value.dtype for name, value in _values(module).items()}
    dtype = getattr(module, "dtype", None)
    found |= {} if dtype is None else {"the layer's dtype": dtype}
    found |= {} if x.dtype.kind not in "fc" else {"the input": x.dtype}
    for what, kind in found.items():
        if kind != np.float64:
            remedy = "build the layer with dtype=np.float64, and give it float64"
            raise DTypeError.expected(module.label, f"{what} of float64 for a gradient check", kind, remedy)
