"""Clauses of what a loss takes and keeps. Each takes a `LossCase` and raises, or returns what it saw."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from minidl.errors import MinidlError
from minidl.losses import Loss
from minidl.testing.cases import layouts
from minidl.testing.demands import require, require_same, require_state_error
from minidl.testing.lending import Lending
from minidl.testing.loss_cases import LossCase, infer, require_same_pass, train
from minidl.testing.reports import ClauseError, ClauseSkipped
from minidl.testing.state import changes, snapshot
from minidl.types import Array


def wrong_labels_refused(case: LossCase) -> None:
    """Labels out of range, one-hot, (N, 1), too few, of floats or booleans raise a `MinidlError`."""
    if not case.of_labels:
        raise ClauseSkipped("the targets are no labels")
    _require_targets_refused(case, wrong_labels(case, case.targets(batch=4)))


def wrong_labels(case: LossCase, labels: Array) -> dict[str, Any]:
    """What a batch's four `labels` may be mistaken for, by name."""
    count, third = case.num_classes, np.arange(4) == 2
    return {
        "a label equal to the number of classes": np.where(third, count, labels),
        "a negative label": np.where(third, -1, labels),
        "one-hot labels": np.eye(count, dtype=np.int64)[labels],
        "labels of shape (N, 1)": labels[:, None],
        "labels of shape (1, N)": labels[None],
        "too few labels": labels[:-1],
        "one label": labels[:1],
        "float labels": labels.astype(np.float64),
        "boolean labels": labels.astype(bool),
    }


def wrong_targets_refused(case: LossCase) -> None:
    """Targets of another shape, which broadcasting might spread, raise a `MinidlError`."""
    if case.of_labels:
        raise ClauseSkipped("for targets that are no labels")
    _require_targets_refused(case, wrong_targets(case.targets(batch=4)))


def wrong_targets(targets: Array) -> dict[str, Any]:
    """What a batch's four `targets` may be mistaken for, by name."""
    wrong = {"too few targets": targets[:-1], "one sample's targets": targets[:1]}
    column = targets.reshape(4, -1)[:, :1]
    if column.shape != targets.shape:
        wrong["targets of shape (N, 1)"] = column
    return wrong


def _require_targets_refused(case: LossCase, wrong: Mapping[str, Any]) -> None:
    scores = case.scores(batch=4)
    for training in (True, False):
        for name, made in wrong.items():
            forward = partial(case.loss().forward, scores, made, training=training)
            require_refused(f"it takes {name}, training={training}", forward)


def require_refused(text: str, call: Callable[[], Any]) -> None:
    """Raise `ClauseError`, beginning with `text`, unless `call` raises a `MinidlError`."""
    try:
        call()
    except MinidlError:
        return
    except Exception as error:
        raise ClauseError(f"{text}: raises {type(error).__name__}, not a MinidlError") from error
    raise ClauseError(text)


def kinds_of_labels(case: LossCase) -> None:
    """Labels of every integer dtype, and a plain list, give the same."""
    if not case.of_labels:
        raise ClauseSkipped("the targets are no labels")
    expected = train(case.loss(), case.scores(), case.targets())
    for kind in (np.uint8, np.int8, np.int16, np.int32, np.uint64):
        if case.num_classes - 1 > np.iinfo(kind).max:
            continue
        got = train(case.loss(), case.scores(), case.targets().astype(kind))
        require_same_pass(got, expected, f"for labels of {np.dtype(kind)}")
    require_same_pass(
        train(case.loss(), case.scores(), case.targets().tolist()), expected, "for a list of labels"
    )


def arguments_kept(case: LossCase) -> None:
    """Neither scores nor targets are written to, whatever their dtype and layout; read-only ones do."""
    for kind in (np.float64, np.float32):
        for _, scores in layouts(case.scores(dtype=kind)):
            loss, targets = case.loss(), case.targets()
            with Lending(loss) as lending:
                lending.lend("the scores", scores)
                lending.lend("the targets", targets)
                _all_calls(loss, scores, targets)
    scores.flags.writeable = targets.flags.writeable = False
    try:
        _all_calls(case.loss(), scores, targets)
    except ValueError as error:
        raise ClauseError(f"read-only scores or targets are refused: {error}") from error


