"""The contract of a layer: array in, array out; gradient in, gradient out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NoReturn

import numpy as np

from minidl.advice import is_sparse
from minidl.checks import check_array, check_int, check_kind, check_sizes
from minidl.errors import DTypeError, MinidlError, ShapeError
from minidl.kernels.sparse import is_batch
from minidl.module import Module
from minidl.types import Array


class Layer(Module, ABC):
    """A differentiable function of an array, with parameters or without.

    Two methods make a layer, `forward` and `backward`. Never write to what you were lent: `x` may be
    the output that the layer before remembers, `dy` a gradient that somebody still reads. So what
    you return may be remembered too, as a tanh or a softmax does; nobody writes to it, and neither
    do you, until your next training forward. In inference a layer changes nothing of itself, so
    that many threads may predict at once.

    Attributes
    ----------
    dtype : numpy.dtype or None
        The dtype a layer computes in; None for one that takes what comes.
    accepts : "float", "real" or "index"
        What a net that begins with this layer gives to it: its input in the net's dtype; its input as
        it came, of any real dtype (`Standardize`); integers.
    accepts_sparse : bool
        Whether `x` may be a `minidl.kernels.sparse.SparseBatch`, which ``np.dot`` takes: what a net that
        begins with this layer makes of a CSR matrix.
    sample_shape : tuple of int or None
        The shape of one sample of `x`, where it is fixed at construction.
    """

    dtype: np.dtype[Any] | None = None
    accepts: str = "float"
    accepts_sparse: bool = False
    sample_shape: tuple[int, ...] | None = None

    @abstractmethod
    def forward(self, x: Array, *, training: bool) -> Array:
        """The layer's output for the batch `x`.

        With ``training=True`` it remembers what `backward` needs, and the result is lent: it may
        live in the layer's workspace, and stays as it is until the layer's next training forward.
        With ``training=False`` it changes nothing, and the result is the caller's own (or `x`
        itself).
        """

    @abstractmethod
    def backward(self, dy: Array) -> Array:
        """The loss's gradient by the input, from `dy`, its gradient by the output.

        Assigns (does not add) each parameter's ``.grad``. Needs a training forward before it. The
        result is lent as a training forward's is.
        """

    def backward_parameters(self, dy: Array) -> None:
        """Assign the parameters' gradients only; a net's first layer is asked for no more.

        Override it where leaving out the input's gradient saves work.
        """
        if any(self.named_parameters()):
            self.backward(dy)
        else:
            self.forget()

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of what a sample becomes; found by an inference on one sample of zeros."""
        dtype = np.int64 if self.accepts == "index" else self.dtype or np.float32
        with np.errstate(all="ignore"):
            return self.forward(np.zeros((1, *sample_shape), dtype), training=False).shape[1:]

    def ways(self) -> tuple[tuple[Module, ...], ...]:
        """The ways that a batch takes through the modules in here, side by side; each is a row of them.

        For the diagram alone, which draws modules of which nothing is said as parts, with no arrows.
        """
        return ()

    def check_batch(
        self,
        name: str,
        array: Array,
        sample_shape: tuple[int, ...] | None = None,
        *,
        batch: int | None = None,
    ) -> None:
        """Raise unless `array` is a batch of `sample_shape` (of `batch` samples) in this layer's dtype.

        Without a `sample_shape`, samples of any shape will do.

        Raises
        ------
        ShapeError, DTypeError, DataError
            Naming the layer's path, what it expected and what it got.
        """
        check_kind(self.label, "name", name, str)
        if not (self.accepts_sparse and name == "x" and is_batch(array)):
            remedy = f"did a custom {'forward' if name == 'x' else 'backward'} return that?"
            if is_sparse(array):
                remedy = "give it to a net that begins with this layer, as in net(x)"
            check_kind(self.label, name, array, np.ndarray, error=DTypeError, remedy=remedy)
            check_array(self.label, name, array)
        found = array.shape[1:]
        wanted = found if sample_shape is None else check_sizes(self.label, "sample_shape", sample_shape)
        samples = None if batch is None else check_int(self.label, "batch", batch, at_least=0)
        if array.ndim == 0 or found != wanted or samples not in (None, len(array)):
            sizes = ["batch" if samples is None else samples, *(["..."] if sample_shape is None else wanted)]
            shape = ", ".join(map(str, sizes))
            self.fail(ShapeError, f"{name} of shape ({shape}{'' if sizes[1:] else ','})", array.shape)
        if self.dtype not in (None, array.dtype) and not (self.accepts != "float" and name == "x"):
            remedy = "convert it, or build the net with that dtype"
            self.fail(DTypeError, f"{name} of dtype {self.dtype}", array.dtype, remedy)

    def check_sample(self, shape: tuple[int, ...]) -> None:
        """`ShapeError` for samples of another shape than the one that is fixed at construction."""
        if self.sample_shape is not None and (shape.__class__ is not tuple or shape != self.sample_shape):
            fixed, shape = (check_sizes(self.label, "sample_shape", s) for s in (self.sample_shape, shape))
            if shape != fixed:
                self.fail(ShapeError, f"samples of shape {fixed}", shape)

    def _refuse(
        self,
        error: Exception,
        name: str,
        array: Array,
        sample_shape: tuple[int, ...] | None = None,
        *,
        batch: int | None = None,
    ) -> NoReturn:
        """Raise what `check_batch` says, else `error`, once a pass has failed: so none pays for checks."""
        try:
            self.check_batch(name, array, sample_shape, batch=batch)
        except MinidlError as clearer:
            raise clearer from None
        raise error
