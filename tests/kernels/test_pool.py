"""What several threads share gives the same results, and the process goes on whatever happens."""

import ctypes
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl.kernels import way
from minidl.kernels.blas import threads_address
from minidl.kernels.check.cases import all_cases
from minidl.kernels.check.drawing import Draw, faults
from minidl.kernels.linear import affine, input_gradient, weight_gradient
from tests.deep import deep
from tests.kernels import sharing

pytestmark = [
    pytest.mark.skipif(way.level() is None, reason=way.described()),
    pytest.mark.skipif(not threads_address(), reason="the BLAS does not say how many threads it has"),
]

CASES = all_cases()


def results(case, seed, size, dtype):
    arguments = case.draw(Draw(np.random.default_rng(seed), size, np.dtype(dtype)))
    with np.errstate(all="ignore"):
        result = case.kernel(*arguments)
    given = result if isinstance(result, tuple) else (result,)
    return [np.asarray(one).tobytes() for one in (*given, *arguments) if isinstance(one, (np.ndarray, float))]


@pytest.mark.parametrize("case", CASES, ids=str)
@settings(max_examples=4)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(40_000, 400_000),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_any_number_of_threads_gives_the_same_bits(case, seed, size, dtype):
    with sharing.threads(1):
        expected = results(case, seed, size, dtype)
    for number in (2, 3, 8):
        with sharing.threads(number):
            assert results(case, seed, size, dtype) == expected, number


@pytest.mark.parametrize("case", CASES, ids=str)
def test_without_a_number_of_threads_all_is_right(case):
    way._module.connect(0, 0)
    try:
        for size in (100, 50_000):
            assert not faults(case, Draw(np.random.default_rng(size), size, np.dtype(np.float32)))
    finally:
        way._module.connect(threads_address(), 0)


def products():
    """Of which rows are divided, of which columns are, and of which sums are, in several blocks."""
    found = []
    for rows, inner, columns in ((400, 1000, 60), (60, 1000, 400), (16, 1000, 400), (100, 1000, 60)):
        rng = np.random.default_rng(0)
        x, weight, bias = rng.normal(size=(rows, inner)), rng.normal(size=(inner, columns)), np.ones(columns)
        dy = rng.normal(size=(rows, columns))
        found += [affine(x, weight, bias), np.empty((inner, columns)), np.empty((rows, inner))]
        weight_gradient(x, dy, found[-2])
        input_gradient(dy, weight, found[-1])
    return [one.tobytes() for one in found]


@pytest.mark.parametrize("numbers", [(8, 1), (1, 8), (8, 2)], ids=str)
def test_the_number_of_threads_may_change_within_a_call(numbers):
    def computed():
        return products(), [results(case, 0, 300_000, np.float32) for case in CASES]

    told = itertools.cycle(numbers)
    tell = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: next(told))
    with sharing.threads(1):  # NumPy's BLAS, too, which has the products of a CPU without AVX2
        expected = computed()
        way._module.connect(ctypes.cast(tell, ctypes.c_void_p).value, 0)
        try:
            assert computed() == expected
        finally:
            way._module.connect(threads_address(), 0)


@pytest.mark.skipif(sys.platform == "win32", reason="the compiled way is without threads there")
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=deep if case is sharing.processes_that_begin_anew else ())
        for case in sharing.CASES
    ],
    ids=lambda case: case.__name__,
)
def test_the_process_goes_on(case):
    program = [sys.executable, "-W", "ignore", "-m", "tests.kernels.sharing", case.__name__]
    done = subprocess.run(
        program, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
