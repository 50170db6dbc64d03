"""The tester tested: the first clause that fails for a mutant names its fault, each correct parent passes.

By default only the clauses that name the fault are run, which takes a third of the time.
"""

import importlib
import pkgutil
from contextlib import suppress

import pytest

import minidl.testing
import tests.mutants
from minidl.testing import Result, suite
from minidl.testing.reports import ClauseSkipped
from tests.deep import DEEP, deep
from tests.mutants.registry import MUTANTS
from tests.mutants.survivors import SURVIVORS

NO_MUTANTS = {"conftest", "drawn", "registry", "survivors", "test_false_alarms", "test_mutants"}
MODULES = [f"tests.mutants.{found.name}" for found in pkgutil.iter_modules(tests.mutants.__path__)
           if not (found.name in NO_MUTANTS or found.name.endswith("bases"))]  # fmt: skip
for module in MODULES:
    importlib.import_module(module)
CAUGHT = [name for name in MUTANTS if name not in SURVIVORS]
PARENTS = {(m.kind, m.parent, m.setting): m for m in MUTANTS.values() if m.parent}


class FailedError(Exception):
    """A clause did."""


def first_failed(mutant):
    """The name of the first clause that fails; what a report says of it and of others costs time."""

    def run_one(name, clause, case):
        if not (DEEP or name in mutant.clauses):
            return Result(name, "ok")
        with suppress(ClauseSkipped):
            if suite._attempt(clause, case)[0] is not None:
                raise FailedError(name)
        return Result(name, "ok")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suite, "_run_one", run_one)
        try:
            mutant.check(mutant.cls)
        except FailedError as failed:
            return str(failed)
    return "no clause"


@pytest.mark.parametrize("name", CAUGHT)
def test_mutant_is_caught_first_by_a_clause_that_names_its_fault(name, scoreboard):
    mutant = MUTANTS[name]
    failed = first_failed(mutant)
    scoreboard[name] = [failed] if failed in mutant.clauses else []
    assert failed in mutant.clauses, mutant.fault


@pytest.mark.parametrize("name", SURVIVORS)
def test_survivor_survives(name, scoreboard):
    scoreboard[name] = []
    assert first_failed(MUTANTS[name]) == "no clause", "it is caught: take it out of SURVIVORS"


@deep
@pytest.mark.parametrize(
    "mutant", PARENTS.values(), ids=[f"{m.parent.__name__}-of-{m.cls.__name__}" for m in PARENTS.values()]
)
def test_the_correct_parent_passes(mutant):
    assert not mutant.check(mutant.parent).failed


def test_the_set_is_large_and_nearly_all_of_it_caught():
    assert len(MUTANTS) >= 500
    assert len(SURVIVORS) <= 0.02 * len(MUTANTS)
    assert set(SURVIVORS) <= set(MUTANTS)
    assert {mutant.cls.__module__ for mutant in MUTANTS.values()} == set(MODULES)


def test_named_clauses_exist():
    known = {
        "layer": minidl.testing.CLAUSES,
        "net": minidl.testing.NET_CLAUSES,
        "loss": minidl.testing.LOSS_CLAUSES,
        "optimizer": minidl.testing.OPTIMIZER_CLAUSES,
        "scheduler": minidl.testing.SCHEDULER_CLAUSES,
        "metric": minidl.testing.METRIC_CLAUSES,
        "transform": minidl.testing.TRANSFORM_CLAUSES,
    }
    for name in CAUGHT:
        assert set(MUTANTS[name].clauses) <= set(known[MUTANTS[name].kind]), name
    for kind in ("metric", "transform"):  # of the other kinds' clauses, tests/testing/wrong has a slip each
        named = {clause for mutant in MUTANTS.values() if mutant.kind == kind for clause in mutant.clauses}
        assert named == set(known[kind]) - {"metric_reference"}
