"""Each compiled kernel does what its function in NumPy does."""

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


def test_every_compiled_kernel_has_a_case():
    compared = {case.kernel.__name__ for case in CASES}
    assert set(way.kernels()) == compared
