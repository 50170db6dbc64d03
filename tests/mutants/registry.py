"""The register of mutants: what is wrong with each, how it is checked, which clauses name the fault."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minidl.testing import (
    check_layer,
    check_loss,
    check_metric,
    check_net,
    check_optimizer,
    check_scheduler,
    check_transform,
)


@dataclass(frozen=True)
class Mutant:
    """A class with one fault.

    Attributes
    ----------
    clauses : tuple of str
        One of them at least must fail.
    setting : str
        What the check is made with: equal for equal checks.
    check : callable ``class -> Report``
        Runs the checker on the class, or in the same way on the correct class that it derives from.
    """

    cls: type
    kind: str
    fault: str
    clauses: tuple[str, ...]
    setting: str
    check: Callable[[Any], Any]

    @property
    def parent(self) -> type | None:
        """The correct class that it derives from; None if there is none to instantiate."""
        parent = self.cls.__mro__[1]
        return None if inspect.isabstract(parent) or parent.__name__ in MUTANTS else parent


MUTANTS: dict[str, Mutant] = {}


def _register(kind, fault, clauses, setting, check):
    def decorate(cls):
        assert clauses, f"{cls.__name__} needs the clause that names its fault"
        assert cls.__name__ not in MUTANTS, f"two mutants named {cls.__name__}"
        MUTANTS[cls.__name__] = Mutant(cls, kind, fault, clauses, repr(setting), check)
        return cls

    return decorate


def _maker(cls, args):
    """A factory that hands `rng` and `dtype` to a class that takes them."""

    def factory(rng, dtype):
        given = args(rng, dtype) if callable(args) else args
        options = {"rng": rng, "dtype": dtype}
        accepted = cls.__signature__.parameters
        return cls(*given, **{name: value for name, value in options.items() if name in accepted})

    return factory


def layer(fault, *clauses, args=(), shape=(3,), **options):
    """Register a layer, built with `args`, or with what ``args(rng, dtype)`` gives."""

    def check(cls):
        return check_layer(_maker(cls, args), shape, **options)

    return _register("layer", fault, clauses, (args, shape, options), check)


def net(fault, *clauses, args, shape=(4,), classes=3, **options):
    """Register a net that ends with a loss."""

    def check(cls):
        return check_net(_maker(cls, args), shape, classes, **options)

    return _register("net", fault, clauses, (args, shape, classes, options), check)


def loss(fault, *clauses, args=(), classes=3, **options):
    """Register a loss."""

    def check(cls):
        return check_loss(lambda: cls(*args), classes, **options)

    return _register("loss", fault, clauses, (args, classes, options), check)


def optimizer(fault, *clauses, args=(0.1,), **options):
    """Register an optimizer."""

    def check(cls):
        return check_optimizer(lambda: cls(*args), **options)

    return _register("optimizer", fault, clauses, (args, options), check)


def scheduler(fault, *clauses, args=(), **options):
    """Register a scheduler."""

    def check(cls):
        return check_scheduler(lambda: cls(*args), **options)

    return _register("scheduler", fault, clauses, (args, options), check)


def metric(fault, *clauses, args=(), **options):
    """Register a metric."""

    def check(cls):
        return check_metric(lambda: cls(*args), **options)

    return _register("metric", fault, clauses, (args, options), check)


def transform(fault, *clauses, args=(), shape=(2, 3)):
    """Register a transform."""

    def check(cls):
        return check_transform(lambda: cls(*args), shape)

    return _register("transform", fault, clauses, (args, shape), check)
