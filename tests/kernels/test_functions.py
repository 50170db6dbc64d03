"""The functions that compiled loops are made of, against those of a wider type."""

import math

import numpy as np
import pytest

from minidl.kernels import way

pytestmark = pytest.mark.skipif(way.level() is None, reason=way.described())


def density(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.arccos(x.dtype.type(-1)))


def cdf(x):
    """In float64, to a unit in the last place: what rounding took from the argument is put right."""
    x = x.astype(np.float64)
    scaled = x / -math.sqrt(2)
    # The wider type is just wide enough for what rounding took from the quotient.
    low = np.asarray(x.astype(np.longdouble) / -np.sqrt(np.longdouble(2)) - scaled, np.float64)
    plain = np.array([math.erfc(number) / 2 for number in scaled])
    return plain - np.where(np.isfinite(low), low, 0) * np.exp(-scaled * scaled) / math.sqrt(math.pi)


FUNCTIONS = {
    "exp": (np.exp, (1.5, 1.5), 750),
    "expm1": (np.expm1, (2.5, 2.5), 750),
    "log": (np.log, (1, 1), 2),
    "log1p": (np.log1p, (2, 2), 2),
    "tanh": (np.tanh, (3, 3), 25),
    "normal_density": (density, (2.5, 2.5), 40),
    "normal_cdf": (cdf, (4, 7), 38),
}
"""Of each the same in a wider type, the bounds in float32 and float64, and where it is interesting up to."""

needs_longdouble = np.finfo(np.longdouble).eps > 1e-18
KERNELS = {
    name: way._module.bind(f"{name}_numbers", None, "", "") for name in FUNCTIONS if way._module is not None
}


def numbers(dtype, far):
    rng = np.random.default_rng(0)
    bits = np.dtype(dtype).itemsize * 8
    anything = rng.integers(0, 2**bits, 20_000, f"u{bits // 8}", endpoint=False).view(dtype)
    parts = [rng.uniform(-far, far, 10_000), rng.uniform(-2, 2, 10_000), 1 + rng.uniform(-1e-3, 1e-3, 1_000)]
    special = [0.0, -0.0, math.inf, -math.inf, math.nan, 1, -1, np.finfo(dtype).tiny, np.finfo(dtype).max]
    return np.concatenate([anything, *(part.astype(dtype) for part in (*parts, np.array(special)))])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_keeps_its_bound(name, dtype):
    function, bounds, far = FUNCTIONS[name]
    if dtype == np.float64 and needs_longdouble and name != "normal_cdf":
        pytest.skip("there is no type wider than float64")
    x = numbers(dtype, min(far, 110) if dtype == np.float32 else far)
    found = np.full_like(x, 7)
    KERNELS[name](x, found)
    with np.errstate(all="ignore"):
        exact = function(x.astype(np.float64 if dtype == np.float32 else np.longdouble))
        expected = exact.astype(dtype)
        finite = np.isfinite(expected)
        ulp = np.spacing(np.maximum(np.abs(expected[finite]), np.finfo(dtype).tiny))
        off = np.abs(found[finite].astype(exact.dtype) - exact[finite]) / ulp
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    assert off.max() <= bounds[dtype == np.float64]
    zeros = (x == 0) & (expected == 0)
    np.testing.assert_array_equal(np.signbit(found[zeros]), np.signbit(x[zeros]))
