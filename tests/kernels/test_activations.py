import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.activations import relu, relu_backward, relu_backward_definition, relu_definition
from tests.kernels.drawing import draw, layouts, reals, seeds, shares_not_finite

shapes = st.lists(st.integers(0, 9), min_size=1, max_size=4) | st.sampled_from([[1, 7], [600, 500]])


@given(shapes, seeds, reals, layouts, shares_not_finite)
def test_relu_is_its_definition(shape, seed, dtype, layout, not_finite):
    x = draw(shape, seed, dtype, layout, not_finite)
    expected, out = relu_definition(x), np.full(shape, 7, dtype)
    assert relu(x, out) is out
    for found in (relu(x), out):
        np.testing.assert_array_equal(found, expected, strict=True)


@np.errstate(invalid="ignore")  # zero times infinity
@given(shapes, seeds, reals, layouts, shares_not_finite)
def test_relu_backward_is_its_definition(shape, seed, dtype, layout, not_finite):
    dy, y = (draw(shape, seed + i, dtype, layout, not_finite) for i in (0, 1))
    out = np.full(shape, 7, dtype)
    assert relu_backward(dy, y, out) is out
    np.testing.assert_array_equal(out, relu_backward_definition(dy, y), strict=True)
