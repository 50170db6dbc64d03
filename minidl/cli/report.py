"""What the commands print."""

from __future__ import annotations

from collections.abc import Mapping

from minidl.data import Dataset, Splits
from minidl.layers import Sequential
from minidl.tables import table
from minidl.training import evaluate


def parts(splits: Splits) -> dict[str, Dataset]:
    """The parts that there are, by name."""
    named = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return {name: part for name, part in named.items() if part is not None}


def summary(splits: Splits) -> str:
    """One line about a data set."""
    counts = ", ".join(f"{len(part):,} {name}" for name, part in parts(splits).items())
    shape = " × ".join(map(str, splits.sample_shape))
    dtype = splits.train.features.dtype
    return f"{splits.name}: {counts} samples of {shape} {dtype}, {splits.num_classes} classes"


def scores(
    net: Sequential, splits: Splits, known: Mapping[str, tuple[float, float]] | None = None
) -> dict[str, dict[str, float]]:
    """Samples, loss and accuracy of each part; what is `known` of a part is not measured again."""
    results = {}
    for name, part in parts(splits).items():
        loss, accuracy = (known or {}).get(name) or evaluate(net, part)
        results[name] = {"samples": len(part), "loss": loss, "accuracy": accuracy}
    return results


def scores_table(results: dict[str, dict[str, float]]) -> str:
    """The table of `scores`."""
    rows = [
        (name, f"{row['samples']:,}", f"{row['loss']:.4f}", f"{row['accuracy']:.2%}")
        for name, row in results.items()
    ]
    return table(("part", "samples", "loss", "accuracy"), rows)


def silent(*_: object) -> None:
    """Print nothing."""
