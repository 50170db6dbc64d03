"""minidl's own norms, embeddings and losses, and how their checkers are called."""

import numpy as np

from minidl.layers import BatchNorm1d, BatchNorm2d, Embedding, GroupNorm, LayerNorm
from minidl.losses import (
    L1,
    BinaryCrossEntropy,
    Huber,
    MeanSquaredError,
    MulticlassHinge,
    SoftmaxCrossEntropy,
)
from tests.testing.references import (
    batch_norm,
    batch_norm_training,
    binary,
    cross_entropy,
    group_norm,
    hinge,
    huber,
    layer_norm,
)

OVER_BATCH = {
    "batch_independent": False,
    "allocation": True,
    "reference": batch_norm,
    "training_reference": batch_norm_training,
}
INDICES = {"make_input": lambda rng, shape, dtype: rng.integers(7, size=shape)}
NORMALIZATIONS = {
    "features": ((3,), {**OVER_BATCH, "min_batch": 2}, lambda rng, dtype: BatchNorm1d(3, dtype=dtype)),
    BatchNorm1d: ((3, 4), OVER_BATCH, lambda rng, dtype: BatchNorm1d(3, dtype=dtype)),
    BatchNorm2d: ((2, 2, 3), OVER_BATCH, lambda rng, dtype: BatchNorm2d(2, dtype=dtype)),
    LayerNorm: ((2, 3), {"reference": layer_norm}, lambda rng, dtype: LayerNorm((2, 3), dtype=dtype)),
    GroupNorm: ((4, 3), {"reference": group_norm}, lambda rng, dtype: GroupNorm(2, 4, dtype=dtype)),
}
EMBEDDINGS = {
    "indices": (
        (2, 2),
        {**INDICES, "reference": lambda x, table: table[x]},
        lambda rng, dtype: Embedding(7, 3, rng=rng, dtype=dtype),
    ),
    "bags": (
        (4,),
        {**INDICES, "reference": lambda x, table: table[x].mean(axis=1)},
        lambda rng, dtype: Embedding(7, 3, mode="mean", rng=rng, dtype=dtype),
    ),
}


def numbers(rng, batch, width):
    return rng.standard_normal((batch, width))


def shares(rng, batch, width):
    """One a sample as (N,), many as (N, K)."""
    return rng.random((batch, width) if width > 1 else batch)


LOSSES = {
    SoftmaxCrossEntropy: (lambda width: SoftmaxCrossEntropy(), {"reference": cross_entropy()}),
    "smoothed": (
        lambda width: SoftmaxCrossEntropy(label_smoothing=0.1),
        {"reference": cross_entropy(0.1)},
    ),
    "smoothed and weighted": (
        lambda width: SoftmaxCrossEntropy(None, [1 + i for i in range(width)], 0.2),
        {"reference": cross_entropy(0.2, lambda counted: counted)},
    ),
    MulticlassHinge: (lambda width: MulticlassHinge(1.5), {"reference": hinge}),
    BinaryCrossEntropy: (
        lambda width: BinaryCrossEntropy(),
        {"make_targets": shares, "reference": binary},
    ),
    MeanSquaredError: (
        lambda width: MeanSquaredError(),
        {"make_targets": numbers, "reference": lambda scores, targets: ((scores - targets) ** 2).mean()},
    ),
    L1: (
        lambda width: L1(),
        {"make_targets": numbers, "reference": lambda scores, targets: np.abs(scores - targets).mean()},
    ),
    Huber: (lambda width: Huber(0.7), {"make_targets": numbers, "reference": huber}),
}
