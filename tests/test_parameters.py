import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import ConfigurationError, DTypeError, ShapeError
from minidl.initializers import normal, ones, scaled, zeros
from minidl.parameters import Parameter, State
from minidl.vectors import ALIGNMENT, ParameterVector

shapes = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)


@given(st.lists(st.tuples(shapes, st.booleans()), max_size=6), st.sampled_from([np.float32, np.float64]))
def test_vector_holds_every_parameter_as_an_aligned_view(drawn, dtype):
    rng = np.random.default_rng(0)
    parameters = {
        f"p{index}": Parameter(shape, normal(1.0), rng=rng, dtype=dtype, regularized=decay)
        for index, (shape, decay) in enumerate(drawn)
    }
    before = {name: parameter.value.copy() for name, parameter in parameters.items()}
    for parameter in parameters.values():
        parameter.grad[...] = 2
    vector = ParameterVector(parameters)
    assert vector.values.shape == vector.gradients.shape
    assert vector.values.ndim == 1
    for name, parameter in vector.items():
        np.testing.assert_array_equal(parameter.value, before[name])
        assert (parameter.grad == 2).all()
        for view, whole in ((parameter.value, vector.values), (parameter.grad, vector.gradients)):
            assert np.shares_memory(view, whole)
            assert view.flags.c_contiguous
            assert view.ctypes.data % ALIGNMENT == 0
    # Padding is 0: the whole adds up to the parts.
    total = sum(value.sum(dtype=float) for value in before.values())
    assert vector.values.sum(dtype=float) == pytest.approx(total, abs=1e-4)
    assert list(vector) == list(vector.keys()) == list(parameters)
    assert vector.count == sum(value.size for value in before.values())
    # The regularized slice holds the parameters with decay, all of them and no other.
    vector.values[vector.regularized] = 100
    for parameter in parameters.values():
        assert (parameter.value == 100).all() == parameter.regularized


def test_mixed_dtypes_are_refused():
    with pytest.raises(DTypeError, match="one dtype for all parameters"):
        ParameterVector({"a": Parameter((2,), zeros), "b": Parameter((2,), zeros, dtype=np.float64)})


@pytest.mark.parametrize("dtype", [np.int32, np.float16, complex])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(DTypeError, match="float32 or float64"):
        Parameter((2,), zeros, dtype=dtype)


@pytest.mark.parametrize(("part", "name"), [(State, "value"), (Parameter, "value"), (Parameter, "grad")])
def test_arrays_cannot_be_replaced_but_changed_in_place(part, name):
    one = part((2,), ones)
    array = getattr(one, name)
    remedy = rf"expected '{name}' to stay its array, got .*; write {name}\[\.\.\.\] = x$"
    for other in (np.zeros(2), array.copy(), None):
        with pytest.raises(AttributeError, match=remedy):
            setattr(one, name, other)
    setattr(one, name, array)  # as `parameter.value -= 1` does, after the subtraction
    assert getattr(one, name) is array


def test_initializer_of_another_shape_is_refused():
    with pytest.raises(ShapeError, match=r"its initializer to draw shape \(2,\)"):
        Parameter((2,), lambda rng, shape, dtype: np.zeros((1,)))


@pytest.mark.parametrize(
    "initializer",
    [np.ones, np.zeros, scaled(np.ones, 2), np.random.default_rng(0).standard_normal, normal, np.eye, 0],
)
def test_an_initializer_of_another_signature_is_refused(initializer):
    with pytest.raises(ConfigurationError, match=r"Parameter: expected initializer.*\(rng, shape, dtype\)"):
        Parameter((2,), initializer)
