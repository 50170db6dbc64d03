"""Transforms of images: batches of shape (N, C, H, W) or (N, H, W), of any real dtype, which they keep."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minidl.advice import shown
from minidl.checks import as_generator, check_float, check_int
from minidl.errors import ConfigurationError, ShapeError
from minidl.transforms.transform import Transform, check_batch
from minidl.types import Array, Rng

_ATTEMPTS = 10
"""Rectangles that are drawn for an image, of which the first that fits in is erased."""


class RandomCrop(Transform):
    """Moves each image by up to `padding` pixels each way: pads it with zeros, and cuts its size out again.

    Where it is cut, is drawn for each image, all places alike. After He, Zhang, Ren, Sun (2015),
    arXiv:1512.03385, who trained so on CIFAR-10 with a padding of 4.

    Parameters
    ----------
    padding : int >= 0
        Pixels on each of the four sides; fewer than an image has rows and columns.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(1, 10).reshape(1, 3, 3)
    >>> RandomCrop(1)(image, np.zeros(1), 2)[0]
    array([[[0, 4, 5],
            [0, 7, 8],
            [0, 0, 0]]])
    """

    def __init__(self, padding: int) -> None:
        self.padding = check_int("RandomCrop", "padding", padding, at_least=0)

    def __call__(self, features: Array, targets: Array, rng: Rng) -> tuple[Array, Array]:
        """Each image moved; the targets as they are."""
        images, targets = _check_images("RandomCrop", features, targets)
        padding = self.padding
        *outer, high, wide = images.shape
        if padding and padding >= min(high, wide):
            expected, got = f"images of more than {padding} rows and columns (padding)", f"{high} x {wide}"
            raise ShapeError.expected("RandomCrop", expected, got, "pad less: nothing would be left of some")
        sizes = *outer, high + 2 * padding, wide + 2 * padding
        padded = np.zeros(sizes, images.dtype)
        padded[..., padding : padding + high, padding : padding + wide] = images
        windows = sliding_window_view(padded, (high, wide), (-2, -1))
        places = as_generator(rng, legacy=False).integers(2 * padding, size=(2, len(images)), endpoint=True)
        cut: Array = windows[np.arange(len(images)), ..., places[0], places[1], :, :]
        return cut, targets


class RandomFlip(Transform):
    """Mirrors each image with probability `p`.

    Parameters
    ----------
    p : float from 0 to 1
    axis : -1 or -2
        -1 changes left and right, -2 top and bottom.
    """

    def __init__(self, p: float = 0.5, axis: int = -1) -> None:
        self.p = check_float("RandomFlip", "p", p, at_least=0, at_most=1)
        if type(axis) is not int or axis not in (-1, -2):
            expected = "axis -1 (left and right) or -2 (top and bottom)"
            raise ConfigurationError.expected("RandomFlip", expected, shown(axis))
        self.axis = axis

    def __call__(self, features: Array, targets: Array, rng: Rng) -> tuple[Array, Array]:
        """Some images mirrored; the targets as they are."""
        images, targets = _check_images("RandomFlip", features, targets)
        chosen = as_generator(rng, legacy=False).random(len(images)) < self.p
        flipped = images.copy()
        flipped[chosen] = np.flip(images, self.axis)[chosen]
        return flipped, targets


class RandomErase(Transform):
    """Overwrites a rectangle of each image with `value`, with probability `p`.

    Its share of the image's area is uniform in `scale`, the logarithm of its height by its width in
    that of `ratio`, and its place uniform among those within the image. Of ten such rectangles with
    whole numbers of pixels, the first that fits into the image and has an area in `scale` is erased;
    where none does, the image stays. After Zhong, Zheng, Kang, Li, Yang (2017), arXiv:1708.04896.

    Parameters
    ----------
    p : float from 0 to 1
    scale : pair of floats from 0 to 1
    ratio : pair of floats > 0
    value : float
        One that the features' dtype holds.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: float = 0,
    ) -> None:
        self.p = check_float("RandomErase", "p", p, at_least=0, at_most=1)
        self.scale = _checked_pair("scale", scale, 0, 1)
        self.ratio = _checked_pair("ratio", ratio, 1e-6, 1e6)
        self.value = check_float("RandomErase", "value", value)

    def __call__(self, features: Array, targets: Array, rng: Rng) -> tuple[Array, Array]:
        """Some images with a rectangle erased; the targets as they are."""
        images, targets = _check_images("RandomErase", features, targets)
        generator = as_generator(rng, legacy=False)
        value = self._value_in(images.dtype)
        (count, *_, high, wide), (least, most) = images.shape, self.scale
        chosen = generator.random(count) < self.p
        areas = generator.uniform(least, most, size=(_ATTEMPTS, count)) * high * wide
        ratios = np.exp(generator.uniform(*np.log(self.ratio), size=(_ATTEMPTS, count)))
        highs, wides = np.rint(np.sqrt(areas * ratios)), np.rint(np.sqrt(areas / ratios))
        shares = highs * wides / max(high * wide, 1)
        fits = (highs <= high) & (wides <= wide) & (least <= shares) & (shares <= most)
        first = fits.argmax(0), np.arange(count)
        chosen &= fits[first]
        rows = _spans(highs[first], high, chosen, generator)
        columns = _spans(wides[first], wide, chosen, generator)
        erased = rows[:, :, None] & columns[:, None, :]
        changed = images.copy()
        np.copyto(changed, value, where=erased if images.ndim == 3 else erased[:, None])
        return changed, targets

    def _value_in(self, dtype: np.dtype[np.generic]) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            value = np.array(self.value).astype(dtype)
        if dtype.kind != "f" and value != self.value:
            raise ConfigurationError.expected("RandomErase", f"a value that {dtype} holds", f"{self.value:g}")
        return value


def _spans(lengths: Array, size: int, chosen: Array, rng: np.random.Generator) -> Array:
    """Which of `size` places lie in a span of this length, drawn anywhere among them; shape (N, size)."""
    lengths = np.where(chosen, lengths, 0)[:, None]
    starts = np.floor(rng.random((len(lengths), 1)) * (size - lengths + 1))
    places = np.arange(size)
    spans: Array = (starts <= places) & (places < starts + lengths)
    return spans


def _check_images(where: str, features: Array, targets: Array) -> tuple[Array, Array]:
    images, targets = check_batch(where, features, targets)
    if images.ndim not in (3, 4):
        expected = "features of shape (N, C, H, W) or (N, H, W)"
        raise ShapeError.expected(where, expected, images.shape, "give images in rows and columns of pixels")
    return images, targets


def _checked_pair(name: str, pair: object, least: float, most: float) -> tuple[float, float]:
    """`pair` as two floats in ascending order and in these bounds, or `ConfigurationError`."""
    if isinstance(pair, (tuple, list)) and len(pair) == 2:
        low, high = (check_float("RandomErase", name, end, at_least=least, at_most=most) for end in pair)
        if low <= high:
            return low, high
    expected = f"{name} to be a pair (least, most) of numbers from {least:g} to {most:g}"
    raise ConfigurationError.expected("RandomErase", expected, shown(pair))
