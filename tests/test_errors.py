import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import errors
from minidl.errors import ConfigurationError, MinidlError, ShapeError, check_float, check_int


def test_message_says_where_expected_got_and_what_to_do():
    error = ShapeError.expected("Affine 'affine0'", "x of shape (batch, 784)", (32, 10), "reshape it")
    assert str(error) == "Affine 'affine0': expected x of shape (batch, 784), got (32, 10); reshape it"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_every_error_is_a_minidl_error_and_a_builtin_one():
    classes = [thing for thing in vars(errors).values() if isinstance(thing, type)]
    found = [thing for thing in classes if issubclass(thing, MinidlError) and thing is not MinidlError]
    assert len(found) >= 9
    for thing in found:
        assert len([base for base in thing.__mro__ if base.__module__ == "builtins"]) > 3, thing


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_check_float_passes_numbers_through(value):
    assert check_float("here", "it", value) == value
    assert type(check_float("here", "it", np.float32(1.5))) is float


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "0.1", None, True, [1], 1j])
def test_check_float_refuses(value):
    with pytest.raises(ConfigurationError, match=r"here: expected it to be a finite number > 0"):
        check_float("here", "it", value, above=0)


@pytest.mark.parametrize("value", [0, -3, 1.0, "1", None, True])
def test_check_int_refuses(value):
    with pytest.raises(ConfigurationError, match="here: expected it to be a whole number >= 1"):
        check_int("here", "it", value, at_least=1)


def test_check_int_takes_numpy_integers():
    assert check_int("here", "it", np.int16(3), at_least=1) == 3
