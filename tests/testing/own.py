"""minidl's own norms, embeddings and losses, and how their checkers are called."""

from minidl.layers import BatchNorm1d, BatchNorm2d, Embedding, GroupNorm, LayerNorm
from minidl.losses import (
    L1,
    BinaryCrossEntropy,
    Huber,
    MeanSquaredError,
    MulticlassHinge,
    SoftmaxCrossEntropy,
)

OVER_BATCH = {"batch_independent": False, "allocation": True}
"""A batch of one sample must hold more than one number a channel, so sequences stand for features as well."""
INDICES = {"make_input": lambda rng, shape, dtype: rng.integers(7, size=shape)}
NORMALIZATIONS = {
    BatchNorm1d: ((3, 4), OVER_BATCH, lambda rng, dtype: BatchNorm1d(3, dtype=dtype)),
    BatchNorm2d: ((2, 2, 3), OVER_BATCH, lambda rng, dtype: BatchNorm2d(2, dtype=dtype)),
    LayerNorm: ((2, 3), {}, lambda rng, dtype: LayerNorm((2, 3), dtype=dtype)),
    GroupNorm: ((4, 3), {}, lambda rng, dtype: GroupNorm(2, 4, dtype=dtype)),
}
EMBEDDINGS = {
    "indices": ((2, 2), INDICES, lambda rng, dtype: Embedding(7, 3, rng=rng, dtype=dtype)),
    "bags": ((4,), INDICES, lambda rng, dtype: Embedding(7, 3, mode="mean", rng=rng, dtype=dtype)),
}


def numbers(rng, batch, width):
    return rng.standard_normal((batch, width))


def shares(rng, batch, width):
    """One a sample as (N,), many as (N, K)."""
    return rng.random((batch, width) if width > 1 else batch)


LOSSES = {
    SoftmaxCrossEntropy: (lambda width: SoftmaxCrossEntropy(), {}),
    "smoothed": (lambda width: SoftmaxCrossEntropy(label_smoothing=0.1), {}),
    "smoothed and weighted": (
        lambda width: SoftmaxCrossEntropy(None, [1 + i for i in range(width)], 0.2),
        {},
    ),
    MulticlassHinge: (lambda width: MulticlassHinge(1.5), {}),
    # Its probabilities are each label's own: they do not add up to 1.
    BinaryCrossEntropy: (
        lambda width: BinaryCrossEntropy(),
        {"make_targets": shares, "skip": ["probabilities"]},
    ),
    MeanSquaredError: (lambda width: MeanSquaredError(), {"make_targets": numbers}),
    L1: (lambda width: L1(), {"make_targets": numbers}),
    Huber: (lambda width: Huber(0.7), {"make_targets": numbers}),
}
