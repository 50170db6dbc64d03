"""What to say of a net's pass that failed: asked once it has, so that no pass pays for it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NoReturn

import numpy as np

from minidl.advice import shown
from minidl.errors import DivergedError, MinidlError, ShapeError
from minidl.types import Array


def explain(
    net: Any, layers: Iterable[Any], error: Exception, x: Array, batch: Array, *, training: bool
) -> NoReturn:
    """Raise what says more than `error`, which came in the forward of `net`, or that itself.

    Parameters
    ----------
    layers : iterable of Module
        What `net` does, one after the other.
    x : array
        What the net was given.
    batch : array
        Of that what its first layer got, converted: all rows or some.
    """
    if isinstance(error, DivergedError):  # by a check, which names the layer
        raise error
    clearer: MinidlError | None = None
    if isinstance(error, ShapeError):
        if str(x.shape) not in str(error):
            clearer = ShapeError(f"{error}; the net was given x of shape {x.shape}")
        with suppress(Exception):
            net.forward(x[None].astype(batch.dtype), training=False)
            sizes = ", ".join(map(str, ("batch", *x.shape)))
            expected, got = f"x of shape ({sizes})", f"{x.shape}, that of one sample"
            clearer = ShapeError.expected(net.label, expected, got, "write x[None]")
    y = batch
    with suppress(Exception):
        for layer in layers:
            if not isinstance(error, MinidlError):  # of an own layer, which did not check its batch
                try:
                    layer.check_sample(y.shape[1:])
                except ShapeError as refused:
                    clearer = refused
                    break
            y = layer.forward(y, training=training)
            if not isinstance(y, np.ndarray) or y.shape[:1] != batch.shape[:1]:
                expected = f"its forward to return an array of {len(batch)} rows, one for each sample"
                clearer = ShapeError.expected(layer.label, expected, shown(y))
                break
    if clearer is None:
        raise error
    raise clearer from None
