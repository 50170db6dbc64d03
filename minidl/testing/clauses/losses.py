"""Clauses of what a loss computes. Each takes a `LossCase` and raises, or returns what it saw."""

from __future__ import annotations

import math

import numpy as np

from minidl.testing.demands import require, require_same
from minidl.testing.gradients import check_loss_gradients
from minidl.testing.loss_cases import LossCase, LossPass, infer, probabilities_of, require_same_pass, train
from minidl.testing.reports import ClauseError, ClauseSkipped

_EXTREME = 1e4


def shapes(case: LossCase) -> None:
    """Backward gives an array of the scores' shape, so does `probabilities`; `predict` gives targets."""
    for batch in (1, max(case.batch, 2)):
        loss, scores, targets = case.loss(), case.scores(batch=batch), case.targets(batch=batch)
        loss.forward(scores, targets, training=True)
        given = {"backward": loss.backward()}
        if probabilities := probabilities_of(loss):
            given["probabilities"] = probabilities(case.scores(batch=batch))
        for name, array in given.items():
            found = getattr(array, "shape", type(array).__name__)
            require(found == scores.shape, f"{name} gives {found} for scores of shape {scores.shape}")
        predicted = getattr(loss.predict(case.scores(batch=batch)), "shape", None)
        text = f"predict gives shape {predicted} for {batch} samples, whose targets have {targets.shape}"
        require(predicted == targets.shape, text)


def gradient(case: LossCase) -> str:
    """Backward equals the central differences of forward, for every score."""
    return str(check_loss_gradients(case.loss(), case.scores(), case.targets(), rng=case.seed))


def gradient_far_out(case: LossCase) -> str:
    """So it does for scores in the tens, where a probability that is clipped or underflows shows."""
    return str(check_loss_gradients(case.loss(), 40 * case.scores(), case.targets(), rng=case.seed))


def mean_over_batch(case: LossCase) -> None:
    """The loss is the mean of the samples' losses: of the batch, of its rows, of the batch twice."""
    loss, scores, targets = case.loss(), case.scores(), case.targets()
    value = loss.forward(scores, targets, training=False)
    samples = [slice(row, row + 1) for row in range(len(scores))]
    rows = [loss.forward(scores[one], targets[one], training=False) for one in samples]
    counts = [loss.total_weight(targets[one], None) for one in samples]
    if any(counts):  # the weights of all labels here may be 0
        expected = np.asarray(np.average(rows, weights=counts))
        require_same("the loss", np.asarray(value), expected, "where the mean over its rows is meant")
    twice = train(case.loss(), np.concatenate([scores, scores]), np.concatenate([targets, targets]))
    once = train(case.loss(), scores, targets)
    require_same("the loss", np.asarray(twice.loss), np.asarray(once.loss), "for the batch twice over")
    half = np.concatenate([once.dscores, once.dscores]) / 2
    require_same("the gradient", twice.dscores, half, "for the batch twice over")


def order_of_samples(case: LossCase) -> None:
    """Another order of the samples leaves the loss and reorders the gradient."""
    scores, targets = case.scores(), case.targets()
    order = np.arange(len(scores))[::-1]
    expected = train(case.loss(), scores, targets)
    got = train(case.loss(), scores[order], targets[order])
    require_same_pass(got, LossPass(expected.loss, expected.dscores[order]), "in another order of samples")


def training_and_inference(case: LossCase) -> None:
    """Training and inference give the same loss, a Python float."""
    trained = case.loss().forward(case.scores(), case.targets(), training=True)
    inferred = case.loss().forward(case.scores(), case.targets(), training=False)
    for name, value in (("training", trained), ("inference", inferred)):
        require(isinstance(value, float), f"the loss in {name} is a {type(value).__name__}, not a float")
        require(not isinstance(value, np.generic), f"the loss in {name} is a NumPy {type(value).__name__}")
    require_same("the loss", np.asarray(inferred), np.asarray(trained), "in inference")


