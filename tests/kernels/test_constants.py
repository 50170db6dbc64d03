import os
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels import constants
from minidl.kernels.constants import CONSTANTS, _Constants

dtypes = st.sampled_from(list(map(np.dtype, (np.float32, np.float64, np.int64))))


def held(cache):
    return sum(array.nbytes for array in cache.values())


@given(
    st.sampled_from(["zeros", "ones"]),
    st.lists(st.integers(0, 5), max_size=3) | st.sampled_from([[600, 500], [1 << 19]]),
    dtypes,
)
def test_it_is_what_numpy_makes(kind, shape, dtype):
    for _ in range(2):
        found = CONSTANTS[kind, tuple(shape), dtype]
        np.testing.assert_array_equal(found, getattr(np, kind)(shape, dtype), strict=True)
        assert not found.flags.writeable


@given(st.sampled_from(["arange", "array"]), st.integers(0, 2000), dtypes)
def test_a_count(kind, count, dtype):
    made = getattr(np, kind)(count, dtype=dtype)
    np.testing.assert_array_equal(CONSTANTS[kind, count, dtype], made, strict=True)
    assert CONSTANTS[kind, count, dtype] is CONSTANTS[kind, count, dtype]


@given(st.lists(st.integers(0, 3000), max_size=40))
def test_it_never_holds_more_than_its_budget(counts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "_BUDGET_BYTES", 8 * 4000)
        patch.setattr(constants, "_MOST_ARRAYS", 5)
        cache = _Constants()
        for count in counts:
            assert len(cache["ones", count, np.dtype(float)]) == count
            assert held(cache) <= 8 * 4000
            assert len(cache) <= 5
        if counts:
            assert ("ones", counts[-1], np.dtype(float)) in cache


def test_what_is_larger_than_the_budget_is_given_but_not_held():
    cache = _Constants()
    cache["zeros", (3,), np.dtype(float)]
    assert len(cache["ones", 1 << 21, np.dtype(float)]) == 1 << 21
    assert cache["zeros", (1 << 12, 1 << 11), np.dtype(float)].shape == (1 << 12, 1 << 11)
    assert held(cache) <= 1 << 15
    assert ("zeros", (3,), np.dtype(float)) in cache  # which made no room for them


def test_threads_share_one_within_its_budget(monkeypatch):
    monkeypatch.setattr(constants, "_BUDGET_BYTES", 8 * 500)
    cache, errors = _Constants(), []

    def use(seed):
        try:
            for count in np.random.default_rng(seed).integers(300, size=500).tolist():
                np.testing.assert_array_equal(cache["ones", count, np.dtype(float)], np.ones(count))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert held(cache) <= 8 * 500


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_in_the_midst_of_it_leaves_no_lock_behind():
    class Forking(_Constants):
        def __setitem__(self, key, value):
            super().__setitem__(key, value)
            self.child = os.fork()

    cache = Forking()
    cache["ones", 3, np.dtype(float)]
    if cache.child == 0:
        os._exit(len(cache["arange", 7, np.dtype(float)]) if _Constants is not None else 1)
    _, status = os.waitpid(cache.child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
