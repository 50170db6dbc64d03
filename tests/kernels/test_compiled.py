"""Each compiled kernel does what its function in NumPy does."""

import gc
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels import way
from minidl.kernels.check.cases import all_cases
from minidl.kernels.check.drawing import Draw, faults

pytestmark = pytest.mark.skipif(way.level() is None, reason=way.described())
CASES = all_cases()
SIZES = st.one_of(st.integers(0, 40), st.integers(0, 5_000), st.integers(30_000, 200_000))


@pytest.mark.parametrize("case", CASES, ids=str)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=SIZES,
    dtype=st.sampled_from([np.float32, np.float64]),
    layout=st.sampled_from(["plain", "plain", "plain", "strided", "shifted"]),
    special=st.booleans(),
)
def test_both_ways_do_the_same(case, seed, size, dtype, layout, special):
    draw = Draw(np.random.default_rng(seed), size, np.dtype(dtype), layout, special and case.special)
    assert not faults(case, draw)


def shared(arguments, i, j):
    """The arguments, of which number `j` is the same array as number `i`."""
    return [arguments[i] if number == j else argument for number, argument in enumerate(arguments)]


@pytest.mark.parametrize("case", CASES, ids=str)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from([1, 40, 300]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_both_ways_do_the_same_where_a_result_takes_an_arguments_place(case, seed, size, dtype):
    def draw():
        return Draw(np.random.default_rng(seed), size, np.dtype(dtype))

    before, after = case.draw(draw()), case.draw(draw())
    with np.errstate(all="ignore"):
        case.kernel.__self__(*after)
    arrays = [i for i, argument in enumerate(before) if isinstance(argument, np.ndarray)]
    for j in arrays:
        is_result = before[j].tobytes() != after[j].tobytes()
        for i in arrays if is_result else ():
            if i != j and (before[i].shape, before[i].dtype) == (before[j].shape, before[j].dtype):
                in_place = replace(case, draw=lambda draw, i=i, j=j: shared(case.draw(draw), i, j))
                assert not faults(in_place, draw()), (i, j)


@pytest.fixture
def only_new_garbage():
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("layout", ["plain", "strided"])  # computed here, and handed over
@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_reference_is_lost_or_kept(case, layout, only_new_garbage, calls=200):
    arguments = case.draw(Draw(np.random.default_rng(0), 40, np.dtype(np.float32), layout))

    # Since 3.12 Python itself counts None only in part, and not at all unless a module built for 3.11 does.
    things = [thing for thing in (None, *arguments) if thing is not None or sys.version_info < (3, 12)]

    counts = []
    with np.errstate(all="ignore"):
        for _ in range(4):
            for _ in range(calls):
                case.kernel(*arguments)
            gc.collect()
            counts.append([*map(sys.getrefcount, things), sys.getallocatedblocks()])
    # What a call loses is lost in every round; an interpreter takes memory for itself in some of them.
    assert np.abs(np.diff(counts, axis=0)).min(axis=0).max() < calls // 2


def test_none_is_returned_in_the_way_that_every_version_counts():
    # Built by a Python that does not count None, the same module would be wrong in one that does.
    sources = (Path(way.__file__).parent / "native").glob("*.[ch]")
    used = [path.name for path in sources if re.search(r"^ .*\bPy_RETURN_", path.read_text(), re.MULTILINE)]
    assert not used, "RETURN_NONE of arrays.h"


def test_every_compiled_kernel_has_a_case():
    compared = {case.kernel.__name__ for case in CASES}
    assert set(way.kernels()) == compared