def _all_calls(loss: Loss, scores: Array, targets: Array) -> None:
    loss.check_targets(targets, scores.shape[1:])
    loss.total_weight(targets, None)
    loss.forward(scores, targets, training=False)
    infer(loss, scores)
    loss.predict(scores)
    loss.forward(scores, targets, training=True)
    loss.backward()


def lent_until_next_forward(case: LossCase) -> None:
    """The gradient that backward gives stays as it is until the next training forward."""
    loss, other, labels = case.loss(), case.scores(1), case.targets(1)
    with Lending(loss):
        train(loss, case.scores(), case.targets())
        loss.forward(other, labels, training=False)
        infer(loss, other)
        loss.predict(other)


def memory_layout(case: LossCase) -> None:
    """Fortran order, gaps and negative strides in scores and targets change nothing."""
    scores, targets = case.scores(), case.targets()
    expected = train(case.loss(), scores, targets)
    for name, laid in layouts(scores):
        require_same_pass(train(case.loss(), laid, targets), expected, f"for scores {name}")
    for name, laid in layouts(targets):
        require_same_pass(train(case.loss(), scores, laid), expected, f"for targets {name}")


def one_backward(case: LossCase) -> None:
    """Backward needs its own training forward: without one, or a second time, it raises `StateError`."""
    loss = case.loss()
    require_state_error(loss.backward, "backward before any forward")
    loss.forward(case.scores(), case.targets(), training=False)
    require_state_error(loss.backward, "backward after an inference only")
    train(loss, case.scores(), case.targets())
    require_state_error(loss.backward, "backward a second time")


def used_equals_fresh(case: LossCase) -> None:
    """A used loss gives what a fresh one does, for batches of all sizes; backward is the latest forward's."""
    loss = case.loss()
    for draw, size in enumerate((5, 1, 9, 4, 5)):
        loss.forward(case.scores(9, batch=3), case.targets(9, batch=3), training=True)
        scores, targets = case.scores(draw, batch=size), case.targets(draw, batch=size)
        got, expected = train(loss, scores, targets), train(case.loss(), scores, targets)
        require_same_pass(got, expected, f"for a batch of {size} after other sizes")


def inference_pure(case: LossCase) -> None:
    """Inference, `probabilities` and `predict` change nothing, and may come before backward."""
    loss, scores, targets = case.loss(), case.scores(), case.targets()
    expected = train(case.loss(), scores, targets)
    loss.forward(scores, targets, training=True)
    before = snapshot(loss)
    other, labels = case.scores(1, batch=7), case.targets(1, batch=7)
    first = infer(loss, other)
    kept = first.copy()
    loss.predict(other)
    loss.forward(other, labels, training=False)
    loss.check_targets(labels, other.shape[1:])
    loss.total_weight(labels, None)
    changed = changes(before, snapshot(loss))
    require(not changed, f"inference changes its {', '.join(changed[:4])}")
    require_same(
        "the gradient", np.array(loss.backward()), expected.dscores, "with an inference before backward"
    )
    infer(loss, case.scores(2, batch=7))
    train(loss, case.scores(3, batch=7), labels)
    require_same("an array that inference gave", first, kept, "later")


def copies(case: LossCase) -> None:
    """Deep and pickled copies give the same and leave the original alone."""
    for name, copied in (("a deep copy", copy.deepcopy), ("a pickled copy", _pickled)):
        loss, scores, targets = case.loss(), case.scores(), case.targets()
        train(loss, scores, targets)
        twin = copied(loss)
        expected = train(case.loss(), scores, targets)
        loss.forward(scores, targets, training=True)
        require_same_pass(train(twin, scores, targets), expected, f"by {name}")
        train(twin, case.scores(1), case.targets(1))
        require_same(
            "the original's gradient", np.array(loss.backward()), expected.dscores, f"after {name} ran"
        )


def _pickled(loss: Loss) -> Any:
    try:
        return pickle.loads(pickle.dumps(loss))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ClauseError(f"it cannot be pickled: {error}") from error
