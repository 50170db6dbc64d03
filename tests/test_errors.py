import pickle

import pytest

from minidl import errors
from minidl.errors import MinidlError, ShapeError


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


def test_a_missing_part_is_a_key_and_an_index_that_is_not_there():
    for base in (KeyError, IndexError, MinidlError):
        with pytest.raises(base, match="^here: expected"):
            raise errors.MissingPartError.expected("here", "a", "b")
