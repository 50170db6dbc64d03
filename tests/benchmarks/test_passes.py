"""The rows of convolutions: whoever is timed computes what the reference does."""

import dataclasses

import pytest

from benchmarks.contestants import CONTESTANTS
from benchmarks.problems import ConvolutionPass
from benchmarks.suites.passes import LAYERS

SMALL = ConvolutionPass("small", "convolution", 2, 3, backward=True, batch=4, side=5)


@pytest.mark.parametrize("name", LAYERS.contestants)
def test_a_convolution_is_the_reference(name):
    if CONTESTANTS[name].missing:
        pytest.skip(CONTESTANTS[name].missing)
    answers = CONTESTANTS[name].load().Layers(SMALL).answers()
    assert answers == pytest.approx(LAYERS.reference(SMALL), rel=LAYERS.tolerance)
    assert len(answers) == 8


def test_a_wrong_gradient_would_show():
    right = LAYERS.reference(SMALL)
    wider = LAYERS.reference(dataclasses.replace(SMALL, side=6))
    assert all(abs(a - b) > LAYERS.tolerance for a, b in zip(right, wider, strict=True))
