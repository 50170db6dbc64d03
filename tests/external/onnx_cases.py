"""ONNX as the judge, and what the functions that compute its operators have in common."""

import numpy as np
import pytest

from tests.external.judging import summon

onnx, judge = summon("onnx", "ONNX")

NOT_2D = "scores that are not (batch, classes)"
NOT_AXIS_1 = "another axis than 1"


def cannot(operator, *features):
    """Skip a case that needs any of the `features`; the first of them is the reason."""
    for feature in filter(None, features):
        pytest.skip(f"ONNX {operator} with {feature}")


def both_ways(layer, x):
    """What `layer` makes of `x` in inference, once training makes the same of it."""
    y = layer.forward(x, training=False)
    np.testing.assert_allclose(layer.forward(x, training=True), y, rtol=1e-6)
    return y
