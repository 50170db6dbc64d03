"""Two threads' calls, one amid the other at every step: a race is seen whenever it is looked for."""

import gc
import sys
import threading

import numpy as np
import pytest

from minidl.testing.interleaving import interleaved


def shared(x, held={}):  # noqa: B006
    held["x"] = x
    return 2 * held["x"]


def in_one_line(x, held=np.zeros(1)):  # noqa: B008
    return np.multiply(x, 1, out=held).copy() + 0


def apart(x):
    return 2 * x


_LOCAL, _LOCK = threading.local(), threading.Lock()


def a_scratch_for_each_thread(x):
    _LOCAL.x = x
    return 2 * _LOCAL.x


def one_at_a_time(x, held={}):  # noqa: B006
    with _LOCK:
        held["x"] = x
        return 2 * held["x"]


def looped(x):
    for _ in range(2000):
        x = x + 0
    return shared(x)


def fails():
    raise ValueError("in the other thread")


@pytest.mark.parametrize("function", [shared, in_one_line])
def test_what_is_shared_gives_the_others_numbers(function):
    right = function(np.ones(1))
    for _ in range(20):
        assert interleaved(lambda: function(np.ones(1)), lambda: function(np.zeros(1))) != right


@pytest.mark.parametrize("function", [apart, a_scratch_for_each_thread, one_at_a_time])
def test_what_is_not_does_not(function):
    for _ in range(5):
        assert interleaved(lambda: function(1.0), lambda: function(0.0)) == 2


def test_long_calls_are_stopped_at_some_places_only():
    calls = []
    assert interleaved(lambda: looped(1.0), lambda: calls.append(threading.get_ident())) == 2
    assert 100 < len(calls) < 1000
    assert threading.get_ident() not in calls


def test_errors_come_through_and_the_trace_is_put_back():
    before = sys.gettrace()
    with pytest.raises(ValueError, match="other thread"):
        interleaved(lambda: apart(1), fails)
    assert sys.gettrace() is before


def test_garbage_that_is_collected_meanwhile_changes_nothing():
    seen, before = [], gc.get_threshold()

    def collecting(phase, info):
        seen.extend([phase for _ in range(100)])

    def allocates():
        return len([{number} for number in range(10)])

    def places():
        calls = []
        assert interleaved(allocates, lambda: calls.append(0)) == 10
        return len(calls)

    expected = places()
    gc.callbacks.append(collecting)
    gc.set_threshold(1)
    try:
        allocates()
        assert seen
        assert places() == expected
        assert gc.isenabled()
        with pytest.raises(ValueError, match="other thread"):
            interleaved(allocates, fails)
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(collecting)
