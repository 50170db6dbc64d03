"""Clauses of what a loss knows of its targets, weights and metrics. Each takes a `LossCase`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from minidl.losses import Loss
from minidl.metrics import Metric
from minidl.testing.clauses.loss_calls import require_refused, wrong_labels, wrong_targets
from minidl.testing.clauses.metrics import require_kept
from minidl.testing.demands import require, require_same
from minidl.testing.gradients import check_loss_gradients
from minidl.testing.loss_cases import LossCase, MetricCase, require_same_pass, takes_weights, train
from minidl.testing.replay import same_bits
from minidl.testing.reports import ClauseSkipped
from minidl.types import Array

_MORE = 7  # samples: enough for two batches of different sizes


def targets_checked(case: LossCase) -> None:
    """`check_targets` takes what `forward` takes; a loss's own refuses what fits no batch."""
    loss, scores, targets = case.loss(), case.scores(batch=4), case.targets(batch=4)
    loss.check_targets(targets, scores.shape[1:])
    if type(loss).check_targets is Loss.check_targets:
        return
    wrong = wrong_labels(case, targets) if case.of_labels else wrong_targets(targets)
    for name, made in wrong.items():
        if len(made) == len(targets):
            check = partial(case.loss().check_targets, made, scores.shape[1:])
            require_refused(f"check_targets takes {name}", check)


def metrics(case: LossCase) -> str:
    """`metrics` gives fresh metrics of different names, each of which keeps the clauses of `check_metric`."""
    loss = case.loss()
    found, again = loss.metrics(), loss.metrics()
    right = isinstance(found, list) and all(isinstance(metric, Metric) for metric in found)
    require(right, f"metrics gives {found!r}, not a list of metrics")
    shared = {id(metric) for metric in found} & {id(metric) for metric in again}
    require(not shared, "metrics gives the same object twice, so that two trainings would add up in it")
    names = []
    for number in range(len(found)):
        of_metric = MetricCase(partial(_metric, loss, number), case.num_classes, case.seed)
        names.append(require_kept(replace(of_metric, batch=case.batch, make_targets=case.make_targets)))
    require(len(set(names)) == len(names), f"two metrics have one name: {', '.join(names)}")
    return ", ".join(names)


def _metric(loss: Loss, number: int) -> Metric:
    return loss.metrics()[number]


def weights(case: LossCase) -> None:
    """With weights, the loss is the weighted mean: of ones as without, of zeros 0; only ratios count."""
    text = "forward takes no weights: def forward(self, scores, targets, *, weights=None, training)"
    require(takes_weights(case.loss()), text)
    loss, scores, targets, given = case.loss(), case.scores(), case.targets(), case.weights()
    given.flags.writeable = False
    kept = given.copy()
    samples = [slice(row, row + 1) for row in range(len(scores))]
    rows = [loss.forward(scores[one], targets[one], training=False) for one in samples]
    counts = [loss.total_weight(targets[one], given[one]) for one in samples]
    found = train(case.loss(), scores, targets, weights=given)
    if any(counts):
        expected = _mean(rows, counts)
        require_same("the loss", np.asarray(found.loss), expected, "where the rows' weighted mean is meant")
    inferred = loss.forward(scores, targets, weights=given, training=False)
    require_same("the loss", np.asarray(inferred), np.asarray(found.loss), "in inference with weights")
    require(same_bits(given, kept), "forward writes to the weights")
    require_same_pass(train(case.loss(), scores, targets, weights=4 * given), found, "for weights 4 times")
    require_same_pass(train(case.loss(), scores, targets, weights=given.tolist()), found, "for a list")
    ones = train(case.loss(), scores, targets, weights=np.ones(len(scores)))
    require_same_pass(ones, train(case.loss(), scores, targets), "for weights of 1")
    zeros = train(case.loss(), scores, targets, weights=np.zeros(len(scores)))
    require(zeros.loss == 0, f"weights of 0 give a loss of {zeros.loss}, not 0")
    require(not zeros.dscores.any(), "weights of 0 give a gradient that is not 0")


def weighted_gradient(case: LossCase) -> str:
    """Backward equals the central differences of forward with weights."""
    _require_weights(case)
    loss, scores, targets = case.loss(), case.scores(), case.targets()
    return str(check_loss_gradients(loss, scores, targets, weights=case.weights(), rng=case.seed))


def total_weight(case: LossCase) -> None:
    """The losses of batches, weighted by `total_weight`, average to the loss of all their samples."""
    loss, scores, targets = case.loss(), case.scores(batch=_MORE), case.targets(batch=_MORE)
    batches = slice(2), slice(2, None)
    plain = [loss.total_weight(targets[rows], None) for rows in batches]
    losses = [loss.forward(scores[rows], targets[rows], training=False) for rows in batches]
    whole = loss.forward(scores, targets, training=False)
    if any(plain):
        require_same("the loss", np.asarray(whole), _mean(losses, plain), _ON_AVERAGE)
    _require_weights(case)
    given = case.weights(batch=_MORE)
    totals = [loss.total_weight(targets[rows], given[rows]) for rows in batches]
    losses = [
        loss.forward(scores[rows], targets[rows], weights=given[rows], training=False) for rows in batches
    ]
    whole = loss.forward(scores, targets, weights=given, training=False)
    if any(totals):
        average = _mean(losses, totals)
        require_same("the weighted loss", np.asarray(whole), average, _ON_AVERAGE)
    total = loss.total_weight(targets, given)
    require_same("total_weight", np.asarray(total), np.asarray(sum(totals)), "where its batches' add up")


def _mean(losses: list[float], weights: list[float]) -> Array:
    return np.asarray(np.average(losses, weights=weights))


_ON_AVERAGE = "where that of its batches is meant, by total_weight"


def wrong_weights_refused(case: LossCase) -> None:
    """Weights that are negative, not finite, no numbers or not one a sample raise a `MinidlError`."""
    _require_weights(case)
    scores, targets, right = case.scores(batch=4), case.targets(batch=4), case.weights(batch=4)
    third = np.arange(4) == 2
    wrong: dict[str, Any] = {
        "a negative weight": np.where(third, -1.0, right),
        "a weight of NaN": np.where(third, np.nan, right),
        "an infinite weight": np.where(third, np.inf, right),
        "weights of shape (N, 1)": right[:, None],
        "too few weights": right[:-1],
        "one weight": right[:1],
        "a number": 1.0,
        "weights that are words": right.astype(str),
    }
    for training in (True, False):
        for name, made in wrong.items():
            forward = partial(case.loss().forward, scores, targets, weights=made, training=training)
            require_refused(f"it takes {name}, training={training}", forward)


def _require_weights(case: LossCase) -> None:
    try:
        case.loss().forward(case.scores(), case.targets(), weights=case.weights(), training=False)
    except TypeError:
        raise ClauseSkipped("it takes no weights") from None
