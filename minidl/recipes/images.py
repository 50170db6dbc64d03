"""Convolutional nets for images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import as_generator, check_float, check_int, check_kind, check_sizes
from minidl.errors import ConfigurationError, ShapeError
from minidl.layers import (
    Affine,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    MaxPool2d,
    ReLU,
    Reshape,
    Residual,
    Sequential,
)
from minidl.layers.shapes import shape_through
from minidl.losses import Loss
from minidl.recipes.head import head
from minidl.tables import counted
from minidl.types import Rng

if TYPE_CHECKING:
    import numpy.typing as npt

_MOST_BLOCKS = 1000
"""Of a stage: more is a slip, and building them would not end."""


def small_conv_net(
    sample_shape: Sequence[int],
    num_classes: int,
    *,
    channels: int | Sequence[int] = (16, 32),
    hidden: int | Sequence[int] = 128,
    dropout: float = 0.0,
    loss: Loss | None = None,
    standardize: Layer | None = None,
    rng: Rng = None,
    dtype: npt.DTypeLike = np.float32,
    target_names: Sequence[str] | None = None,
) -> Sequential:
    """Stages of convolution, pool, batch norm and ReLU; then hidden layers as in `mlp`, and the loss.

    Convolutions are 3 × 3; each stage halves the images' height and width.

    Parameters
    ----------
    sample_shape : (height, width) or (channels, height, width)
    num_classes : int
    channels : int or sequence of int
        Of each stage.
    hidden : int or sequence of int
        Units of each hidden layer; with ``()`` the stages' outputs lead to the scores at once.
    dropout : float
        The share of each hidden layer's outputs that `Dropout` drops; with 0 there is none.
    loss : Loss, optional
        `SoftmaxCrossEntropy` by default.
    standardize : Layer, optional
        Stands first, such as `Standardize`, and takes the images as they come.
    rng : Generator, seed or None
        Draws the weights, layer after layer.
    dtype : float32 or float64
    target_names : tuple or list of str, optional
        The name of each class, kept in the net's file; for the default loss.

    Raises
    ------
    ConfigurationError
        For samples that are no images, and for what else is outside of its domain.
    ShapeError
        The images are too small for so many stages.

    Examples
    --------
    >>> net = small_conv_net((28, 28), 10, rng=0)
    >>> net(np.zeros((5, 28, 28))).shape
    (5, 10)
    """
    where, drawn = "small_conv_net", {"rng": as_generator(rng), "dtype": dtype}
    image, widths = _image(where, sample_shape), _widths(where, channels)
    _check_size(where, image, len(widths))
    body: list[Layer] = []
    for fan_in, fan_out in pairwise((image[0], *widths)):
        body += [*_convolution(fan_in, fan_out, drawn, pool=True), ReLU()]
    body.append(Flatten())
    units = check_sizes(where, "hidden", hidden, at_least=1)
    for fan_in, fan_out in pairwise((_numbers(body, image), *units)):
        body += [Affine(fan_in, fan_out, **drawn), ReLU(), *_dropout(where, dropout, drawn)]
    return Sequential(
        *_first(where, standardize, image, sample_shape),
        *body,
        Affine(_numbers(body, image), check_int(where, "num_classes", num_classes, at_least=1), **drawn),
        head(where, num_classes, loss, target_names),
    )


def residual_conv_net(
    sample_shape: Sequence[int],
    num_classes: int,
    *,
    channels: int | Sequence[int] = (16, 32, 64),
    blocks: int = 1,
    dropout: float = 0.0,
    loss: Loss | None = None,
    standardize: Layer | None = None,
    rng: Rng = None,
    dtype: npt.DTypeLike = np.float32,
    target_names: Sequence[str] | None = None,
) -> Sequential:
    """A convolution, stages of residual blocks, the mean of each channel, an affine layer, and the loss.

    A block is two 3 × 3 convolutions with batch norms, and the way past them. The first convolution's
    images are pooled; each stage but the first halves height and width again, by a stride of 2 in its
    first block. Source: He, Zhang, Ren, Sun (2015), "Deep Residual Learning for Image Recognition",
    arXiv:1512.03385, in small.

    Parameters
    ----------
    channels : int or sequence of int
        Of each stage; the first convolution has as many as the first stage.
    blocks : int from 1 to 1,000
        Of each stage.
    dropout : float
        The share of the channels' means that `Dropout` drops.
    sample_shape, num_classes, loss, standardize, rng, dtype, target_names
        As for `small_conv_net`, and so are the errors.

    Examples
    --------
    >>> net = residual_conv_net((3, 32, 32), 10, rng=0)
    >>> net(np.zeros((5, 3, 32, 32))).shape
    (5, 10)
    """
    where, drawn = "residual_conv_net", {"rng": as_generator(rng), "dtype": dtype}
    image, widths = _image(where, sample_shape), _widths(where, channels)
    _check_size(where, image, 1)
    count = check_int(where, "blocks", blocks, at_least=1)
    if count > _MOST_BLOCKS:
        raise ConfigurationError.expected(where, f"blocks from 1 to {_MOST_BLOCKS:,} a stage", count)
    body: list[Layer] = [*_convolution(image[0], widths[0], drawn, pool=True), ReLU()]
    for stage, (fan_in, fan_out) in enumerate(pairwise((widths[0], *widths))):
        body += [_block(fan_in, fan_out, drawn, stride=2 if stage else 1), ReLU()]
        for _ in range(count - 1):
            body += [_block(fan_out, fan_out, drawn), ReLU()]
    body.append(GlobalAvgPool2d())
    return Sequential(
        *_first(where, standardize, image, sample_shape),
        *body,
        *_dropout(where, dropout, drawn),
        Affine(_numbers(body, image), check_int(where, "num_classes", num_classes, at_least=1), **drawn),
        head(where, num_classes, loss, target_names),
    )


def _convolution(
    fan_in: int,
    fan_out: int,
    drawn: dict[str, Any],
    *,
    kernel_size: int = 3,
    stride: int = 1,
    pool: bool = False,
) -> list[Layer]:
    """A convolution with a batch norm, whose bias serves for both."""
    padding = kernel_size // 2
    convolution = Conv2d(fan_in, fan_out, kernel_size, stride=stride, padding=padding, bias=False, **drawn)
    # Pooled first, there are a quarter of the numbers for the norm and for what comes behind it.
    return [convolution, *([MaxPool2d(2)] if pool else []), BatchNorm2d(fan_out, dtype=drawn["dtype"])]


def _block(fan_in: int, fan_out: int, drawn: dict[str, Any], *, stride: int = 1) -> Residual:
    """Two convolutions, and a way past them that brings the images to the same shape."""
    layers = [
        *_convolution(fan_in, fan_out, drawn, stride=stride),
        ReLU(),
        *_convolution(fan_out, fan_out, drawn),
    ]
    if (fan_in, stride) == (fan_out, 1):
        return Residual(*layers)
    shortcut = _convolution(fan_in, fan_out, drawn, kernel_size=1, stride=stride)
    return Residual(*layers, shortcut=Sequential(*shortcut))


def _image(where: str, sample_shape: object) -> tuple[int, ...]:
    """(channels, height, width) of the images that samples are."""
    shape = check_sizes(where, "sample_shape", sample_shape, at_least=1)
    if len(shape) not in (2, 3):
        expected = "sample_shape (height, width) or (channels, height, width)"
        remedy = "write the images into an .npz file, or take mlp" if len(shape) == 1 else ""
        raise ConfigurationError.expected(where, expected, shape, remedy)
    return shape if len(shape) == 3 else (1, *shape)


def _check_size(where: str, image: tuple[int, ...], halvings: int) -> None:
    """Refuse images that cannot be halved so often."""
    channels, *size = image
    most = min(size).bit_length() - 1
    if halvings > most:
        expected = f"images of {2**halvings} pixels or more each way, to halve {halvings} times"
        remedy = f"take channels of {counted(most, 'stage')} at most" if most else "take mlp"
        if channels > size[1]:
            remedy = f"channels come first: sample_shape {(size[1], channels, size[0])}"
        raise ShapeError.expected(where, expected, tuple(size), remedy)


def _widths(where: str, channels: object) -> tuple[int, ...]:
    """The channels of each stage, of which there is one at least."""
    widths = check_sizes(where, "channels", channels, at_least=1)
    if not widths:
        raise ConfigurationError.expected(where, "channels of one stage at least", channels)
    return widths


def _numbers(body: list[Layer], image: tuple[int, ...]) -> int:
    """How many numbers the layers make of an image."""
    return math.prod(shape_through(body, image) or ())


def _first(
    where: str, standardize: Layer | None, image: tuple[int, ...], sample_shape: Sequence[int]
) -> list[Layer]:
    """What brings the samples to images."""
    given = [] if standardize is None else [check_kind(where, "standardize", standardize, Layer)]
    return given if len(sample_shape) == 3 else [*given, Reshape(*image)]


def _dropout(where: str, p: float, drawn: dict[str, Any]) -> list[Layer]:
    return [Dropout(p, rng=drawn["rng"])] if check_float(where, "dropout", p, at_least=0, at_most=1) else []
