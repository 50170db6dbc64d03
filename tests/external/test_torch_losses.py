"""PyTorch as the judge of losses with weights of classes and of samples, and of squared errors."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minidl.losses import MeanSquaredError, SoftmaxCrossEntropy
from tests.external.torch_twins import cross_entropy, judge, tensor, torch

SEEDS = st.integers(0, 2**32)
SIZES = st.integers(1, 20)
mse_loss = torch.nn.functional.mse_loss


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
