"""Clauses of a metric. Each takes a `MetricCase` and raises, or returns what it saw."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.metrics import Metric
from minidl.testing.demands import require, require_same
from minidl.testing.loss_cases import MetricCase
from minidl.testing.replay import same_bits
from minidl.testing.reports import ClauseError, ClauseSkipped
from minidl.testing.state import changes, snapshot

_MORE = 7  # samples: enough for two batches of different sizes
_DRAWS = 3  # of which a wrong share of few samples is not right by chance


def value(case: MetricCase) -> str:
    """After a batch, with weights or without, `compute` gives a float, and the same when asked again."""
    batch = case.scores(), case.targets()
    for metric in (case.updated(batch), case.updated((*batch, case.weights()))):
        found = metric.compute()
        require(isinstance(found, float), f"compute gives {type(found).__name__}, not a float")
        require_same("compute", np.asarray(metric.compute()), np.asarray(found), "when asked again")
    return f"{found:.3g}"


def name(case: MetricCase) -> str:
    """`name` is an identifier other than ``"loss"``, for columns are called by it."""
    found = getattr(case.metric(), "name", None)
    right = isinstance(found, str) and found.isidentifier()
    require(right, f"name is {found!r}, expected an identifier: columns are called train_NAME")
    require(found != "loss", "name is 'loss', which columns of the loss itself are called")
    return str(found)


def arguments_kept(case: MetricCase) -> None:
    """Scores, targets and weights are only read."""
    given = {"scores": case.scores(), "targets": case.targets(), "weights": case.weights()}
    before = {name: array.copy() for name, array in given.items()}
    case.updated(tuple(given.values()))
    for name, array in given.items():
        require(same_bits(array, before[name]), f"update writes to {name}, which it was lent to read")
        array.flags.writeable = False
    try:
        case.updated(tuple(given.values()))
    except ValueError as error:
        raise ClauseError(f"read-only arrays are refused: {error}") from error


def nothing_is_nan(case: MetricCase) -> None:
    """Before the first batch, `compute` gives NaN, for it has seen no sample."""
    found = case.metric().compute()
    require(math.isnan(found), f"compute gives {found} before the first batch, expected NaN")


def batches_add_up(case: MetricCase) -> None:
    """Batch by batch gives what all samples at once give."""
    for draw in range(_DRAWS):
        scores, targets = case.scores(draw, batch=_MORE), case.targets(draw, batch=_MORE)
        parts = ((scores[rows], targets[rows]) for rows in (slice(2), slice(2, None)))
        _require_equal(case.updated(*parts), case.updated((scores, targets)), "batch by batch")


def reset(case: MetricCase) -> None:
    """`reset` forgets all samples, NaN among them."""
    metric, last = case.updated((case.scores(), case.targets())), (case.scores(1), case.targets(1))
    metric.update(np.full_like(last[0], np.nan), last[1])
    metric.reset()
    require(math.isnan(metric.compute()), f"compute gives {metric.compute()} after reset, expected NaN")
    metric.update(*last)
    _require_equal(metric, case.updated(last), "after samples that reset should forget")


def weights(case: MetricCase) -> None:
    """A sample of weight 3 counts as three like it, one of weight 0 not at all."""
    often = np.arange(_MORE) % 4
    for draw in range(_DRAWS):
        scores, targets = case.scores(draw, batch=_MORE), case.targets(draw, batch=_MORE)
        repeated = case.updated((np.repeat(scores, often, axis=0), np.repeat(targets, often, axis=0)))
        weighted = case.updated((scores, targets, often.astype(np.float64)))
        _require_equal(weighted, repeated, "with weights, where samples repeated so often are meant")
        ones = case.updated((scores, targets, np.ones(_MORE)))
        _require_equal(ones, case.updated((scores, targets)), "with weights of 1")


def nan_comes_through(case: MetricCase) -> None:
    """NaN in any score gives NaN."""
    for column in range(case.num_classes):
        scores = case.scores()
        scores[-1, column] = np.nan
        found = case.updated((scores, case.targets()), (case.scores(1), case.targets(1))).compute()
        require(math.isnan(found), f"compute gives {found} where scores[{len(scores) - 1}, {column}] is NaN")


def copies(case: MetricCase) -> None:
    """Deep and pickled copies have what it has added up, and go on alone."""
    first, last = (case.scores(), case.targets()), (case.scores(1), case.targets(1))
    expected = case.updated(first, last)

    def pickled(metric: Metric) -> Any:
        try:
            return pickle.loads(pickle.dumps(metric))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ClauseError(f"it cannot be pickled: {error}") from error

    ways: dict[str, Callable[[Metric], Any]] = {"a deep copy": copy.deepcopy, "a pickled copy": pickled}
    for who, copied in ways.items():
        metric = case.updated(first)
        twin, before = copied(metric), snapshot(metric)
        twin.update(*last)
        _require_equal(twin, expected, f"by {who}")
        changed = changes(before, snapshot(metric))
        require(not changed, f"updating {who} changes the original's {', '.join(changed[:4])}")


def metric_reference(case: MetricCase) -> str:
    """The number is what ``reference=`` gives for all scores and targets."""
    if case.reference is None:
        raise ClauseSkipped("opt in with reference=")
    for draw in range(3):
        scores, targets = case.scores(draw, batch=_MORE), case.targets(draw, batch=_MORE)
        expected = np.asarray(case.reference(scores.copy(), targets.copy()))
        found = case.updated((scores, targets)).compute()
        require_same("compute", np.asarray(found), expected, "beside the reference")
    return "3 batches"


OF_EVERY_METRIC = (
    value, name, arguments_kept, nothing_is_nan, batches_add_up, reset, weights, nan_comes_through, copies,
)  # fmt: skip


def require_kept(case: MetricCase) -> str:
    """The metric's name; raise `ClauseError` unless it keeps every clause but that of a reference."""
    for clause in OF_EVERY_METRIC:
        try:
            clause(case)
        except ClauseError as error:
            raise ClauseError(f"{type(case.metric()).__name__}: {error}") from error
    return case.metric().name


def _require_equal(metric: Metric, expected: Metric, when: str) -> None:
    require_same("compute", np.asarray(metric.compute()), np.asarray(expected.compute()), when)
