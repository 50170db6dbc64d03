import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from minidl.kernels import way
from minidl.kernels.vectors import (
    add_l2_gradient,
    add_l2_gradient_definition,
    mean_update,
    mean_update_definition,
    momentum_update,
    momentum_update_definition,
    nesterov_update,
    nesterov_update_definition,
    sgd_update,
    sgd_update_definition,
    sum_of_squares,
    sum_of_squares_definition,
)
from tests.kernels.drawing import assert_near, draw, reals, seeds, shares_not_finite

# Squares are added up in chunks of 4,096 numbers, and in blocks of several chunks from 64 of them on.
sizes = st.integers(0, 300) | st.sampled_from([1, 4_096, 4_097, 8_191, 140_001, 65 * 4_096 + 33])
layouts = st.sampled_from(
    [np.ascontiguousarray, lambda x: np.repeat(x, 2)[::2], lambda x: x[::-1].copy()[::-1]]
)
rates, momenta = st.floats(0, 1), st.floats(0, 0.99)


def vectors(count, size, seed, dtype, layout, not_finite=0.0):
    """The first may be written to, if it is a copy."""
    return [draw(size, seed + i, dtype, layout, not_finite) for i in range(count)]


def copied(x, layout):
    y = layout(x)
    y = y.copy() if np.shares_memory(x, y) and x.size else y
    y.flags.writeable = True
    return y


@given(sizes, seeds, reals, layouts)
def test_sum_of_squares_is_its_definition(size, seed, dtype, layout):
    (x,) = vectors(1, size, seed, dtype, layout)
    found = sum_of_squares(x)
    assert type(found) is float
    assert found == near_sum(sum_of_squares_definition(x), x)


def near_sum(expected, x):
    """Some kernels of the BLAS add strided numbers up one after the other."""
    near = 5e-7 if x.flags.c_contiguous else 5e-5
    return pytest.approx(expected, rel=near if x.dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_sum_of_squares_hides_nothing(odd):
    x = np.ones(200_000, np.float32)
    x[150_000] = odd
    np.testing.assert_equal(sum_of_squares(x), odd**2)


@given(rates, sizes, seeds, reals, layouts, st.lists(st.integers(0, 1 << 20), max_size=6))
def test_add_l2_gradient_is_its_definition(strength, size, seed, dtype, layout, bounds):
    values, start = vectors(2, size, seed, dtype, layout)
    gradients = copied(start, layout)
    bounds = sorted(bound % (size + 1) for bound in bounds)
    parts = tuple(map(slice, bounds[::2], bounds[1::2]))
    of_values, of_gradients = add_l2_gradient(values, gradients, parts, strength)
    expected, sums = add_l2_gradient_definition(values, start, parts, dtype(strength))
    assert_near(gradients, expected)
    assert (type(of_values), type(of_gradients)) == (float, float)
    assert of_values == near_sum(sums[0], values)
    assert of_gradients == near_sum(sums[1], gradients)


@pytest.mark.parametrize(
    "parts",
    [
        (slice(5, 9), slice(7, 20)), (slice(10, 20), slice(0, 5)), (slice(0, 20, 2),), (slice(None, -3),),
        (slice(None),), (slice(3, 100),), (slice(9, 2),), (slice(19, 0, -1),), [slice(0, 3), slice(4, 9)],
    ],
    ids=str,
)  # fmt: skip
def test_unusual_parts_are_penalized_as_numpy_takes_them(parts):
    values, gradients = np.arange(20.0), np.ones(20)
    expected = gradients.copy()
    for part in parts:
        expected[part] += 0.5 * values[part]
    of_values, of_gradients = add_l2_gradient(values, gradients, parts, 0.25)
    assert_near(gradients, expected)
    assert of_values == pytest.approx(sum((values[part] ** 2).sum() for part in parts))
    assert of_gradients == pytest.approx((expected**2).sum())


@pytest.mark.skipif(way.level() is None, reason="not every BLAS promises it")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [100_000, 1_000_003])
def test_no_sum_depends_on_the_threads(size, dtype):
    x, start = vectors(2, size, 0, dtype, np.ascontiguousarray)

    def sums(threads):
        with threadpool_limits(threads):
            return sum_of_squares(x), add_l2_gradient(x, start.copy(), (slice(5, size - 7),), 0.1)

    assert sums(1) == sums(2) == sums(3)


@np.errstate(invalid="ignore")
@given(rates, sizes, seeds, reals, layouts, shares_not_finite)
def test_mean_update_is_its_definition(share, size, seed, dtype, layout, not_finite):
    start, values = vectors(2, size, seed, dtype, layout, not_finite)
    mean = copied(start, layout)
    mean_update(mean, values, share)
    assert_near(mean, mean_update_definition(start, values, dtype(share)))


def test_a_mean_of_equal_numbers_is_exact():
    values = vectors(1, 100_000, 0, np.float32, np.ascontiguousarray)[0]
    mean = values.copy()
    mean_update(mean, values, 0.001)
    np.testing.assert_array_equal(mean, values)


@np.errstate(invalid="ignore")
@given(rates, sizes, seeds, reals, layouts, shares_not_finite)
def test_sgd_update_is_its_definition(lr, size, seed, dtype, layout, not_finite):
    start, gradients = vectors(2, size, seed, dtype, layout, not_finite)
    values = copied(start, layout)
    sgd_update(values, gradients, lr)
    assert_near(values, sgd_update_definition(start, gradients, dtype(lr)))


@pytest.mark.parametrize(
    ("update", "definition"),
    [(momentum_update, momentum_update_definition), (nesterov_update, nesterov_update_definition)],
)
@np.errstate(invalid="ignore")
@given(rates, momenta, sizes, seeds, reals, layouts)
def test_updates_with_momentum_are_their_definitions(
    update, definition, lr, momentum, size, seed, dtype, layout
):
    start, gradients, pushed = vectors(3, size, seed, dtype, layout)
    values, velocity = copied(start, layout), copied(pushed, layout)
    update(values, gradients, velocity, lr, momentum)
    expected = definition(start, gradients, pushed, dtype(lr), dtype(momentum))
    assert_near(values, expected[0], 3)
    assert_near(velocity, expected[1], 3)
