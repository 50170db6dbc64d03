"""What several threads share gives the same results, and the process goes on whatever happens."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl.kernels import way
from minidl.kernels.blas import addresses
from minidl.kernels.check.cases import all_cases
from minidl.kernels.check.drawing import Draw, faults
from tests.deep import deep
from tests.kernels import sharing

pytestmark = [
    pytest.mark.skipif(way.level() is None, reason=way.described()),
    pytest.mark.skipif(not addresses()[4], reason="the BLAS cannot be told how many threads it has"),
]

CASES = all_cases()
BY_BLAS = {"affine", "affine_relu", "weight_gradient", "input_gradient"}
"""Kernels with products, which the BLAS rounds otherwise for other numbers of threads."""


def results(case, seed, size, dtype):
    arguments = case.draw(Draw(np.random.default_rng(seed), size, np.dtype(dtype)))
    with np.errstate(all="ignore"):
        result = case.kernel(*arguments)
    given = result if isinstance(result, tuple) else (result,)
    return [np.asarray(one).tobytes() for one in (*given, *arguments) if isinstance(one, (np.ndarray, float))]


@pytest.mark.parametrize("case", [case for case in CASES if case.kernel.__name__ not in BY_BLAS], ids=str)
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


@pytest.mark.parametrize("case", [case for case in CASES if case.kernel.__name__ in BY_BLAS], ids=str)
@settings(max_examples=8)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1_000, 300_000),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_products_are_right_and_the_blas_gets_its_threads_back(case, seed, size, dtype):
    for number in (2, 3, 8):
        shared = dataclasses.replace(case, kernel=Shared(case.kernel, number))
        assert not faults(shared, Draw(np.random.default_rng(seed), size, np.dtype(dtype)))


class Shared:
    """A kernel whose compiled way alone has so many threads; those of the BLAS would never sleep."""

    def __init__(self, kernel, number):
        self.kernel, self.number = kernel, number
        self.__self__, self.__name__ = kernel.__self__, kernel.__name__

    def __call__(self, *arguments):
        with sharing.threads(self.number):
            result = self.kernel(*arguments)
            assert sharing.get() == self.number
        return result


FIVE = (0, 0, False, 0, 0)


@pytest.mark.parametrize("found", [(3, 5), (0, 5)], ids=["no way to tell its threads", "no BLAS"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_without_a_part_of_the_blas_all_is_right(case, found):
    missing = slice(*found)
    told = list(addresses())
    told[missing] = FIVE[missing]
    way._module.connect(*told)
    try:
        for size in (100, 50_000):
            assert not faults(case, Draw(np.random.default_rng(size), size, np.dtype(np.float32)))
    finally:
        way._module.connect(*addresses())


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
