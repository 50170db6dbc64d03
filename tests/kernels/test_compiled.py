"""Each compiled kernel does what its function in NumPy does."""

from dataclasses import replace

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


def test_every_compiled_kernel_has_a_case():
    compared = {case.kernel.__name__ for case in CASES}
    assert set(way.kernels()) == compared
