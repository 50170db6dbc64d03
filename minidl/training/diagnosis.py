"""What the curves of a run and its net say, each finding with the figure behind it and what to try.

The rules are those a person applies to the plots; their thresholds are set so that a run that
went well gives no finding at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minidl.errors import StructureError
from minidl.kernels.rows import take_rows
from minidl.layers import ReLU
from minidl.module import Module
from minidl.net import Net
from minidl.plots import smooth
from minidl.types import Array

_FEWEST_STEPS = 20  # fewer say nothing about a curve's form
_FEWEST_EPOCHS = 10  # fewer do not tell a fall from scatter


Passed: TypeAlias = tuple[Module, Array]
"""A layer, and what went into it or came out."""


class Finding(NamedTuple):
    """One thing that data, curves or net say.

    Attributes
    ----------
    name : str
        Of the data: "missing classes", "duplicated samples", "features all zero", "constant
        features" or "unscaled features". Of the curves: "rate too small", "rate too large", "model
        too small", "overfitting", "validation past its best" or "validation not finite". Of the net:
        "dead units".
    evidence : str
        The figures behind it.
    advice : str
        What to try.
    """

    name: str
    evidence: str
    advice: str

    def __str__(self) -> str:
        return f"{self.name}: {self.evidence}; {self.advice}"


def curve_findings(steps: Mapping[str, list[float]], epochs: Mapping[str, list[Any]]) -> list[Finding]:
    """What losses and accuracies say, from the columns of a `History`."""
    findings = _loss_findings(np.asarray(steps["loss"], float))
    train = [value for value in epochs.get("train_accuracy", []) if value is not None]
    validation = [value for value in epochs.get("validation_accuracy", []) if value is not None]
    if train and len(train) == len(validation) and np.isfinite(validation).all():
        findings += _accuracy_findings(train, validation)
    return findings + _overflow_findings(epochs["validation_loss"])


def _loss_findings(loss: Array) -> list[Finding]:
    lost = np.flatnonzero(~np.isfinite(loss))
    if lost.size:
        evidence = (
            f"the loss was no finite number at {lost.size} of {len(loss)} steps, first at {lost[0] + 1}"
        )
        return [Finding("rate too large", evidence, "try a learning rate 3 to 10 times smaller")]
    if len(loss) < _FEWEST_STEPS:
        return []
    # One step's loss is one batch's, and an epoch's last batch may be small: neither is a jump.
    curve = smooth(loss, max(len(loss) // 10, 5))
    peaks = smooth(loss, max(len(loss) // 100, 5))
    start, middle, end = (float(part.mean()) for part in _tenths(loss))
    rise = curve - np.minimum.accumulate(curve)
    evidence = ""
    if end > 1.02 * start:
        evidence = f"the loss rose from {start:.3g} to {end:.3g}"
    elif peaks.max() > 2 * loss[0]:
        evidence = (
            f"the loss jumped from {loss[0]:.3g} to {peaks.max():.3g} at step {int(peaks.argmax()) + 1}"
        )
    elif rise.max() > 0.2 * loss[0]:
        evidence = f"the loss rose by {rise.max():.3g} up to step {int(rise.argmax()) + 1}"
    if evidence:
        return [Finding("rate too large", evidence, "try a learning rate 3 to 10 times smaller")]
    if start - end < 0.02 * start:
        evidence = f"the loss hardly moved, from {start:.4g} to {end:.4g} in {len(loss)} steps"
        return [Finding("rate too small", evidence, "try a learning rate 3 to 10 times larger")]
    late = min((middle - end) / (start - end), 1.0)
    if late > 0.4 and end > 0.5 * start:
        evidence = (
            f"the loss fell in a nearly straight line, from {start:.3g} to {end:.3g}, "
            f"{late:.0%} of it in the second half"
        )
        return [Finding("rate too small", evidence, "try a larger learning rate, or train for longer")]
    return []


def _overflow_findings(column: list[Any]) -> list[Finding]:
    losses = np.asarray(column, float)  # NaN, too, where None is
    measured = np.array([value is not None for value in column], bool)
    epochs = np.flatnonzero(measured & ~np.isfinite(losses))
    if not len(epochs):
        return []
    evidence = f"the validation loss was not finite after {len(epochs)} epochs, first after {epochs[0] + 1}"
    return [Finding("validation not finite", evidence, "minidl.evaluate(net, validation) names the samples")]


def _tenths(loss: Array) -> tuple[Array, Array, Array]:
    width = max(len(loss) // 10, 1)
    middle = (len(loss) - width) // 2
    return loss[:width], loss[middle : middle + width], loss[-width:]


def _accuracy_findings(train: list[float], validation: list[float]) -> list[Finding]:
    findings = []
    last_train, last_validation = (float(np.mean(column[-3:])) for column in (train, validation))
    gap = last_train - last_validation
    figures = f"train accuracy {last_train:.1%}, validation {last_validation:.1%}"
    if abs(gap) < 0.05 and last_train < 0.6:
        advice = "try a larger hidden layer or less regularization, once the rate is right"
        findings.append(Finding("model too small", f"{figures}, close together and low", advice))
    if gap > 0.1:
        advice = "try more regularization, more data or a smaller hidden layer"
        findings.append(Finding("overfitting", f"{figures}, {100 * gap:.0f} points apart", advice))
    # Means of three epochs, and a fall far beyond their scatter: of many numbers, the highest is
    # always above the last.
    curve = smooth(validation, 3)
    best = int(np.argmax(curve))
    scatter = (
        float(np.std((np.asarray(validation) - curve)[1:-1])) if len(curve) >= _FEWEST_EPOCHS else np.inf
    )
    if best < len(curve) - 3 and curve[best] - last_validation > max(0.02, 6 * scatter):
        evidence = (
            f"validation accuracy was best around epoch {best + 1} of {len(curve)} "
            f"at {curve[best]:.1%}, and is {last_validation:.1%} at the end"
        )
        findings.append(Finding("validation past its best", evidence, f"stop after about {best + 1} epochs"))
    return findings


def dead_unit_findings(outputs: list[Passed]) -> list[Finding]:
    """Whether units of a ReLU fire for none of the samples."""
    findings = []
    for relu, y in outputs:
        fires = (y > 0).any(axis=0)
        dead = int(fires.size - np.count_nonzero(fires))
        if dead > 0.1 * fires.size:
            share = f"{dead} of {fires.size} hidden units ({dead / fires.size:.0%})"
            evidence = f"{share} behind {relu.label} never fire"
            advice = "try a smaller learning rate, a smaller initial scale, or fewer units"
            findings.append(Finding("dead units", evidence, advice))
    return findings


def spread_rows(features: Array, most: int = 1000) -> Array:
    """Indices of at most so many rows, spread evenly; 1,000 are enough to call a unit dead."""
    count = features.shape[0]  # a CSR matrix has no length
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).astype(np.intp))


def pass_through(net: object, features: Array) -> tuple[Passed | None, list[Passed]]:
    """What the net's first layer with parameters gets, and what each ReLU gives, of some samples."""
    if not isinstance(net, Net):
        raise StructureError.expected("diagnose", "net to be a Sequential", type(net).__name__)
    with np.errstate(over="ignore", invalid="ignore"):
        traced = net.trace(take_rows(features, spread_rows(features)))
    first = (one for one in traced if any(True for _ in one.layer.named_parameters()))
    outputs: list[Passed] = [(one.layer, one.y) for one in traced if isinstance(one.layer, ReLU)]
    return next(((one.layer, one.x) for one in first), None), outputs
