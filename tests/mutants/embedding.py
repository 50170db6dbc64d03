"""Mutants of embeddings."""

import numpy as np

from minidl.layers import Embedding
from tests.mutants.registry import layer
from tests.testing.wrong.numbers import peek

INDICES = {"make_input": lambda rng, shape, dtype: rng.integers(0, 5, shape)}
ROWS = {"args": (5, 3), "shape": (4,), **INDICES}


class Bags(Embedding):
    """A mean over the bag."""

    def __init__(self, num_embeddings, embedding_dim, *, rng=None, dtype=np.float32):
        super().__init__(num_embeddings, embedding_dim, mode="mean", rng=rng, dtype=dtype)


@layer("a word that comes twice counts once", "parameter_gradients", **ROWS)
class TwiceCountsOnce(Embedding):
    def _assign_gradient(self, indices, dy):
        self.weight.grad[...] = 0
        self.weight.grad[indices] += dy


@layer("the last of a word's gradients stays", "parameter_gradients", **ROWS)
class LastOneStays(Embedding):
    def _assign_gradient(self, indices, dy):
        self.weight.grad[...] = 0
        self.weight.grad[indices] = dy


@layer(
    "the gradient of words that do not come stays from before",
    "gradients_assigned",
    **ROWS | {"args": (9, 3)},
)
class OldWordsStay(Embedding):
    def _assign_gradient(self, indices, dy):
        kept = self.weight.grad.copy()
        super()._assign_gradient(indices, dy)
        absent = np.setdiff1d(np.arange(9), indices)
        self.weight.grad[absent] = kept[absent]


@layer("the gradient is added to", "gradients_assigned", **ROWS)
class AddsToTheTable(Embedding):
    def _assign_gradient(self, indices, dy):
        kept = self.weight.grad.copy()
        super()._assign_gradient(indices, dy)
        self.weight.grad[...] += kept


@layer("a word's gradient is the mean of its places, not their sum", "parameter_gradients", **ROWS)
class MeanOfItsPlaces(Embedding):
    def _assign_gradient(self, indices, dy):
        super()._assign_gradient(indices, dy)
        self.weight.grad[...] /= np.maximum(np.bincount(indices.reshape(-1), minlength=5), 1)[:, None]


@layer("the bag's gradient is not divided by its length", "parameter_gradients", **ROWS)
class SumInBackward(Bags):
    def _assign_gradient(self, indices, dy):
        super()._assign_gradient(indices, dy)
        self.weight.grad[...] *= indices.shape[1]


@layer("the bag's gradient goes to its first word", "parameter_gradients", **ROWS)
class FirstWordTakesAll(Bags):
    def _assign_gradient(self, indices, dy):
        super()._assign_gradient(np.repeat(indices[:, :1], indices.shape[1], axis=1), dy)


@layer("the bag is divided by the batch", "rows_alone", "parameter_gradients", **ROWS)
class DividedByTheBatch(Bags):
    def forward(self, x, *, training):
        return super().forward(x, training=training) / len(x)

    def _assign_gradient(self, indices, dy):
        super()._assign_gradient(indices, dy / len(dy))


@layer("backward remembers the caller's indices of the first batch", "batch_sizes", "latest_forward",
       "gradients_assigned", "repeatable", **ROWS)  # fmt: skip
class RemembersTheFirst(Embedding):
    def backward(self, dy):
        (indices,) = peek(self)
        first = self.__dict__.setdefault("_first", indices.copy())
        self.remember(first if first.shape == indices.shape else indices)
        return super().backward(dy)


@layer("looks its vectors up in a copy made once", "parameter_gradients", **ROWS)
class LooksUpACopy(Embedding):
    def __init__(self, num_embeddings, embedding_dim, *, rng=None, dtype=np.float32):
        super().__init__(num_embeddings, embedding_dim, rng=rng, dtype=dtype)
        self._table = self.weight.value.copy()

    def forward(self, x, *, training):
        super().forward(x, training=training)
        return self._table[x]


@layer("scales the vectors that it hands out in the table", "inference_repeats", "inference_pure", **ROWS)
class ScalesTheTable(Embedding):
    def forward(self, x, *, training):
        self.weight.value[...] *= 0.999
        return super().forward(x, training=training)


@layer("vectors are of another dtype", "dtype", **ROWS)
class WideVectors(Embedding):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y.astype(np.float64) if training else y


@layer("inference and training share one output", "inference_pure", "inference_gives", **ROWS)
class OneOutputForAll(Embedding):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y if training else np.add(y, 0, out=self.buffer("out", y.shape, y.dtype))


@layer("reads the indices in the order of the memory", "memory_layout", **ROWS)
class IndicesInMemoryOrder(Embedding):
    def forward(self, x, *, training):
        return super().forward(x.ravel(order="K").reshape(x.shape), training=training)


@layer("the vectors come from NumPy's global stream", "reproducible", **ROWS)
class GlobalVectors(Embedding):
    def __init__(self, num_embeddings, embedding_dim, *, rng=None, dtype=np.float32):
        super().__init__(num_embeddings, embedding_dim, dtype=dtype)
        self.weight.value[...] = np.random.standard_normal(self.weight.shape)  # noqa: NPY002
