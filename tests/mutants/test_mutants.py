"""The tester tested: the first clause that fails for a mutant names its fault, each correct parent passes."""

import pytest

import minidl.testing
from minidl.testing import ContractError
from tests.mutants import (
    activations,
    containers,
    convolution,
    convolution_parameters,
    description,
    dropout,
    dtypes,
    labels,
    lending,
    linear,
    losses,
    memory,
    nets,
    normalizations,
    optimizers,
    parameters,
    pooling,
    results,
    schedulers,
    weights,
)
from tests.mutants.registry import MUTANTS
from tests.mutants.survivors import SURVIVORS

MODULES = (
    activations, containers, convolution, convolution_parameters, description, dropout, dtypes, labels,
    lending, linear, losses, memory, nets, normalizations, optimizers, parameters, pooling, results,
    schedulers, weights,
)  # fmt: skip
CAUGHT = [name for name in MUTANTS if name not in SURVIVORS]
PARENTS = {(m.kind, m.parent, m.setting): m for m in MUTANTS.values() if m.parent}


def failed_clauses(mutant):
    try:
        mutant.check(mutant.cls)
    except ContractError as error:
        return [result.clause for result in error.report.failed]
    return []


@pytest.mark.parametrize("name", CAUGHT)
def test_mutant_is_caught_first_by_a_clause_that_names_its_fault(name, scoreboard):
    mutant = MUTANTS[name]
    failed = failed_clauses(mutant)
    scoreboard[name] = named = failed[:1] if failed and failed[0] in mutant.clauses else []
    assert named, f"{mutant.fault}: failed are {failed or 'no clauses'}, expected first of {mutant.clauses}"


@pytest.mark.parametrize("name", SURVIVORS)
def test_survivor_survives(name, scoreboard):
    scoreboard[name] = []
    assert not failed_clauses(MUTANTS[name]), "it is caught: take it out of SURVIVORS"


@pytest.mark.parametrize(
    "mutant", PARENTS.values(), ids=[f"{m.parent.__name__}-of-{m.cls.__name__}" for m in PARENTS.values()]
)
def test_the_correct_parent_passes(mutant):
    assert not mutant.check(mutant.parent).failed


def test_the_set_is_large_and_nearly_all_of_it_caught():
    assert len(MUTANTS) >= 250
    assert len(SURVIVORS) <= 0.02 * len(MUTANTS)
    assert set(SURVIVORS) <= set(MUTANTS)
    assert {mutant.cls.__module__ for mutant in MUTANTS.values()} == {module.__name__ for module in MODULES}


def test_named_clauses_exist():
    known = {
        "layer": minidl.testing.CLAUSES,
        "net": minidl.testing.NET_CLAUSES,
        "loss": minidl.testing.LOSS_CLAUSES,
        "optimizer": minidl.testing.OPTIMIZER_CLAUSES,
        "scheduler": minidl.testing.SCHEDULER_CLAUSES,
    }
    for name in CAUGHT:
        assert set(MUTANTS[name].clauses) <= set(known[MUTANTS[name].kind]), name
