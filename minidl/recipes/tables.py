"""Nets for tables of numbers and categories."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import as_generator, check_float, check_kind, check_sizes
from minidl.data import Dataset
from minidl.data.dataset import check_dataset
from minidl.errors import DataError
from minidl.kernels.sparse import is_csr
from minidl.layers import Affine, Columns, Dropout, Embedding, Layer, ReLU, Sequential, Standardize
from minidl.losses import L1, Huber, Loss, MeanSquaredError, SoftmaxCrossEntropy
from minidl.recipes.head import unit_of
from minidl.types import Rng

if TYPE_CHECKING:
    import numpy.typing as npt


def table_net(
    train: Dataset,
    hidden: int | Sequence[int] = (100,),
    *,
    dropout: float = 0.0,
    loss: Loss | None = None,
    rng: Rng = None,
    dtype: npt.DTypeLike = np.float32,
) -> Sequential:
    """A vector for each category, standardized numbers, then affine layers, ReLU and dropout.

    It predicts classes, or numbers in their own unit: its last layer then brings what the others give to
    the mean and scale of the targets.

    Parameters
    ----------
    train : Dataset of samples (columns,)
        To be trained on: its columns, its classes, the means and scales of its numbers.
    hidden : int or sequence of int
        Units of each hidden layer; a number is one layer's.
    dropout : float
        The share of each hidden layer's outputs that `Dropout` drops; with 0 there is none.
    loss : Loss, optional
        `SoftmaxCrossEntropy` by default, or for numbers `MeanSquaredError`, in scales of the targets. A
        `SoftmaxCrossEntropy` without `target_names` gets those of `train`, and a loss for numbers without
        arguments, such as ``Huber()``, the targets' scale: the net has a copy of it then.
    rng : Generator, seed or None
        Draws the weights, layer after layer.
    dtype : float32 or float64

    Examples
    --------
    >>> from minidl.data import Column
    >>> columns = Column("size"), Column("colour", ["blue", "red"])
    >>> train = Dataset([[2.5, 1], [4.0, 2]], [[70.0], [95.0]], columns=columns)
    >>> [type(layer).__name__ for layer in table_net(train, 20, rng=0)]
    ['Columns', 'Affine', 'ReLU', 'Affine', 'Standardize']
    """
    first, width = _columns_layer(train, rng := as_generator(rng), dtype)
    layers: list[Layer] = [first]
    if loss is not None:
        check_kind("table_net", "loss", loss, Loss)
    check_float("table_net", "dropout", dropout, at_least=0, at_most=1)
    for units in check_sizes("table_net", "hidden", hidden, at_least=1):
        layers += [Affine(width, units, rng=rng, dtype=dtype), ReLU()]
        layers += [Dropout(dropout, rng=rng)] if dropout else []
        width = units
    if train.has_labels:
        scores = Affine(width, train.num_classes, rng=rng, dtype=dtype)
        return Sequential(*layers, scores, _fitted(loss or SoftmaxCrossEntropy(), train))
    shape = train.targets.shape[1:]
    numbers = Affine(width, math.prod(shape), rng=rng, dtype=dtype)
    targets = Standardize.fit(train.targets, shared_scale=True, dtype=np.float64)
    layers += [numbers, *unit_of(targets, shape, dtype)]
    return Sequential(*layers, _fitted(loss or MeanSquaredError(), train, float(targets.scale)))


def _fitted(loss: Loss, train: Dataset, scale: float = 1.0) -> Loss:
    """The loss; where it leaves open the classes' names or the scale of errors, one that says them.

    Raises
    ------
    MinidlError
        It is not for such targets, or not for so many classes.
    """
    if type(loss) is SoftmaxCrossEntropy and loss.target_names is None:
        loss = SoftmaxCrossEntropy(train.target_names, loss.class_weights, loss.label_smoothing)
    elif isinstance(loss, (Huber, L1, MeanSquaredError)) and loss.config() == type(loss)().config():
        loss = type(loss)(scale=scale)
    shape = (train.num_classes,) if train.has_labels else train.targets.shape[1:]
    loss.check_targets(train.targets, shape)
    return loss


def _columns_layer(train: Dataset, rng: np.random.Generator, dtype: npt.DTypeLike) -> tuple[Layer, int]:
    """What stands first, and how many numbers it gives of each sample."""
    features = check_dataset("table_net", "train", train).features
    if features.ndim != 2 or is_csr(features):
        remedy = "take mlp for images and sparse samples"
        raise DataError.expected("table_net", "samples of shape (columns,)", repr(train), remedy)
    coded = {place: column.num_codes for place, column in enumerate(train.columns or ()) if column.num_codes}
    numbers = [place for place in range(features.shape[1]) if place not in coded]
    groups: dict[str, tuple[Any, Layer]] = {}
    if numbers:
        groups["numbers"] = (numbers, Standardize.fit(features[:, numbers], dtype=dtype))
    width = len(numbers)
    for place, codes in coded.items():
        # A vector's length is fastai's rule of thumb (tabular.model.emb_sz_rule), found by trying.
        length = min(600, round(1.6 * codes**0.56))
        vectors = Embedding(codes, length, rng=rng, dtype=dtype)
        vectors.weight.value[0] = 0  # other categories: training meets none, and they stay in the middle
        groups[f"column{place}"] = (place, vectors)
        width += length
    return Columns(groups), width
