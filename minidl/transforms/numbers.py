"""Transforms of features of any shape and any real dtype, which they keep: noise, and mixtures."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.checks import as_generator, check_float
from minidl.transforms.transform import Transform, check_batch
from minidl.types import Array, Rng


class GaussianNoise(Transform):
    """Adds to each number a draw of its own from a normal distribution around 0.

    Integers are rounded, and clipped to what their dtype holds.

    Parameters
    ----------
    std : float >= 0
        Standard deviation, in the units of the features: for bytes, 255 is white.
    """

    def __init__(self, std: float) -> None:
        self.std = check_float("GaussianNoise", "std", std, at_least=0)

    def __call__(self, features: Array, targets: Array, rng: Rng) -> tuple[Array, Array]:
        """The features with noise; the targets as they are."""
        array, targets = check_batch("GaussianNoise", features, targets)
        working = _working_dtype(array.dtype)
        drawn = np.float32 if working == np.float32 else np.float64
        numbers = as_generator(rng, legacy=False).standard_normal(array.shape, drawn)
        numbers *= self.std
        return _rounded(np.add(numbers, array, dtype=working), array.dtype), targets


class MixUp(Transform):
    """Replaces each sample by a mixture of it and another one of the batch, drawn at random.

    ``share * x + (1 - share) * x'``, integers rounded. Floating targets are mixed alike, with shares
    from Beta(alpha, alpha). Integer targets, which labels are, stay those of the first sample, with
    shares from Beta(alpha + 1, alpha): that gives the same expected loss as a loss mixed over both
    labels with shares from Beta(alpha, alpha). The samples' weights stay the first's.

    After Zhang, Cisse, Dauphin, Lopez-Paz (2017), arXiv:1710.09412; the labels' shares after Huszár
    (2017), "mixup: data-dependent data augmentation".

    Parameters
    ----------
    alpha : float >= 1e-3
        Near 0, samples stay almost as they are; the larger, the nearer shares are to 1/2.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = check_float("MixUp", "alpha", alpha, at_least=1e-3)

    def __call__(self, features: Array, targets: Array, rng: Rng) -> tuple[Array, Array]:
        """The features mixed; floating targets mixed, others as they are."""
        array, numbers = check_batch("MixUp", features, targets)
        generator = as_generator(rng, legacy=False)
        others = generator.permutation(len(array))
        mixes = numbers.dtype.kind == "f"
        shares = generator.beta(self.alpha if mixes else self.alpha + 1, self.alpha, len(array))
        return _mixed(array, others, shares), _mixed(numbers, others, shares) if mixes else numbers


def _mixed(array: Array, others: Array, shares: Array) -> Array:
    shares = shares.astype(_working_dtype(array.dtype)).reshape(-1, *(1,) * (array.ndim - 1))
    mixed = array * shares
    mixed += array[others] * (1 - shares)
    return _rounded(mixed, array.dtype)


def _working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The floats to compute in, which hold every number of this dtype, but for integers beyond 2^53."""
    return np.result_type(dtype, np.float32)


def _rounded(numbers: Array, dtype: np.dtype[Any]) -> Array:
    """`numbers`, which may be written to, in this dtype; for integers rounded and clipped."""
    if dtype.kind != "f":
        least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        ceiling = numbers.dtype.type(most)
        if float(ceiling) > most:  # it was rounded up to one more than the dtype holds
            ceiling = np.nextafter(ceiling, numbers.dtype.type(0))
        np.clip(np.rint(numbers, numbers), least, ceiling, numbers)
    return numbers.astype(dtype, copy=False)
