"""The contract of a layer: array in, array out; gradient in, gradient out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from minidl.errors import DTypeError, ShapeError
from minidl.initializers import Array
from minidl.module import Module


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
    takes_raw : bool
        Whether the layer takes any real dtype, so that a net which begins with it leaves its
        input as it is (`Standardize`).
    """

    dtype: np.dtype[Any] | None = None
    takes_raw: bool = False

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
        self.backward(dy)

    def check_batch(
        self, name: str, array: Array, sample_shape: tuple[int, ...], *, batch: int | None = None
    ) -> None:
        """Raise unless `array` is a batch of `sample_shape` (of `batch` samples) in this layer's dtype.

        Raises
        ------
        ShapeError, DTypeError
            Naming the layer's path, what it expected and what it got.
        """
        if array.ndim == 0 or array.shape[1:] != sample_shape or batch not in (None, len(array)):
            shape = ", ".join(map(str, ("batch" if batch is None else batch, *sample_shape)))
            self.fail(ShapeError, f"{name} of shape ({shape}{'' if sample_shape else ','})", array.shape)
        if self.dtype is not None and array.dtype != self.dtype:
            remedy = "convert it, or build the net with that dtype"
            self.fail(DTypeError, f"{name} of dtype {self.dtype}", array.dtype, remedy)
