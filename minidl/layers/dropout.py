"""Dropout."""

from __future__ import annotations

import numpy as np

from minidl.checks import as_generator, check_array, check_float
from minidl.kernels.dropout import dropout
from minidl.layers.layer import Layer
from minidl.types import Array, Rng


class Dropout(Layer):
    """In training ``y = x * mask``, in inference ``y = x``: each number is dropped at random.

    The mask is 0 with probability `p`, else ``1 / (1 - p)``, drawn anew for each number in each training
    forward. So `x` is on average what comes out, and inference has nothing to rescale ("inverted" dropout).
    Any shape, any float dtype. NaN stays NaN where it is dropped, too.

    Parameters
    ----------
    p : float in [0, 1]
    rng : Generator, seed or None
        The layer spawns a stream of its own from it, so that no other draws change its masks. Copies of the
        layer draw what it would have drawn.

    Attributes
    ----------
    generator : numpy.random.Generator

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: A Simple Way to Prevent
    Neural Networks from Overfitting", Journal of Machine Learning Research 15, 2014.

    Examples
    --------
    >>> layer = Dropout(0.5, rng=0)
    >>> y = layer.forward(np.ones((100, 8), np.float32), training=True)
    >>> np.unique(y).tolist()
    [0.0, 2.0]
    """

    def __init__(self, p: float = 0.5, *, rng: Rng = None) -> None:
        self.p = check_float(self.label, "p", p, at_least=0, at_most=1)
        self.generator: np.random.Generator = as_generator(rng, legacy=False).spawn(1)[0]

    def forward(self, x: Array, *, training: bool) -> Array:
        """``x * mask`` in training, of the shape of `x`; in inference `x` itself."""
        try:
            if x.dtype.kind != "f":
                check_array(self.label, "x", x, kinds="f")
            if not training:
                return x
            mask, y = self.buffer("mask", x.shape, x.dtype), self.buffer("y", x.shape, x.dtype)
            dropout(self.generator, self.p, x, mask, y)
        except Exception as error:
            self._refuse(error, "x", x)
        self.remember(mask)
        return y

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the input."""
        return sample_shape

    def backward(self, dy: Array) -> Array:
        """``dy * mask``, with the mask of the forward."""
        (mask,) = self.recall()
        try:
            if dy.shape != mask.shape:
                self.check_batch("dy", dy, mask.shape[1:], batch=len(mask))
            # The mask has served: its array takes the result.
            return np.multiply(dy, mask, mask)  # type: ignore[no-any-return]
        except Exception as error:
            self._refuse(error, "dy", dy, mask.shape[1:], batch=len(mask))
