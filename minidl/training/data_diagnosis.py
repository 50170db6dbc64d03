"""What is wrong with the data of a run, which no curve shows and for which the rate is blamed.

Of a large data set, rows evenly spread over it are looked at, so that it takes a second or so: 1,000
for scales; for copies and constants 2**18, and of wide rows as many as hold 2**25 numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minidl.advice import is_sparse, shown
from minidl.checks import check_array
from minidl.data import Dataset, Splits
from minidl.errors import DataError, ShapeError
from minidl.kernels.rows import take_rows
from minidl.kernels.sparse import check_csr, is_csr
from minidl.layers import Affine
from minidl.net import Net
from minidl.training.diagnosis import (
    Finding,
    Passed,
    curve_findings,
    dead_unit_findings,
    pass_through,
    spread_rows,
)
from minidl.types import Array

_NUMBERS, _ROWS = 1 << 25, 1 << 18
_BLOCK = 1 << 19  # numbers that are looked at at once
_FEWEST_ROWS = 20  # fewer may be alike by chance
_LARGE, _SMALL = 30.0, 0.01  # root mean squares that are far from the 1 which initial weights are made for


def diagnose(
    steps: Mapping[str, list[float]], epochs: Mapping[str, list[Any]], net: Net | None, data: Any
) -> list[Finding]:
    """All that the curves, the data and the net of a run say; see `History.diagnose`."""
    curves = curve_findings(steps, epochs)
    if data is None:
        return curves
    findings = data_findings(data)
    if net is None:
        return findings + curves
    first, outputs = pass_through(net, features_of(data))
    return findings + scale_findings(first) + curves + dead_unit_findings(outputs)


def features_of(data: object) -> Array:
    """The features of an array, a `Dataset` or the training part of `Splits`."""
    if isinstance(data, Splits):
        data = data.train
    if isinstance(data, Dataset):
        return data.features
    if isinstance(data, (tuple, list)) and any(isinstance(part, (Dataset, Splits)) for part in data):
        expected = "data to be an array, a Dataset or Splits"
        remedy = "give several parts as minidl.data.Splits('mine', train, validation)"
        raise DataError.expected("diagnose", expected, shown(data), remedy)
    features = (
        check_csr("diagnose", "data", data) if is_sparse(data) else check_array("diagnose", "data", data)
    )
    if not features.ndim or not math.prod(features.shape):
        raise ShapeError.expected("diagnose", "data of shape (samples, ...)", features.shape)
    return features


def data_findings(data: object) -> list[Finding]:
    """What is wrong with the data whatever the net; with `Splits`, with the parts as well."""
    found = feature_findings(features_of(data))
    return class_findings(data) + copy_findings(data) + found if isinstance(data, Splits) else found


def class_findings(splits: Splits) -> list[Finding]:
    """Classes that a validation or test part has, and the training part has not."""
    findings: list[Finding] = []
    for name, part in _held_out(splits) if splits.has_labels else ():
        labels, counts = np.unique(part.targets, return_counts=True)
        missing = ~np.isin(labels, splits.train.targets)
        if missing.any():
            classes = ", ".join(_class_name(part, label) for label in labels[missing][:3])
            more = f" and {missing.sum() - 3} more" if missing.sum() > 3 else ""
            share = f"{counts[missing].sum():,} of {len(part):,} {name} samples"
            evidence = f"{share} are of classes that the training part lacks: {classes}{more}"
            advice = "shuffle the samples before you split them"
            findings.append(Finding("missing classes", evidence, advice))
    return findings


def copy_findings(splits: Splits) -> list[Finding]:
    """Samples, with their targets, that a validation or test part has in common with the training part.

    Features may be equal by chance, as rounded measurements; where the targets differ, they give nothing
    away. Where samples are alike by nature, as those of a few categories are, a training sample is among
    the others as often; only what goes far beyond that is one.
    """
    parts = [*_held_out(splits)]
    whole = (splits.train, *(part for _, part in parts))
    dtypes = (
        np.result_type(*(data.features.dtype for data in whole)),
        np.result_type(*(data.targets.dtype for data in whole)),
    )
    known = Counter(_hashes(splits.train, dtypes) if parts else ())
    seen = known.total()
    alike = sum(count for count in known.values() if count > 1) / max(seen, 1)
    findings = []
    for name, part in parts:
        hashes = [*_hashes(part, dtypes)]
        copies = sum(hash_ in known for hash_ in hashes)
        if copies >= 5 and copies / len(hashes) > max(0.01, 2 * alike):
            share = f"{copies:,} of {len(hashes):,} {name} samples ({copies / len(hashes):.0%})"
            evidence = f"{share} are among {seen:,} training samples, too"
            advice = f"remove copies before splitting: {name} figures are better than the net"
            findings.append(Finding("duplicated samples", evidence, advice))
    return findings


def feature_findings(features: Array) -> list[Finding]:
    """Features that say nothing: zeros everywhere, or the same number in each sample.

    Of sparse features many have only zeros by nature, such as words that no text has.
    """
    if is_csr(features):
        return [] if features.nnz else [_all_zero(features.shape[0])]  # type: ignore[attr-defined]
    sample = take_rows(features, spread_rows(features))
    if len(sample) < _FEWEST_ROWS or np.mean((sample == sample[0]).all(axis=0)) <= 0.5:
        return []
    constant = np.ones(features.shape[1:], bool)
    rows = 0
    for _, block in _blocks(features):
        constant &= (block == sample[0]).all(axis=0)
        rows += len(block)
    share = np.count_nonzero(constant) / constant.size
    if share == 1 and not sample.any():
        return [_all_zero(rows)]
    if share > 0.5:
        counted = f"{np.count_nonzero(constant):,} of {constant.size:,} features ({share:.0%})"
        evidence = f"{counted} are the same in each of {rows:,} samples"
        advice = "look at how the features were read, and drop those that say nothing"
        return [Finding("constant features", evidence, advice)]
    return []


def _all_zero(rows: int) -> Finding:
    evidence, advice = f"every number of {rows:,} samples is 0", "look at how the features were read"
    return Finding("features all zero", evidence, advice)


def scale_findings(first: Passed | None) -> list[Finding]:
    """Whether the numbers that the net's first affine layer gets, if it begins with one, are near 1."""
    if first is None or not isinstance(first[0], Affine) or is_csr(first[1]):
        return []  # what is rare is small in the mean, and no layer scales what is sparse
    layer, x = first
    with np.errstate(over="ignore"):
        sizes = np.sqrt(np.mean(np.square(x, dtype=np.float64), axis=0))
    largest = int(sizes.argmax())
    if not (sizes[largest] > _LARGE or 0 < sizes[largest] < _SMALL):
        return []
    least, most = sizes.min(), sizes[largest]
    which = f"feature {largest} at {most:.3g}" if sizes.size > 1 else f"{most:.3g}"
    rest = f", the smallest at {least:.3g}" if least < most / 10 else ""
    evidence = f"{layer.label} gets {which} (root mean square){rest}, where 1 is usual"
    advice = "begin the net with Standardize.fit(train.features) before you try other rates"
    return [Finding("unscaled features", evidence, advice)]


def _held_out(splits: Splits) -> Iterator[tuple[str, Dataset]]:
    for name, part in (("validation", splits.validation), ("test", splits.test)):
        if part is not None:
            yield name, part


def _class_name(part: Dataset, label: int) -> str:
    return f"{label} ({part.target_names[label]!r})" if part.target_names else str(label)


def _blocks(features: Array) -> Iterator[tuple[Array, Array]]:
    """Indices of the rows that are looked at of a large data set, some at a time, and these rows, dense."""
    numbers = max(math.prod(features.shape[1:]), 1)
    rows = spread_rows(features, min(max(_NUMBERS // numbers, 1), _ROWS))
    step = max(_BLOCK // numbers, 1)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        block: Any = take_rows(features, part)
        yield part, block.toarray() if is_csr(block) else block


def _hashes(data: Dataset, dtypes: tuple[np.dtype[Any], np.dtype[Any]]) -> Iterator[int]:
    """One number for each sample with its target, the same where both are equal."""
    for rows, block in _blocks(data.features):
        features, targets = block.astype(dtypes[0], copy=False), data.targets[rows].astype(dtypes[1])
        yield from (hash((x.tobytes(), t.tobytes())) for x, t in zip(features, targets, strict=True))
