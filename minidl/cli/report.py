"""What the commands print."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from minidl.cli.looking import Answers
from minidl.data import Dataset, Splits
from minidl.metrics import F1, R2, MeanAbsoluteError, Metric, Precision, Recall, RootMeanSquaredError
from minidl.net import Net
from minidl.tables import short, table
from minidl.training import evaluate
from minidl.training.evaluation import require_head

_MOST_CLASSES = 30
_LONGEST_NAME = 40
_Measure = TypeVar("_Measure", bound=Metric)


def parts(splits: Splits) -> dict[str, Dataset]:
    """The parts that there are, by name."""
    named = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return {name: part for name, part in named.items() if part is not None}


def summary(name: str, parts: Mapping[str, Dataset]) -> str:
    """One line about a data set."""
    counts = ", ".join(f"{len(part):,} {kind}" for kind, part in parts.items())
    first = next(iter(parts.values()))
    shape = " × ".join(map(str, first.sample_shape))
    targets = "numbers to predict"
    if all(part.has_labels for part in parts.values()):
        targets = f"{max(part.num_classes for part in parts.values())} classes"
    return f"{name}: {counts} samples of {shape} {first.features.dtype}, {targets}"


def scores(
    net: Net, parts: Mapping[str, Dataset], known: Mapping[str, Mapping[str, float]] | None = None
) -> dict[str, dict[str, float]]:
    """Samples, loss and metrics of each part; what is `known` of a part is not measured again."""
    results = {}
    metrics = _metrics(net)
    names = ["loss", *(metric.name for metric in metrics)]
    for name, part in parts.items():
        measured = (known or {}).get(name)
        if measured is None or set(measured) != set(names):
            measured = dict(zip(names, evaluate(net, part, metrics=metrics), strict=True))
        results[name] = {"samples": len(part), **measured}
    return results


def _metrics(net: Net) -> list[Metric]:
    """Those of the net's loss; of numbers, also the errors in the unit of the targets."""
    metrics = require_head("evaluate", net).metrics()
    if any(isinstance(metric, R2) for metric in metrics):
        known = {metric.name for metric in metrics}
        metrics += [each for each in (MeanAbsoluteError(), RootMeanSquaredError()) if each.name not in known]
    return metrics


def scores_table(results: Mapping[str, Mapping[str, float]]) -> str:
    """The table of `scores`."""
    header = ("part", *next(iter(results.values())))
    rows = [
        (part, f"{row['samples']:,}", *(figure(name, row[name]) for name in header[2:]))
        for part, row in results.items()
    ]
    return table([name.replace("_", " ") for name in header], rows)


def figure(name: str, value: float | None) -> str:
    """A metric's value as text; None, as files have it, is one that is not finite."""
    value = math.nan if value is None else value
    return f"{value:.2%}" if name == "accuracy" else f"{value:.4f}"


def classes_table(name: str, given: Answers) -> str:
    """What a net makes of each class of a part, and the averages; of many classes, the worst.

    The recall is the share of a class's samples that are recognized, the precision the share of those
    taken for it that are of it, and F1 their harmonic mean. They are 0 where there is nothing to take a
    share of, as the averages count them, and not there for a class that neither occurs nor is predicted.
    """
    part, classes = given.part, given.classes or ()
    measured = {
        average: [_measured(kind(average), given) for kind in (Recall, Precision, F1)]
        for average in ("macro", "weighted")
    }
    figures = measured["macro"]
    recalled, *_ = columns = [figure.per_class() for figure in figures]
    samples = figures[0].actual
    shown = np.arange(len(classes))
    if len(classes) > _MOST_CLASSES:
        there = np.flatnonzero(samples)
        shown = there[np.argsort(recalled[there], kind="stable")][:_MOST_CLASSES]
    rows = [
        [
            short(classes[label], _LONGEST_NAME),
            f"{samples[label]:,.0f}",
            *(_share(column[label]) for column in columns),
        ]
        for label in shown
    ]
    for average, means in measured.items():
        text = "mean of the classes" if average == "macro" else "weighted by samples"
        rows.append([text, f"{len(part):,}", *(_share(mean.compute()) for mean in means)])
    lines = table((f"{name} by class", "samples", "recall", "precision", "F1"), rows)
    few = len(shown) < len(classes)
    return f"{lines}\nthe worst {len(shown)} of {len(classes):,} classes" if few else lines


def most_mixed_up(given: Answers) -> str | None:
    """The two classes that are taken for each other most often, and how often; None without a mistake."""
    right, taken, classes = given.part.targets, given.predictions, given.classes or ()
    if right.ndim > 1 or not (wrong := right != taken).any():
        return None
    pairs, counts = np.unique(np.stack([right[wrong], taken[wrong]], axis=1), axis=0, return_counts=True)
    often = {(one, other): count for (one, other), count in zip(pairs.tolist(), counts.tolist(), strict=True)}
    both = {(one, other): count + often.get((other, one), 0) for (one, other), count in often.items()}
    one, other = max(both, key=lambda pair: (both[pair], often[pair]))
    names = [short(classes[label], _LONGEST_NAME) for label in (one, other)]
    number = f"{often[one, other]:,} + {often.get((other, one), 0):,}"
    return f"most mixed up: {' and '.join(names)} ({number})"


def _measured(metric: _Measure, given: Answers) -> _Measure:
    metric.update(given.scores, given.part.targets)
    return metric


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2%}"


def silent(*_: object) -> None:
    """Print nothing."""
