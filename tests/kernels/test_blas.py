import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from minidl.kernels import blas
from minidl.kernels.blas import axpby, axpby_definition
from tests.deep import deep

reals = st.sampled_from([np.float32, np.float64])
factors = st.floats(-3, 3) | st.sampled_from([0.0, 1.0, -1.0])
sizes = st.integers(0, 300) | st.sampled_from([65_536, 150_001])


def draw(size, seed, dtype):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(size).astype(dtype), rng.standard_normal(size).astype(dtype)


def expected(a, x, b, y):
    """In extended precision, from the factors as the dtype has them."""
    a, b = (np.longdouble(x.dtype.type(factor)) for factor in (a, b))
    x, y = x.astype(np.longdouble), y.astype(np.longdouble)
    return axpby_definition(a, x, b, y)


def assert_close(got, wanted):
    eps = np.finfo(got.dtype).eps
    np.testing.assert_allclose(got.astype(np.longdouble), wanted, rtol=4 * eps, atol=30 * eps)


@pytest.fixture(params=["all", "axpy", "none"])
def way(request, monkeypatch):
    """What of it is found in the BLAS."""
    if request.param != "all":
        routines = {
            (name, dtype): blas._ROUTINES[name, dtype] if name == request.param else None
            for name in ("axpy", "axpby")
            for dtype in blas._REALS
        }
        monkeypatch.setattr(blas, "_ROUTINES", routines)


@pytest.mark.usefixtures("way")
@given(factors, factors, sizes, st.integers(0, 2**32 - 1), reals)
def test_it_is_its_formula(a, b, size, seed, dtype):
    x, y = draw(size, seed, dtype)
    wanted, held = expected(a, x, b, y), x.copy()
    axpby(a, x, b, y)
    assert_close(y, wanted)
    np.testing.assert_array_equal(x, held)


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 40), factors)
def test_numbers_beside_the_vectors_stay(before, size, behind, b):
    x, y = draw(before + size + behind, 0, np.float32)
    part, start = slice(before, before + size), y.copy()
    axpby(0.5, x[part], b, y[part])
    assert_close(y[part], expected(0.5, x[part], b, start[part]))
    start[part] = y[part]
    np.testing.assert_array_equal(y, start)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("b", [1, 0.9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_threads_give_the_same_bits(b, dtype, threads):
    """Nothing is promised of other threads: some kernels round the ends of each thread's part otherwise."""
    x, start = draw(150_001, 0, dtype)
    results = [start.copy(), start.copy()]
    with threadpool_limits(threads):
        for y in results:
            axpby(0.3, x, b, y)
    np.testing.assert_array_equal(*results)
    assert_close(results[0], expected(0.3, x, b, start))


def test_a_count_is_never_cut_off_at_32_bits():
    assert blas._int32(2**31 - 1).value == 2**31 - 1
    with pytest.raises(ValueError):
        blas._int32(2**31)


@pytest.mark.parametrize("b", [1, 0.9])
def test_what_the_blas_does_not_take_numpy_does(b):
    x, y = draw(40, 0, np.float32)
    read_only = x.copy()
    read_only.flags.writeable = False
    for source, target in (
        (x[::2], y[::2]),
        (x[::-1], y),
        (read_only, y),
        (x.astype(np.float64), y.astype(np.float64)[::-1]),
        (x.astype(">f4"), y.astype(">f4")),
        (x.astype(np.float32), y.astype(np.float64)),
    ):
        given_target = target.copy()
        axpby(0.5, source, b, given_target)
        np.testing.assert_allclose(given_target, 0.5 * source + b * target, rtol=1e-6)


@pytest.mark.parametrize("b", [1, 0.9])
@pytest.mark.parametrize(("few", "many"), [(30, 40), (40, 30)])
def test_lengths_that_differ_are_refused(few, many, b):
    x, y = draw(40, 0, np.float32)
    with pytest.raises(ValueError, match="broadcast"):
        axpby(0.5, x[:few], b, y[:many])


def test_nothing_is_written_where_nothing_may_be():
    x, y = draw(40, 0, np.float32)
    y.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        axpby(0.5, x, 1, y)


@pytest.mark.skipif(not blas.is_found(), reason="NumPy's BLAS was not found")
@pytest.mark.parametrize("b", [1, 0.9])
def test_it_takes_no_memory(b):
    x, y = draw(100_000, 0, np.float32)
    axpby(0.5, x, b, y)
    tracemalloc.start()
    axpby(0.5, x, b, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2000


def test_the_routines_of_an_openblas_are_found():
    if not any(pool["internal_api"] == "openblas" for pool in threadpool_info()):
        pytest.skip("NumPy's BLAS is no OpenBLAS")
    assert blas.is_found()
    assert blas._ROUTINES["axpy", np.dtype(np.float16)] is None


def test_no_second_blas_comes_in():
    program = (
        "import numpy as np, threadpoolctl, minidl.kernels.blas as blas\n"
        "before = threadpoolctl.threadpool_info()\n"
        "x = np.ones(10); blas.axpby(2, x, 1, x.copy())\n"
        "assert threadpoolctl.threadpool_info() == before and len(before) <= 1, before"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


UPDATES = r"""
import time
from pathlib import Path
import numpy as np
from minidl.kernels import adaptive, vectors

def update():
    for dtype in (np.float32, np.float64):
        x = [np.ones(300_000, dtype) for _ in range(4)]
        vectors.momentum_update(*x[:3], 0.1, 0.9)
        vectors.nesterov_update(*x[:3], 0.1, 0.9)
        vectors.sgd_update(*x[:2], 0.1)
        vectors.sum_of_squares(x[0])
        adaptive.adam_update(*x, 0.1, (0.9, 0.99), 1e-8, 3)
        adaptive.rmsprop_update(*x, 0.1, 0.9, 1e-8, 0.9)
        adaptive.adagrad_update(*x[:3], 0.1, 1e-8)

own = Path("/proc/thread-self").resolve().name
others = [task for task in Path("/proc/self/task").iterdir() if task.name != own]

def nanoseconds():  # that the other threads have computed
    return sum(int((task / "schedstat").read_text().split()[0]) for task in others)

while any("State:\tS" not in (task / "status").read_text() for task in others):  # they wait awake at first
    time.sleep(0.01)
before = nanoseconds()
for _ in range(20):
    update()
print(len(others), nanoseconds() - before)
"""


@deep
@pytest.mark.skipif(
    not Path("/proc/self/schedstat").is_file(), reason="only Linux says how long each thread has computed"
)
def test_no_update_wakes_another_thread():
    """Where the cores are busy it would wait for it. A thread that sleeps computes nothing at all."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    found = subprocess.run(
        [sys.executable, "-c", UPDATES], env=environment, check=True, capture_output=True, text=True
    )
    threads, nanoseconds = map(int, found.stdout.split())
    if not threads:
        pytest.skip("this BLAS starts no threads")
    assert nanoseconds == 0
