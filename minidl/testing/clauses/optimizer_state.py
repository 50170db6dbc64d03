"""Clauses of what an optimizer keeps: how it is saved and copied, and which parameters it belongs to."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from minidl.errors import StateError
from minidl.testing.demands import require, require_same
from minidl.testing.optimizer_cases import OptimizerCase
from minidl.testing.reports import ClauseError
from minidl.testing.state import arrays, changes, snapshot


def state_in_place(case: OptimizerCase) -> None:
    """The vectors of its state are written in place: none is 0 throughout after three steps."""
    optimizer = case.optimizer()
    case.steps(optimizer, case.parameters(), 3)
    for name, vector in getattr(optimizer, "_state", {}).items():
        text = f"its {name} is still 0 after 3 steps: write in place, as in {name}[...] = x"
        require(np.any(vector), text)


def state_round_trip(case: OptimizerCase) -> str:
    """A fresh optimizer given the `state_dict` goes on to the bit; the dict holds copies."""
    optimizer, parameters = case.optimizer(), case.parameters()
    optimizer.lr = optimizer.lr * 0.5
    case.steps(optimizer, parameters, 4)
    state = optimizer.state_dict()
    kept = snapshot(state)
    fresh, twin_parameters = case.optimizer(), case.parameters()
    twin_parameters.values[...] = parameters.values
    try:
        fresh.load_state_dict(copy.deepcopy(state))
    except Exception as error:
        raise ClauseError(
            f"load_state_dict refuses its own state: {type(error).__name__}: {error}"
        ) from error
    require(fresh.lr == optimizer.lr, "lr is not in the state")
    case.steps(fresh, twin_parameters, 4)
    expected = case.steps(optimizer, parameters, 4)
    require(np.array_equal(twin_parameters.values, expected), "a resumed optimizer goes another way")
    require(not changes(kept, snapshot(state)), "later steps change a state that was given out")
    # Nor may writing into the state, given out or taken in, reach an optimizer.
    theirs = optimizer.state_dict()
    loaded = case.optimizer()
    loaded.load_state_dict(theirs)
    for _, array in arrays(theirs):
        array[...] = 99
    twin_parameters.values[...] = parameters.values
    case.steps(optimizer, parameters, 2)
    case.steps(loaded, twin_parameters, 2)
    same = np.array_equal(parameters.values, twin_parameters.values)
    clean = np.abs(parameters.values).max() < 90
    require(same and clean, "writing into a state dict changes the optimizer")
    return f"keys {', '.join(map(str, state))}"


def copies(case: OptimizerCase) -> None:
    """Deep and pickled copies, made together with the parameters, go on to the bit and on their own."""

    def pickled(pair: Any) -> Any:
        try:
            return pickle.loads(pickle.dumps(pair))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ClauseError(f"it cannot be pickled: {error}") from error

    ways: dict[str, Callable[[Any], Any]] = {"a deep copy": copy.deepcopy, "a pickled copy": pickled}
    for name, copied in ways.items():
        optimizer, parameters = case.optimizer(), case.parameters()
        case.steps(optimizer, parameters, 3)
        twin, theirs = copied((optimizer, parameters))
        case.steps(twin, theirs, 5)
        expected = case.steps(optimizer, parameters, 5)
        require(np.array_equal(theirs.values, expected), f"{name} goes another way")


def one_net(case: OptimizerCase) -> None:
    """What it keeps belongs to one net: a step of another raises `StateError`, or is a fresh one's."""
    optimizer, fresh = case.optimizer(), case.optimizer()
    case.steps(optimizer, case.parameters(), 4)
    other = replace(case, seed=case.seed + 1)
    parameters, expected = other.parameters(), other.parameters()
    try:
        other.steps(optimizer, parameters, 1)
    except StateError:
        return
    fresh.steps = optimizer.steps - 1
    other.steps(fresh, expected, 1)
    same = np.array_equal(parameters.values, expected.values)
    require(same, "what it kept of one net takes part in a step of another, and no StateError says so")


def frozen_parameters(case: OptimizerCase) -> None:
    """A frozen parameter stays where it is, and the others go on as if nothing were frozen.

    The others are not compared where ``elementwise=False``.
    """
    (optimizer, parameters), (free, twin) = [(case.optimizer(), case.parameters()) for _ in range(2)]
    for each in ((optimizer, parameters), (free, twin)):
        case.steps(*each, 3)
    parameters["bias"].frozen = True
    before = parameters["bias"].value.copy()
    for each in ((optimizer, parameters), (free, twin)):
        case.steps(*each, 3)
    require(np.array_equal(parameters["bias"].value, before), "a step moves a frozen parameter")
    if case.elementwise:
        value, expected = parameters["weight"].value, twin["weight"].value
        require_same("the weight", value, expected, "once the bias is frozen")
