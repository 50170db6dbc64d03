"""What ``minidl sweep`` searches: the values given on the command line, as a space of configurations."""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from minidl.checks import check_int
from minidl.errors import ConfigurationError, MissingExtraError
from minidl.recipes.settings import check_one_net, configuration_of
from minidl.sweep.adaptive import Adaptive, import_optuna
from minidl.sweep.space import Configuration, Grid, Random, Space

Settings: TypeAlias = Callable[[Configuration, bool], Configuration]
"""``settings(given, strict)``: all settings of a trial that is given this.

What has no meaning beside the rest is an error where it is strict; else it is left out, since another
trial may have use for it.
"""

_LOGARITHMIC = ("lr", "reg", "weight_decay")  # what a range means here is its magnitude
_DECISIVE = ("model", "loss", "optimizer", "schedule")  # these say which others have a meaning


class Range(NamedTuple):
    """``LOW:HIGH``."""

    low: float
    high: float

    def __repr__(self) -> str:
        return f"{self.low:g}:{self.high:g}"


class _Completed(Space):
    """The configurations of a space, completed; what comes out alike, once."""

    def __init__(self, space: Space, complete: Callable[[Configuration], Configuration]) -> None:
        self.space, self.complete = space, complete

    def configurations(self) -> list[Configuration]:
        texts = dict.fromkeys(map(json.dumps, map(self.complete, self.space.configurations())))
        return [json.loads(text) for text in texts]


class Repeated(Space):
    """The configurations of a space, each with each of the seeds."""

    def __init__(self, space: Space, seeds: Sequence[int]) -> None:
        if isinstance(space, Adaptive):
            expected = f"one seed beside --sampler {space.sampler}, which draws what to try next"
            raise ConfigurationError.expected("--seed", expected, f"{len(seeds)} of them")
        self.space = space
        self.seeds = [check_int("--seed", "seed", seed, at_least=0) for seed in dict.fromkeys(seeds)]

    def configurations(self) -> list[Configuration]:
        """Those of a configuration one after the other."""
        return [each | {"seed": seed} for each in self.space.configurations() for seed in self.seeds]


class _CompletedDraws(Adaptive):
    """Draws that learn, completed."""

    complete: Callable[[Configuration], Configuration]

    def completed(self, drawn: Configuration) -> Configuration:
        return self.complete(drawn)


def space(values: dict[str, list[Any]], arguments: argparse.Namespace, settings: Settings) -> Space:
    """All combinations of the values that options were given, or draws from them.

    Raises
    ------
    ConfigurationError
        An option is of no use in any trial; a range in a grid; a sampler without a number of draws.
    MissingExtraError
        SciPy or Optuna is needed, and is not installed.
    """
    keys = _keys(values, settings)

    def complete(given: Configuration) -> Configuration:
        return configuration_of(settings(given, False), keys)

    draws, sampler = arguments.random, arguments.sampler
    values = values or {"model": ["mlp"]}
    if sampler != "random":
        if draws is None:
            expected = f"--trials N, so many to be drawn by {sampler}"
            raise ConfigurationError.expected("--sampler", expected, "none")
        drawn = {name: _range_of_optuna(name, given) for name, given in values.items()}
        adaptive = _CompletedDraws(draws, sampler=sampler, seed=arguments.seed, **drawn)
        adaptive.complete = complete
        return adaptive
    if draws is not None:
        drawn = {name: _distribution(name, given) for name, given in values.items()}
        return _Completed(Random(draws, seed=arguments.seed, **drawn), complete)
    for name, given in values.items():
        if any(isinstance(value, Range) for value in given):
            expected, remedy = "single values in a grid", "add --random N to draw from it"
            raise ConfigurationError.expected(f"--{name.replace('_', '-')}", expected, given, remedy)
    return _Completed(Grid(**values), complete)


def _keys(values: dict[str, list[Any]], settings: Settings) -> set[str]:
    """What the trials' configurations are to hold: what is given, and what some trial has that is not plain.

    An option that has no meaning in any trial is refused.
    """
    for pair in itertools.product(values.get("average", ()), values.get("early_stopping", ())):
        check_one_net(*pair)
    first = {name: given[0] for name, given in values.items()}
    decisive = {name: values[name] for name in _DECISIVE if name in values}
    keys: set[str] = set()
    for row in itertools.product(*decisive.values()):
        keys.update(configuration_of(settings(first | dict(zip(decisive, row, strict=True)), False), values))
    if not keys >= values.keys():
        settings(first, True)
    return keys


def _distribution(name: str, values: list[Any]) -> Any:
    """What `Random` draws from: the list, or where it is one range, that."""
    found = _range(name, values)
    if found is None:
        return values
    try:
        from scipy.stats import loguniform, uniform
    except ImportError:
        raise MissingExtraError.for_extra("drawing from a range", "SciPy", "sweep") from None
    low, high = found
    return loguniform(low, high) if name in _LOGARITHMIC else uniform(low, high - low)


def _range_of_optuna(name: str, values: list[Any]) -> Any:
    """The same for `Adaptive`."""
    found = _range(name, values)
    if found is None:
        return values
    distributions = import_optuna("--sampler").distributions
    return distributions.FloatDistribution(*found, log=name in _LOGARITHMIC)


def _range(name: str, values: list[Any]) -> Range | None:
    """The range that is given instead of values, if one is."""
    if not any(isinstance(value, Range) for value in values):
        return None
    where = f"--{name.replace('_', '-')}"
    if len(values) > 1:
        raise ConfigurationError.expected(where, "one range, or values only", values)
    found: Range = values[0]
    if name in _LOGARITHMIC and found.low <= 0:
        expected = "a range above 0, drawn from on a logarithmic scale"
        raise ConfigurationError.expected(where, expected, found)
    return found


def number(text: str) -> float | Range:
    """A number, or a range LOW:HIGH; named as argparse's message is to call it."""
    low, colon, high = text.partition(":")
    if not colon:
        return float(text)
    limits = Range(float(low), float(high))
    if not -math.inf < limits.low < limits.high < math.inf:
        raise argparse.ArgumentTypeError(f"expected LOW:HIGH with LOW < HIGH, got {text!r}")
    return limits
