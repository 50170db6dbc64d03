import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels import adaptive
from minidl.kernels.adaptive import (
    adagrad_update,
    adagrad_update_definition,
    adam_update,
    adam_update_definition,
    rmsprop_update,
    rmsprop_update_definition,
)
from tests.kernels.drawing import assert_near, draw, reals, seeds, shares_not_finite

# More than two blocks of either dtype, or few numbers.
sizes = st.integers(0, 300) | st.sampled_from([1, 70_001])
layouts = st.sampled_from([np.ascontiguousarray, lambda x: np.repeat(x, 2)[::2]])
# At a rate of 0 the BLAS does nothing, be the step NaN or not.
rates, kept, decays = st.floats(1e-6, 1), st.floats(0, 0.99), st.sampled_from([0.0, 0.1])
floors = st.sampled_from([1e-8, 1e-3, 1.0])


def drawn(size, seed, dtype, layout, not_finite, states):
    """Values, gradients and so many states, which are no less than 0 and in part equal to it."""
    values, gradients = (draw(size, seed + i, dtype, layout, not_finite * (i == 1)) for i in range(2))
    squares = [np.maximum(draw(size, seed + i, dtype, layout, 0.0), 0) for i in range(2, 2 + states)]
    return values, gradients, *squares


def copies(vectors, layout):
    """Writable copies of the same layout."""
    made = [layout(vector.copy()) for vector in vectors]
    for vector in made:
        vector.flags.writeable = True
    return made


def check(update, definition, vectors, layout, *options):
    values, gradients, *state = vectors
    (changed, *changed_state), given_gradients = copies((values, *state), layout), gradients.copy()
    update(changed, gradients, *changed_state, *options)
    expected, *expected_state = definition(values, gradients, *state, *options)
    np.testing.assert_array_equal(gradients, given_gradients)
    assert_near(changed, expected, 10)
    for found, wanted in zip(changed_state, expected_state, strict=False):
        assert_near(found, wanted, 3)


@np.errstate(invalid="ignore")
@given(rates, kept, kept, floors, st.integers(1, 50), decays, sizes, seeds, reals, layouts, shares_not_finite)
def test_adam_update_is_its_definition(
    lr, beta1, beta2, eps, step, decay, size, seed, dtype, layout, not_finite
):
    vectors = drawn(size, seed, dtype, layout, not_finite, 2)
    check(adam_update, adam_update_definition, vectors, layout, lr, (beta1, beta2), eps, step, decay)


@np.errstate(invalid="ignore")
@given(rates, kept, floors, kept, sizes, seeds, reals, layouts, shares_not_finite)
def test_rmsprop_update_is_its_definition(lr, alpha, eps, momentum, size, seed, dtype, layout, not_finite):
    vectors = drawn(size, seed, dtype, layout, not_finite, 2)
    check(rmsprop_update, rmsprop_update_definition, vectors, layout, lr, alpha, eps, momentum)
    values, gradients, square = copies(vectors[:3], layout)
    rmsprop_update(values, gradients, square, None, lr, alpha, eps, momentum)
    expected, expected_square, _ = rmsprop_update_definition(*vectors[:3], None, lr, alpha, eps, momentum)
    assert_near(values, expected, 10)
    assert_near(square, expected_square, 3)


@np.errstate(invalid="ignore")
@given(rates, floors, st.sampled_from([0.0, 0.5]), sizes, seeds, reals, layouts, shares_not_finite)
def test_adagrad_update_is_its_definition(lr, eps, initial, size, seed, dtype, layout, not_finite):
    vectors = drawn(size, seed, dtype, layout, not_finite, 1)
    check(adagrad_update, adagrad_update_definition, vectors, layout, lr, eps, initial)


def test_the_scratch_is_one_block_a_dtype_and_a_threads_own():
    block = adaptive._BLOCK_BYTES // 4
    assert 2 * block < 70_001  # or the sizes above would not walk
    vectors = [np.ones(2 * block, np.float32) for _ in range(4)]
    in_numpy = getattr(adam_update, "__self__", adam_update)
    in_numpy(*vectors, 0.1, (0.9, 0.999), 1e-8, 1)
    scratch = adaptive._scratch.blocks[np.dtype(np.float32)]
    assert scratch.size == block
    in_numpy(*vectors, 0.1, (0.9, 0.999), 1e-8, 2)
    assert adaptive._scratch.blocks[np.dtype(np.float32)] is scratch
    found = []

    def in_another_thread():
        in_numpy(*vectors, 0.1, (0.9, 0.999), 1e-8, 3)
        found.append(adaptive._scratch.blocks[np.dtype(np.float32)])

    thread = threading.Thread(target=in_another_thread)
    thread.start()
    thread.join()
    assert found[0] is not scratch


@pytest.mark.parametrize("update", [adam_update, rmsprop_update, adagrad_update])
def test_what_never_had_a_gradient_stays(update):
    """0 / 0 would make the padding between parameters NaN."""
    options = {
        adam_update: (0.1, (0.9, 0.999), 1e-30, 1),
        rmsprop_update: (0.1, 0.99, 1e-30, 0.9),
        adagrad_update: (0.1, 1e-30, 0.0),
    }
    states = {adam_update: 2, rmsprop_update: 2, adagrad_update: 1}[update]
    values, *rest = (np.zeros(4, np.float32) for _ in range(2 + states))
    update(values, *rest, *options[update])
    assert not values.any()
