"""The suite of nets for images: both contestants train the same net."""

import dataclasses

import numpy as np
import pytest

from benchmarks.contestants import CONTESTANTS
from benchmarks.contestants.task import ImageTask
from benchmarks.suites.images import IMAGES
from tests.deep import deep

ROWS = {
    problem.label: dataclasses.replace(problem, shape=(3, *problem.shape[1:-2], 8, 8))
    for problem in IMAGES.problems(False)
}


@pytest.mark.parametrize("label", ROWS)
@pytest.mark.parametrize("name", ["minidl", pytest.param("torch", marks=deep)])
def test_a_contestant_computes_what_the_reference_does(name, label):
    if CONTESTANTS[name].missing:
        pytest.skip(CONTESTANTS[name].missing)
    task = CONTESTANTS[name].load().Images(ROWS[label])
    expected = IMAGES.reference(ROWS[label])
    assert task.answers() == pytest.approx(expected, rel=IMAGES.tolerance)
    assert len(set(expected)) == 3  # each step changes the loss
    task.run(2)
    assert task.step() != pytest.approx(expected[-1], rel=IMAGES.tolerance)


def test_the_losses_would_show_another_start(monkeypatch):
    problem = next(iter(ROWS.values()))
    right, start = IMAGES.reference(problem), ImageTask.__init__

    def scaled(task, *arguments):
        start(task, *arguments)
        task.net["affine1"].weight.value[...] *= 1.01

    monkeypatch.setattr(ImageTask, "__init__", scaled)
    off = np.abs(np.subtract(IMAGES.reference(problem), right)) / right
    assert off.max() > 2 * IMAGES.tolerance
