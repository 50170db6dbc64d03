"""A learned vector for each of so many things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_array, check_choice, check_dtype, check_int, check_sizes
from minidl.errors import ShapeError
from minidl.initializers import normal
from minidl.kernels.constants import CONSTANTS
from minidl.kernels.embedding import add_bags, add_rows, bag_means
from minidl.kernels.rows import gather
from minidl.kernels.sparse import is_batch
from minidl.layers.indices import refuse_index, shares_of
from minidl.layers.layer import Layer
from minidl.parameters import Parameter
from minidl.types import Array, Initializer, Rng

if TYPE_CHECKING:
    import numpy.typing as npt

_INDEX = np.dtype(np.intp)


class Embedding(Layer):
    """``y = weight[x]``: each index, such as a word's number, becomes a learned vector; a net's first layer.

    Parameters
    ----------
    num_embeddings : int
        V; indices lie in [0, V).
    embedding_dim : int
        D, the numbers of a vector.
    mode : "mean" or None
        With "mean", `x` (N, L) is a bag of L indices a sample, which becomes the mean of their vectors. Or a
        net's input is a CSR matrix (N, V) of how often each index is in the bag, or of other weights >= 0.
    rng : Generator, seed or None
        Draws the weight.
    dtype : float32 or float64
    initializer : callable ``(rng, shape, dtype) -> array``
        Of the weight.

    Attributes
    ----------
    weight : Parameter of shape (V, D)

    Examples
    --------
    >>> layer = Embedding(10, 4, rng=0)
    >>> layer.forward(np.array([[1, 2, 1]]), training=False).shape
    (1, 3, 4)
    """

    accepts, accepts_sparse = "index", True
    dtype: np.dtype[Any]

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        mode: str | None = None,
        rng: Rng = None,
        dtype: npt.DTypeLike = np.float32,
        initializer: Initializer = normal(1.0),  # noqa: B008 - cannot be changed
    ) -> None:
        self.num_embeddings = check_int(self.label, "num_embeddings", num_embeddings, at_least=1)
        self.embedding_dim = check_int(self.label, "embedding_dim", embedding_dim, at_least=1)
        self.mode = None if mode is None else check_choice(self.label, "mode", mode, ("mean",))
        self.dtype = check_dtype(self.label, dtype)
        self.initializer = initializer
        shape = (self.num_embeddings, self.embedding_dim)
        self.weight = Parameter(shape, initializer, rng=rng, dtype=dtype, regularized=True)

    def forward(self, x: Array, *, training: bool) -> Array:
        """``(batch, ...) -> (batch, ..., D)``; with `mode` "mean" ``(batch, L) -> (batch, D)``.

        Raises
        ------
        DTypeError
            `x` is not of integers.
        DataError
            An index is negative or not below V; names the first.
        ShapeError
            With `mode` "mean", `x` is not (batch, L >= 1).
        """
        weight = self.weight.value
        if is_batch(x):
            shares = shares_of(self, x)
            if training:
                self.remember(shares)
            return shares.dot(weight)
        self.check_batch("x", x)
        check_array(self.label, "indices", x, kinds="iu")
        if self.mode and (x.ndim != 2 or not x.shape[1]):
            self.fail(ShapeError, "x of shape (batch, L >= 1), the indices in each bag", x.shape)
        if x.size and not (x.min() >= 0 and x.max() < self.num_embeddings):
            refuse_index(self, x)

        def array(name: str, shape: tuple[int, ...], dtype: np.dtype[Any] = self.dtype) -> Array:
            return self.buffer(name, shape, dtype) if training else np.empty(shape, dtype)

        if x.dtype != _INDEX:
            indices = array("indices", x.shape, _INDEX)
            np.copyto(indices, x, casting="unsafe")  # in range, as we know
        else:
            indices = x
        if training:
            self.remember(indices)
        if self.mode:
            shape = (len(x), self.embedding_dim)
            return bag_means(weight, indices, array("y", shape), array("work", shape))
        return gather(weight, indices, array("y", (*x.shape, self.embedding_dim)))

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """``(..., D)``, or ``(D,)`` with `mode` "mean"."""
        shape = check_sizes(self.label, "sample_shape", sample_shape)
        if self.mode and (len(shape) != 1 or not shape[0]):
            self.fail(ShapeError, "samples of shape (L >= 1,), the indices in each bag", shape)
        return (*(() if self.mode else shape), self.embedding_dim)

    def backward(self, dy: Array) -> Array:
        """Zeros of the shape of `x`, for an index has no gradient, and what `backward_parameters` does."""
        (indices,) = self.recall()
        self._assign_gradient(indices, dy)
        return CONSTANTS["zeros", indices.shape, self.dtype]

    def backward_parameters(self, dy: Array) -> None:
        """``weight.grad[v]`` is the sum of `dy`, or of ``dy / L`` in bags, over all places where `x` is v."""
        (indices,) = self.recall()
        self._assign_gradient(indices, dy)

    def _assign_gradient(self, indices: Array, dy: Array) -> None:
        sample_shape = (*(() if self.mode else indices.shape[1:]), self.embedding_dim)
        self.check_batch("dy", dy, sample_shape, batch=len(indices))
        if self.weight.frozen:
            return
        if is_batch(indices):
            np.dot(indices.T, dy, self.weight.grad)
            return
        self.weight.grad[...] = 0
        if not self.mode:
            add_rows(self.weight.grad, indices.reshape(-1), dy.reshape(-1, self.embedding_dim))
            return
        add_bags(self.weight.grad, indices, dy, self.buffer("work", dy.shape, self.dtype))
