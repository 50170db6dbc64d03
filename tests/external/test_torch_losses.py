"""PyTorch as the judge of losses, with weights of classes and of samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.losses import (
    L1,
    BinaryCrossEntropy,
    Huber,
    MeanSquaredError,
    MulticlassHinge,
    SoftmaxCrossEntropy,
)
from tests.external.torch_twins import cross_entropy, judge, tensor, torch

SEEDS = st.integers(0, 2**32)
SIZES = st.integers(1, 20)
functional = torch.nn.functional
mse_loss = functional.mse_loss


def agrees(loss, scores, targets, weights, judged):
    """Loss and gradient are those of ``judged(scores, targets)``, by autograd."""
    inputs = tensor(scores)
    expected = judged(inputs, torch.from_numpy(targets))
    expected.backward()
    for training in (False, True):
        value = loss.forward(scores, targets, weights=weights, training=training)
        judge.agrees(value, expected.item(), f"loss, training={training}")
    judge.agrees(loss.backward(), inputs.grad.numpy(), "dscores")
    judge.judged("losses")


def drawn_weights(rng, samples):
    """Some of them 0, but not all."""
    return rng.random(samples) * np.concatenate([[1], rng.integers(0, 2, samples - 1)])


@given(SIZES, SIZES, st.sampled_from([1.0, 30.0]), SEEDS)
def test_class_weights(samples, classes, scale, seed):
    rng = np.random.default_rng(seed)
    scores, labels = scale * rng.standard_normal((samples, classes)), rng.integers(classes, size=samples)
    weights = 0.1 + rng.random(classes)

    def judged(scores, labels):
        return cross_entropy(scores, labels, weight=torch.from_numpy(weights), reduction="mean")

    agrees(SoftmaxCrossEntropy(class_weights=weights), scores, labels, None, judged)


@given(SIZES, SIZES, st.booleans(), SEEDS)
def test_sample_weights(samples, classes, of_classes, seed):
    """Beside class weights, too, which PyTorch multiplies into each sample's loss."""
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((samples, classes)), rng.integers(classes, size=samples)
    weights, class_weights = drawn_weights(rng, samples), 0.1 + rng.random(classes) if of_classes else None

    def judged(scores, labels):
        w, c = torch.from_numpy(weights), None if class_weights is None else torch.from_numpy(class_weights)
        total = (w if c is None else w * c[labels]).sum()
        return (w * cross_entropy(scores, labels, weight=c, reduction="none")).sum() / total

    agrees(SoftmaxCrossEntropy(class_weights=class_weights), scores, labels, weights, judged)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.sampled_from([1e-3, 1.0, 1e4]), SEEDS)
def test_mean_squared_error(shape, scale, seed):
    scores, targets = scale * np.random.default_rng(seed).standard_normal((2, *shape))
    agrees(MeanSquaredError(), scores, targets, None, mse_loss)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), SEEDS)
def test_weighted_mean_squared_error(shape, seed):
    rng = np.random.default_rng(seed)
    scores, targets = rng.standard_normal((2, *shape))
    weights = drawn_weights(rng, shape[0])

    def judged(scores, targets):
        each = mse_loss(scores, targets, reduction="none").reshape(len(scores), -1).mean(dim=1)
        w = torch.from_numpy(weights)
        return (w * each).sum() / w.sum()

    agrees(MeanSquaredError(), scores, targets, weights, judged)


@given(SIZES, SIZES, st.sampled_from([0.0, 0.1, 1.0, 0.37]), st.booleans(), st.booleans(), SEEDS)
def test_label_smoothing(samples, classes, smoothing, of_samples, of_classes, seed):
    rng = np.random.default_rng(seed)
    scores, labels = 3 * rng.standard_normal((samples, classes)), rng.integers(classes, size=samples)
    weights = drawn_weights(rng, samples) if of_samples else None
    class_weights = 0.1 + rng.random(classes) if of_classes else None

    def judged(scores, labels):
        c = None if class_weights is None else torch.from_numpy(class_weights)
        if weights is None:
            return cross_entropy(scores, labels, weight=c, label_smoothing=smoothing)
        w = torch.from_numpy(weights)
        each = cross_entropy(scores, labels, weight=c, label_smoothing=smoothing, reduction="none")
        return (w * each).sum() / (w if c is None else w * c[labels]).sum()

    loss = SoftmaxCrossEntropy(class_weights=class_weights, label_smoothing=smoothing)
    agrees(loss, scores, labels, weights, judged)


def binary(scores, targets, reduction="mean"):
    return functional.binary_cross_entropy_with_logits(scores, targets, reduction=reduction)


def huber(scores, targets, reduction="mean"):
    return functional.huber_loss(scores, targets, delta=0.7, reduction=reduction)


ELEMENTWISE = {
    "huber": (lambda: Huber(0.7), huber),
    "absolute": (L1, functional.l1_loss),
    "binary": (BinaryCrossEntropy, binary),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(st.integers(1, 9), st.integers(2, 5), st.sampled_from([0.3, 1.0, 30.0]), st.booleans(), SEEDS)
def test_losses_of_single_scores(name, samples, width, scale, weighted, seed):
    rng = np.random.default_rng(seed)
    make, theirs = ELEMENTWISE[name]
    scores, targets = scale * rng.standard_normal((samples, width)), rng.random((samples, width))
    weights = drawn_weights(rng, samples) if weighted else None

    def judged(scores, targets):
        if weights is None:
            return theirs(scores, targets)
        w = torch.from_numpy(weights)
        return (w * theirs(scores, targets, reduction="none").mean(dim=1)).sum() / w.sum()

    agrees(make(), scores, targets, weights, judged)


@given(st.integers(1, 9), SEEDS)
def test_one_binary_label_a_sample(samples, seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((samples, 1)), rng.integers(2, size=samples)
    agrees(
        BinaryCrossEntropy(),
        scores,
        labels,
        None,
        lambda scores, labels: binary(scores[:, 0], labels.double()),
    )


@given(SIZES, SIZES, st.sampled_from([1.0, 0.5, 3.0]), st.booleans(), SEEDS)
def test_multiclass_hinge(samples, classes, margin, weighted, seed):
    """PyTorch divides each sample's sum by the number of classes."""
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((samples, classes)), rng.integers(classes, size=samples)
    weights = drawn_weights(rng, samples) if weighted else None

    def judged(scores, labels):
        w = torch.ones(samples).double() if weights is None else torch.from_numpy(weights)
        each = functional.multi_margin_loss(scores, labels, margin=margin, reduction="none")
        return classes * (w * each).sum() / w.sum()

    agrees(MulticlassHinge(margin), scores, labels, weights, judged)
