"""The rows of single layers and optimizers: whoever is timed computes what the reference does."""

import dataclasses

import numpy as np
import pytest

from benchmarks.contestants import CONTESTANTS
from benchmarks.contestants.ours import Layers, Updates
from benchmarks.problems import LayerPass, Update
from benchmarks.results import Result
from benchmarks.suites.passes import LAYERS
from tests.deep import deep


def smaller(problem):
    if isinstance(problem, Update):
        return dataclasses.replace(problem, numbers=512)
    # A dropout's share is told from many numbers only.
    samples = 8 if problem.kind == "Dropout" else 3
    return dataclasses.replace(problem, shape=(samples, *problem.shape[1:]))


ROWS = {problem.label: smaller(problem) for problem in LAYERS.problems(False)}
DROPOUT = next(problem for problem in ROWS.values() if problem.kind == "Dropout")


def off(answers, reference):
    """The largest relative difference, as the runner takes it."""
    return max(abs(a - b) / abs(b) for a, b in zip(answers, reference, strict=True))


@pytest.mark.parametrize("label", ROWS)
@pytest.mark.parametrize(
    "name", [name if name == "minidl" else pytest.param(name, marks=deep) for name in LAYERS.contestants]
)
def test_a_contestant_computes_what_the_reference_does(name, label):
    if CONTESTANTS[name].missing:
        pytest.skip(CONTESTANTS[name].missing)
    problem = ROWS[label]
    task = getattr(CONTESTANTS[name].load(), problem.task or LAYERS.task)(problem)
    assert off(task.answers(), LAYERS.reference(problem)) <= LAYERS.tolerance
    task.run(2)


@pytest.mark.parametrize("label", [label for label, problem in ROWS.items() if problem.kind != "Dropout"])
def test_the_answers_would_show_a_wrong_pass(label):
    problem = ROWS[label]
    if isinstance(problem, Update):
        wrong = Updates(dataclasses.replace(problem, learning_rate=1.1e-3)).answers()
        assert off(wrong, LAYERS.reference(problem)) > LAYERS.tolerance
        return
    passes = Layers(problem).passes()
    for number, right in enumerate(passes):
        changed = [*passes[:number], np.asarray(right) * 1.01, *passes[number + 1 :]]
        assert off(problem.fingerprints(changed), problem.fingerprints(passes)) > LAYERS.tolerance


def test_the_answers_would_show_a_wrong_dropout():
    reference = LAYERS.reference(DROPOUT)
    assert reference == pytest.approx([2, 2, 1, 0.5])
    y, dx = Layers(DROPOUT).passes()
    x, half = DROPOUT.arrays()["x"], dataclasses.replace(DROPOUT, arguments=(0.25,))
    for wrong in ([y, dx[::-1]], [y, dx / 2], [y / 2, dx], [x * 2, dx]):
        assert off(DROPOUT.fingerprints(wrong), reference) > LAYERS.tolerance
    assert off(Layers(half).answers(), reference) > LAYERS.tolerance


def test_there_is_a_row_for_each_goal():
    kinds = [problem.kind for problem in ROWS.values() if problem.goal == 1]
    assert kinds.count("Conv2d") == 5
    assert {*kinds} == {
        "Adam", "BatchNorm1d", "BatchNorm2d", "Conv2d", "Dropout", "GELU", "GroupNorm", "LayerNorm",
        "MaxPool2d",
    }  # fmt: skip


def test_goals_are_told_at_one_thread():
    def result(row, threads, name, seconds, goal=2.0):
        return Result("layers", row, threads, name, [seconds], None, {"goal": goal})

    pairs = [("a", 1, 3.0, 2.0), ("b", 1, 5.0, 2.0), ("c", 2, 5.0, 2.0), ("d", 1, 5.0, 0.0)]
    results = [
        result(row, threads, name, seconds, goal)
        for row, threads, ours, goal in pairs
        for name, seconds in (("minidl", ours), ("torch", 2.0))
    ]
    assert LAYERS.remarks([*results, result("e", 1, "minidl", 9.0)]) == [
        "a: 1.50 × PyTorch at one thread, goal 2: met",
        "b: 2.50 × PyTorch at one thread, goal 2: MISSED",
    ]


def test_a_layer_in_float64_starts_where_all_do():
    problem = LayerPass("", "Conv2d", (2, 3, 3), (4, 2, 5, 5))
    for single, double in zip(
        problem.part().named_parameters(), problem.part(np.float64).named_parameters(), strict=True
    ):
        assert double[1].value.dtype == np.float64
        assert np.array_equal(single[1].value, double[1].value)