def dtype(case: LossCase) -> None:
    """The gradient and the probabilities have the scores' dtype; float32 agrees with float64."""
    for kind in (np.float32, np.float64):
        found = train(case.loss(), case.scores(dtype=kind), case.targets())
        given = {"backward": found.dscores}
        if probabilities := probabilities_of(case.loss()):
            given["probabilities"] = probabilities(case.scores(dtype=kind))
        for name, array in given.items():
            require(array.dtype == kind, f"{name} of {kind.__name__} scores gives {array.dtype}")
    wide = train(case.loss(), case.scores(dtype=np.float32).astype(np.float64), case.targets())
    narrow = train(case.loss(), case.scores(dtype=np.float32), case.targets())
    require_same("the loss", np.asarray(narrow.loss), np.asarray(wide.loss), "in float32", rtol=1e-4)
    require_same("the gradient", narrow.dscores, wide.dscores, "in float32", rtol=1e-4)


def precision(case: LossCase) -> None:
    """Float64 scores are worked on in float64: a change of 1e-9 comes through."""
    scores, targets = case.scores(), case.targets()
    along = np.random.default_rng(case.seed).standard_normal(scores.shape)
    loss = case.loss()
    base = train(loss, scores, targets)
    slopes = []
    for step in (1e-3, 1e-4, 1e-9):
        moved = train(loss, scores + step * along, targets)
        slopes.append((np.array([(moved.loss - base.loss) / step]), (moved.dscores - base.dscores) / step))
    for name, (coarse, middle, fine) in zip(
        ("the loss", "the gradient"), zip(*slopes, strict=True), strict=True
    ):
        size = float(np.linalg.norm(middle))
        if (
            np.linalg.norm(coarse - middle) < 0.1 * size
            and size > 1e-3
            and np.linalg.norm(fine - middle) > 0.2 * size
        ):
            raise ClauseError(
                f"{name} does not follow a change of 1e-9 in the scores: is it cast to float32?"
            )


def nan_comes_through(case: LossCase) -> None:
    """NaN among the scores is a NaN loss."""
    for index in np.ndindex(case.scores().shape):
        scores = case.scores()
        scores[index] = np.nan
        for training in (False, True):
            value = case.loss().forward(scores, case.targets(), training=training)
            require(math.isnan(value), f"scores{list(index)} = NaN gives a loss of {value:g}")


def extreme_scores(case: LossCase) -> None:
    """Scores of ±1e4 in float32 give a finite loss, gradient and probabilities."""
    apart = np.full((case.num_classes, case.num_classes), -_EXTREME, np.float32)
    np.fill_diagonal(apart, _EXTREME)
    rows = np.full_like(apart, _EXTREME)
    rows[1::2] = -_EXTREME  # one row high and one low: the maximum of all is no help to the low one
    for scores in (apart, -apart, rows):
        targets = case.targets(batch=case.num_classes)
        found = train(case.loss(), scores, targets)
        require(math.isfinite(found.loss), f"scores of ±{_EXTREME:g} in float32 give a loss of {found.loss}")
        require(
            np.isfinite(found.dscores).all(),
            f"scores of ±{_EXTREME:g} in float32 give a gradient that is not finite",
        )
        finite = np.isfinite(infer(case.loss(), scores)).all()
        require(finite, f"scores of ±{_EXTREME:g} in float32 give probabilities that are not finite")


def probabilities(case: LossCase) -> None:
    """Probabilities lie in [0, 1], add up to 1 in each row and rank as the predictions do.

    Where each score has a label of its own, each probability depends on its own score alone instead, and
    1 is predicted where it is above 1/2.
    """
    scores = case.scores(batch=max(case.batch, 4))
    probabilities_in = probabilities_of(case.loss())
    if probabilities_in is None:
        raise ClauseSkipped("it gives no probabilities")
    found = probabilities_in(scores)
    require(
        ((found >= 0) & (found <= 1)).all(), f"probabilities reach from {found.min():g} to {found.max():g}"
    )
    predicted = case.loss().predict(scores)
    if case.of_labels or predicted.size < scores.size:
        require_same("the sum of a row's probabilities", found.sum(axis=1), np.ones(len(scores)), "in all")
        likeliest = np.array_equal(predicted, found.argmax(axis=1))
        require(likeliest, "predict gives other than the likeliest label")
    else:
        likely = np.array_equal(predicted, (found > 0.5).reshape(predicted.shape))
        require(likely, "predict gives other than 1 where a probability is above 1/2")
        other = probabilities_in(np.concatenate([scores[:, :1], -scores[:, 1:]], axis=1))
        require_same("the first label's probability", other[:, 0], found[:, 0], "with others' scores turned")
    alone = probabilities_in(scores[:1])
    require_same("the first row's probabilities", alone[0], found[0], "alone")
