import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.blocks import BLOCK, values
from minidl.kernels.elementwise import (
    elu,
    elu_definition,
    gelu,
    gelu_definition,
    gelu_tanh,
    gelu_tanh_definition,
    leaky_relu,
    leaky_relu_definition,
    sigmoid,
    sigmoid_definition,
    silu,
    silu_definition,
    softplus,
    softplus_definition,
    tanh,
    tanh_definition,
)
from tests.kernels.drawing import draw, layouts, reals, seeds

slopes = st.sampled_from([0.01, 0.2, 0.0, 1.0, -0.5, 3.0])
betas, thresholds = st.sampled_from([1.0, 0.3, 4.0]), st.sampled_from([20.0, 2.0, 0.0])
ARGUMENTS = {
    leaky_relu: (leaky_relu_definition, st.tuples(slopes)),
    elu: (elu_definition, st.tuples(slopes)),
    sigmoid: (sigmoid_definition, st.just(())),
    tanh: (tanh_definition, st.just(())),
    silu: (silu_definition, st.just(())),
    gelu: (gelu_definition, st.just(())),
    gelu_tanh: (gelu_tanh_definition, st.just(())),
    softplus: (softplus_definition, st.tuples(betas, thresholds)),
}
"""Of each kernel the definition, and what it takes besides arrays."""

kernels = pytest.mark.parametrize("kernel", ARGUMENTS, ids=lambda kernel: kernel.__name__)


def computed(kernel, x, *arguments, derivative=True):
    y, slope = np.full_like(x, 7), np.full_like(x, 7)
    work = np.full((2, min(x.size, BLOCK)), 7, x.dtype)
    kernel(x, y, slope if derivative else None, work, *arguments)
    return y, slope


@kernels
@given(data=st.data(), count=st.integers(0, 300), scale=st.sampled_from([1, 5]), seed=seeds, dtype=reals)
def test_it_is_its_definition(kernel, data, count, scale, seed, dtype):
    definition, arguments = ARGUMENTS[kernel]
    given_ = data.draw(arguments)
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(count) < 0.1, 0, scale * rng.standard_normal(count)).astype(dtype)
    x.flags.writeable = False
    y, slope = computed(kernel, x, *given_)
    eps = np.finfo(dtype).eps
    for found, expected in zip((y, slope), definition(x.astype(float), *given_), strict=True):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=50 * eps, atol=20 * eps)
    np.testing.assert_array_equal(computed(kernel, x, *given_, derivative=False)[0], y)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=3), seeds, reals, layouts)
def test_values_of_any_layout(shape, seed, dtype, layout):
    x = draw(shape, seed, dtype, layout)
    y = values(sigmoid, x)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, computed(sigmoid, x.copy())[0])
    assert y.flags.writeable
    assert not np.shares_memory(x, y)


@pytest.mark.parametrize(
    ("kernel", "arguments", "far"),
    [(elu, (1.0,), 0), (sigmoid, (), 80), (softplus, (1.0, 20.0), 80), (silu, (), 80), (gelu, (), 9)],
    ids=["elu", "sigmoid", "softplus", "silu", "gelu"],
)
def test_nothing_cancels_for_a_negative_number(kernel, arguments, far):
    """Each y is right to a few units in its own last place, near 0 and far out alike."""
    x = -np.concatenate([np.geomspace(1e-8, 1, 500), np.linspace(1, far, 500) if far else []])
    x = x.astype(np.float32)
    y, _ = computed(kernel, x, *arguments)
    if kernel is sigmoid:
        expected = np.exp(-np.logaddexp(0, -x.astype(float)))
    else:
        expected, _ = ARGUMENTS[kernel][0](x.astype(float), *arguments)
    eps = np.finfo(np.float32).eps
    off = np.abs(y - expected) / np.abs(expected)
    # The last digit of x counts x times in exp(x), and x² times in a normal distribution.
    assert (off <= 4 * eps * (1 + np.abs(x) ** (2 if kernel is gelu else 1))).all()


@kernels
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("error")
def test_far_out_and_not_a_number(kernel, dtype):
    arguments = {leaky_relu: (0.01,), elu: (1.0,), softplus: (1.0, 20.0)}.get(kernel, ())
    x = np.array([-1e4, 1e4, np.nan], dtype)
    left, right = {
        leaky_relu: (-100, 1e4), elu: (-1, 1e4), sigmoid: (0, 1), tanh: (-1, 1)
    }.get(kernel, (0, 1e4))  # fmt: skip
    y, slope = computed(kernel, x, *arguments)
    np.testing.assert_allclose(y, [left, right, np.nan], rtol=1e-6)
    flat = kernel in (sigmoid, tanh)
    assert slope[:2] == pytest.approx([0.01 if kernel is leaky_relu else 0, 0 if flat else 1], rel=1e-6)
    assert np.isnan(slope[2]) or kernel is leaky_relu


@given(
    st.sampled_from([[BLOCK], [BLOCK + 1], [3, BLOCK // 2], [2, 3 * BLOCK - 1], [0], [], [2, 0, 3]]), seeds
)
def test_blocks_are_the_whole(shape, seed):
    x = np.random.default_rng(seed).standard_normal(shape)
    y, slope = computed(silu, x)
    whole = np.empty(x.size), np.empty(x.size)
    flat = x.reshape(-1)
    for start in range(x.size):
        if start % 997 == 0 or start + 1 == x.size:  # some numbers, each alone
            part = slice(start, start + 1)
            silu(flat[part], whole[0][part], whole[1][part], np.empty((2, 1)))
            np.testing.assert_allclose(y.reshape(-1)[part], whole[0][part], rtol=1e-14)
            np.testing.assert_allclose(slope.reshape(-1)[part], whole[1][part], rtol=1e-14)
    assert not (y == 7).any()
