import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import DTypeError, ShapeError
from minidl.layers import LogSoftmax, Softmax

FORMULAS = {Softmax: scipy.special.softmax, LogSoftmax: scipy.special.log_softmax}
formulas = pytest.mark.parametrize(("kind", "formula"), FORMULAS.items(), ids=lambda it: it.__name__)
kinds = pytest.mark.parametrize("kind", FORMULAS)


@formulas
@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), st.integers(0, 2**32), st.booleans())
def test_formula(kind, formula, shape, seed, training):
    x = 3 * np.random.default_rng(seed).standard_normal(shape)
    found = kind().forward(x, training=training)
    np.testing.assert_allclose(found, formula(x, axis=-1), rtol=1e-12, strict=True)


@formulas
@given(st.integers(1, 5), st.integers(0, 2**32))
def test_backward_is_the_whole_jacobian(kind, formula, classes, seed):
    """Against a Jacobian made of differences, one column for each score."""
    x = np.random.default_rng(seed).standard_normal((1, classes))
    step = 1e-5 * np.eye(classes)
    jacobian = (formula(x + step, axis=-1) - formula(x - step, axis=-1)) / 2e-5
    for i, dy in enumerate(np.eye(classes)[:, None]):
        layer = kind()
        layer.forward(x, training=True)
        np.testing.assert_allclose(layer.backward(dy)[0], jacobian[:, i], rtol=1e-6, atol=1e-8)


@formulas
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.filterwarnings("error")
def test_large_numbers_stay_finite_and_nan_makes_its_row_nan(kind, formula, training):
    layer = kind()
    x = np.array([[1e4, -1e4, 0], [np.nan, 0, 1]], np.float32)
    y = layer.forward(x, training=training)
    np.testing.assert_allclose(y[0], formula(x[0].astype(float)), rtol=1e-6)
    assert np.isnan(y[1]).all()
    if training:
        assert np.isfinite(layer.backward(np.ones_like(x))[0]).all()


@kinds
def test_what_it_was_lent_is_checked(kind):
    layer, name = kind(), kind.__name__
    for shape in [(3,), (2, 0)]:
        with pytest.raises(ShapeError, match=rf"{name}: expected x of shape \(batch, \.\.\., classes\), got"):
            layer.forward(np.zeros(shape), training=False)
    with pytest.raises(DTypeError, match="expected x of a float dtype"):
        layer.forward(np.zeros((2, 3), int), training=False)
    layer.forward(np.zeros((2, 3)), training=True)
    with pytest.raises(ShapeError, match=r"expected dy of shape \(2, 3\), got \(2, 1\)"):
        layer.backward(np.zeros((2, 1)))
