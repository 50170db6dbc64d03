import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import ConfigurationError, DTypeError, ShapeError, StateError
from minidl.layers import ELU, GELU, LeakyReLU, Sigmoid, SiLU, Softplus, Tanh

FORMULAS = {
    "leaky": (LeakyReLU(), lambda x: x if x > 0 else 0.01 * x),
    "leaky 0.3": (LeakyReLU(0.3), lambda x: x if x > 0 else 0.3 * x),
    "elu": (ELU(), lambda x: x if x > 0 else math.exp(x) - 1),
    "elu 0.5": (ELU(alpha=0.5), lambda x: x if x > 0 else 0.5 * (math.exp(x) - 1)),
    "sigmoid": (Sigmoid(), lambda x: 1 / (1 + math.exp(-x))),
    "tanh": (Tanh(), math.tanh),
    "gelu": (GELU(), lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2),
    "gelu tanh": (
        GELU(approximate="tanh"),
        lambda x: x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    "silu": (SiLU(), lambda x: x / (1 + math.exp(-x))),
    "softplus": (Softplus(), lambda x: math.log(1 + math.exp(x))),
    "softplus 3": (
        Softplus(beta=3, threshold=4),
        lambda x: x if x > 4 / 3 else math.log1p(math.exp(3 * x)) / 3,
    ),
}
formulas = pytest.mark.parametrize(("layer", "formula"), FORMULAS.values(), ids=FORMULAS)
layers = pytest.mark.parametrize("layer", [layer for layer, _ in FORMULAS.values()], ids=FORMULAS)
shapes = st.lists(st.integers(0, 5), min_size=1, max_size=4).map(tuple)


@formulas
@given(shape=shapes, seed=st.integers(0, 2**32), training=st.booleans())
def test_formula(layer, formula, shape, seed, training):
    x = 3 * np.random.default_rng(seed).standard_normal(shape)
    found = layer.forward(x, training=training)
    expected = np.array([formula(number) for number in x.flat]).reshape(shape)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14, strict=True)
    np.testing.assert_allclose(layer.forward(x.astype("f4"), training=training), expected, 1e-5, 1e-6)


@pytest.mark.parametrize(
    ("layer", "at_zero"), [(LeakyReLU(0.2), 0.2), (ELU(0.5), 0.5), (Softplus(2.0, 0.0), 0.5)], ids=str
)
def test_the_derivative_at_the_kink(layer, at_zero):
    layer.forward(np.array([[0.0, -0.0, 1e-9]]), training=True)
    np.testing.assert_allclose(layer.backward(np.ones((1, 3))), [[at_zero, at_zero, 1]], rtol=1e-6)


@layers
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.filterwarnings("error")
def test_large_numbers_stay_finite_and_nan_stays_nan(layer, training):
    x = np.array([[-1e4, 1e4, np.nan]], np.float32)
    y = layer.forward(x, training=training)
    assert np.isfinite(y[0, :2]).all()
    assert np.isnan(y[0, 2])
    if training:
        assert np.isfinite(layer.backward(np.ones_like(x))[0, :2]).all()


@layers
@pytest.mark.parametrize("order", ["C", "F"])
def test_warm_steps_allocate_nothing_large_in_either_layout(layer, order):
    x = np.asarray(np.random.default_rng(0).standard_normal((256, 512)), order=order)
    for _ in range(2):
        expected = layer.forward(x, training=True).copy()
        layer.backward(x)
    tracemalloc.start()
    y = layer.forward(x, training=True)
    layer.backward(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 10
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(layer.forward(x.copy(order="C"), training=False), expected)


def test_what_it_was_lent_is_checked():
    layer = Tanh()
    with pytest.raises(DTypeError, match=r"Tanh: expected x of a float dtype, got int64"):
        layer.forward(np.zeros((2, 3), int), training=False)
    layer.forward(np.zeros((2, 3)), training=True)
    with pytest.raises(ShapeError, match=r"expected dy of shape \(2, 3\), got \(1, 3\)"):
        layer.backward(np.zeros((1, 3)))
    with pytest.raises(StateError):
        layer.backward(np.zeros((2, 3)))


def test_arguments():
    assert repr(GELU("tanh")) == "GELU(approximate='tanh')"
    assert Softplus(beta=2).config() == {"beta": 2.0, "threshold": 20.0}
    layer = LeakyReLU()
    layer.negative_slope = 0.5  # what is there now is what counts
    assert layer.forward(np.array([[-2.0]]), training=False) == -1
    for make in (
        lambda: LeakyReLU(math.nan),
        lambda: ELU(math.inf),
        lambda: Softplus(beta=0),
        lambda: Softplus(threshold=-1),
        lambda: GELU("erf"),
    ):
        with pytest.raises(ConfigurationError):
            make()
