"""What `minidl evaluate` prints of classes is scikit-learn's `classification_report`."""

import numpy as np
import pytest

from minidl import Affine, Dataset, Sequential, SoftmaxCrossEntropy
from minidl.cli import looking, report

metrics = pytest.importorskip("sklearn.metrics", reason="the judges are not installed")

MEANS = {"mean of the classes": "macro avg", "weighted by samples": "weighted avg"}


@pytest.mark.parametrize("seed", range(5))
def test_precision_recall_and_f1(seed):
    """Also of classes that never occur, and of such as are never predicted."""
    rng = np.random.default_rng(seed)
    classes, samples = int(rng.integers(2, 8)), int(rng.integers(5, 60))
    names = tuple(f"class {number}" for number in range(classes))
    net = Sequential(Affine(classes, classes), SoftmaxCrossEntropy(target_names=names))
    net["affine0"].weight.value[...] = np.eye(classes)
    labels = rng.integers(0, max(classes - seed % 2, 1), samples)
    taken = np.where(rng.random(samples) < 0.5, labels, rng.integers(0, classes, samples))
    taken[taken == seed % 3] = classes - 1
    part = Dataset(np.eye(classes, dtype=np.float32)[taken], labels, target_names=names)
    lines = report.classes_table("test", looking.answers(net, part)).splitlines()

    there = sorted({*labels, *taken})
    judge = metrics.classification_report(
        labels, taken, labels=there, target_names=[names[label] for label in there], output_dict=True,
        zero_division=0,
    )  # fmt: skip
    assert len(lines) == 1 + classes + 2
    for line in lines[1:]:
        name, _, cells = line.partition("  ")
        count, *shares = cells.split()
        theirs = judge.get(MEANS.get(name, name))
        if theirs is None:
            assert (count, shares) == ("0", ["-"] * 3)
            continue
        assert int(count) == theirs["support"]
        for share, key in zip(shares, ("recall", "precision", "f1-score"), strict=True):
            # What scikit-learn calls 0 for want of samples has no share here.
            assert share == (f"{theirs[key]:.2%}" if share != "-" else "-")
            assert share != "-" or theirs[key] == 0
