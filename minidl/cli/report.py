"""What the commands print."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from minidl.data import Dataset, Splits
from minidl.net import Net
from minidl.tables import table
from minidl.training import evaluate
from minidl.training.evaluation import require_head

_MOST_CLASSES = 30
_LONGEST_NAME = 40


def parts(splits: Splits) -> dict[str, Dataset]:
    """The parts that there are, by name."""
    named = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return {name: part for name, part in named.items() if part is not None}


def summary(name: str, parts: Mapping[str, Dataset]) -> str:
    """One line about a data set."""
    counts = ", ".join(f"{len(part):,} {kind}" for kind, part in parts.items())
    classes = max(part.num_classes for part in parts.values())
    first = next(iter(parts.values()))
    shape = " × ".join(map(str, first.sample_shape))
    return f"{name}: {counts} samples of {shape} {first.features.dtype}, {classes} classes"


def scores(
    net: Net, parts: Mapping[str, Dataset], known: Mapping[str, Mapping[str, float]] | None = None
) -> dict[str, dict[str, float]]:
    """Samples, loss and metrics of each part; what is `known` of a part is not measured again."""
    results = {}
    names = ["loss", *(metric.name for metric in require_head("evaluate", net).metrics())]
    for name, part in parts.items():
        measured = (known or {}).get(name) or dict(zip(names, evaluate(net, part), strict=True))
        results[name] = {"samples": len(part), **measured}
    return results


def scores_table(results: dict[str, dict[str, float]]) -> str:
    """The table of `scores`."""
    header = ("part", *next(iter(results.values())))
    rows = [
        (part, f"{row['samples']:,}", *(_figure(name, row[name]) for name in header[2:]))
        for part, row in results.items()
    ]
    return table([name.replace("_", " ") for name in header], rows)


def _figure(name: str, value: float) -> str:
    return f"{value:.2%}" if name == "accuracy" else f"{value:.4f}"


def classes_table(net: Net, name: str, part: Dataset) -> str:
    """The classes of a part: their samples, and how many of these the net recognizes.

    Of many classes, those that it recognizes worst.
    """
    classes = part.num_classes
    right = part.targets[net.predict(part.features) == part.targets]
    samples, recognized = (np.bincount(labels, minlength=classes) for labels in (part.targets, right))
    accuracy = recognized / np.maximum(samples, 1)
    shown = np.arange(classes)
    if classes > _MOST_CLASSES:
        there = np.flatnonzero(samples)
        shown = there[np.argsort(accuracy[there], kind="stable")][:_MOST_CLASSES]
    names = list(map(_short, part.target_names or map(str, range(classes))))
    rows = [
        (names[label], f"{samples[label]:,}", f"{accuracy[label]:.2%}" if samples[label] else "-")
        for label in shown
    ]
    lines = table((f"{name} by class", "samples", "accuracy"), rows)
    return lines if len(shown) == classes else f"{lines}\nthe worst {len(shown)} of {classes:,} classes"


def silent(*_: object) -> None:
    """Print nothing."""


def _short(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
