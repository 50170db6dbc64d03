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
_APART = 0.1  # of accuracies that no two splits of the same samples explain
_AGAINST = (
    "try early stopping, more data, augmentation, dropout, more regularization or a smaller hidden layer"
)


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
    findings = _loss_findings(np.asarray(steps["loss"], float), steps["lr"])
    train = [value for value in epochs.get("train_accuracy", []) if value is not None]
    validation = [value for value in epochs.get("validation_accuracy", []) if value is not None]
    known = bool(train) and len(train) == len(validation) and bool(np.isfinite(validation).all())
    gap = float(np.mean(train[-3:]) - np.mean(validation[-3:])) if known else None
    if known:
        findings += _accuracy_findings(train, validation)
    return findings + _validation_loss_findings(epochs["train_loss"], epochs["validation_loss"], gap)


def _loss_findings(loss: Array, rates: list[float]) -> list[Finding]:
    evidence = _trouble(loss)
    if evidence:
        than = f" than {max(rates):.3g}" if rates else ""
        return [Finding("rate too large", evidence, f"try a learning rate 3 to 10 times smaller{than}")]
    if len(loss) < _FEWEST_STEPS:
        return []
    parts = _tenths(loss)
    start, middle, end = (float(part.mean()) for part in parts)
    if abs(start - end) < 0.02 * start:
        evidence = f"the loss hardly moved, from {start:.4g} to {end:.4g} in {len(loss)} steps"
        return [Finding("rate too small", evidence, "try a learning rate 3 to 10 times larger")]
    late = min((middle - end) / (start - end), 1.0) if end < start else 0.0
    noise = 2 * np.hypot(parts[1].std(), parts[2].std()) / len(parts[1]) ** 0.5
    if late > 0.4 and end > 0.5 * start and middle - end > noise:
        evidence = (
            f"the loss fell in a nearly straight line, from {start:.3g} to {end:.3g}, "
            f"{late:.0%} of it in the second half"
        )
        return [Finding("rate too small", evidence, "try a larger learning rate, or train for longer")]
    return []


def _trouble(loss: Array) -> str:
    """By which figures the loss rose more than the scatter of its batches; else nothing."""
    lost = np.flatnonzero(~np.isfinite(loss))
    if lost.size:
        return f"the loss was no finite number at {lost.size} of {len(loss)} steps, first at {lost[0] + 1}"
    if len(loss) < 2 or loss[0] <= 0:
        return ""
    # In logarithms a few hard samples in one batch weigh little. What is below a thousandth of the first
    # loss is as good as it.
    log = np.log(np.maximum(loss, max(1e-3 * loss[0], np.finfo(float).tiny)))
    if len(loss) < _FEWEST_STEPS:
        last = float(np.median(log[-3:]))
        rose = last - log[0] > np.log(10)
        return f"the loss rose from {loss[0]:.3g} to {np.exp(last):.3g} in {len(loss)} steps" if rose else ""
    # A standard deviation, were it normal, and more of it where few steps say how much it is.
    scatter = 1.05 * float(np.median(np.abs(np.diff(log)))) * (1 + 20 / len(log))
    # One step's loss is one batch's, and an epoch's last batch may be small: neither is a jump.
    width = max(len(loss) // 10, 5)
    curve, peaks = smooth(log, width), smooth(log, max(len(loss) // 100, 5))
    noise = 5 * scatter * (2 / width) ** 0.5
    start, _, end = (float(part.mean()) for part in _tenths(log))
    low = np.minimum.accumulate(curve)
    rise = np.exp(curve) - np.exp(low)
    if end - start > 0.02 + noise:
        return f"the loss rose from {np.exp(start):.3g} to {np.exp(end):.3g}"
    if end < log[0] - np.log(2) and end < curve.min() + np.log(1.2) + noise:
        return ""  # whatever came between, it ended well
    if peaks.max() - log[0] > np.log(2) + 4 * scatter:
        peak = int(peaks.argmax())
        return f"the loss jumped from {loss[0]:.3g} to {np.exp(peaks[peak]):.3g} at step {peak + 1}"
    peak = int(np.where(curve - low > noise, rise, 0.0).argmax())
    if rise[peak] > 0.2 * loss[0] and curve[peak] - low[peak] > noise:
        return f"the loss rose by {rise[peak]:.3g} up to step {peak + 1}"
    return ""


def _validation_loss_findings(train: list[Any], column: list[Any], gap: float | None) -> list[Finding]:
    losses = np.asarray(column, float)  # NaN, too, where None is
    measured = np.array([value is not None for value in column], bool)
    epochs = np.flatnonzero(measured & ~np.isfinite(losses))
    if len(epochs):
        evidence = (
            f"the validation loss was not finite after {len(epochs)} epochs, first after {epochs[0] + 1}"
        )
        return [
            Finding("validation not finite", evidence, "minidl.evaluate(net, validation) names the samples")
        ]
    # Of accuracies close to each other a rising loss says only that the net is too sure of its few
    # errors; those far apart have their finding.
    if len(losses) < _FEWEST_EPOCHS or not measured.all() or (gap is not None and not 0.03 < gap <= _APART):
        return []
    curve = smooth(losses, 3)
    best, last, trained = int(curve.argmin()), float(losses[-3:].mean()), float(np.mean(train[-3:]))
    rise = last - curve[best]
    scatter = float(np.std((losses - curve)[1:-1]))
    if best < len(curve) - 3 and rise > max(0.1 * curve[best], 3 * scatter) and last > 1.5 * trained:
        evidence = (
            f"the validation loss was lowest around epoch {best + 1} of {len(curve)} at {curve[best]:.3g}, "
            f"and is {last:.3g} at the end, the training loss {trained:.3g}"
        )
        return [Finding("overfitting", evidence, _AGAINST)]
    return []


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
    if gap > _APART:
        findings.append(Finding("overfitting", f"{figures}, {100 * gap:.0f} points apart", _AGAINST))
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
