"""Compiled kernels hand over to NumPy what they do not take, and write nowhere but into their arrays."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl.kernels import way
from minidl.kernels.check.cases import all_cases
from minidl.kernels.check.drawing import Draw

pytestmark = pytest.mark.skipif(way.level() is None, reason=way.described())

CALLS = 12
GUARD = 512
PATTERN = 0xA5
BELONGING = ("standardize", "max_pool_backward")
"""Kernels that say nothing of arguments that do not belong together: equal rows, the largest numbers."""


class Subclass(np.ndarray):
    pass


class Hostile:
    """A kernel's arguments of which some were spoilt, each array in memory of its own with guards around it.

    The same seed makes the same arguments.
    """

    def __init__(self, case, seed, size, dtype):
        self.rng = np.random.default_rng(seed)
        self.memories = []
        self.keywords = {}
        draw = Draw(np.random.default_rng(seed), size, np.dtype(dtype))
        self.arguments = list(case.draw(draw))
        self.unused = {len(self.arguments) - 1} if case.lends else {case.work} - {None}
        self.spoil(case)
        for i, argument in enumerate(self.arguments):
            if type(argument) is np.ndarray and argument.flags.c_contiguous and argument.base is None:
                self.arguments[i] = self.placed(argument)

    def placed(self, array, shift=0):
        """A copy of the array between guards; without them now and then, so that sanitizers see its end."""
        if array.dtype.hasobject:
            return array
        guard = GUARD if self.rng.integers(0, 2) else 0
        memory = np.full(array.nbytes + 2 * guard + shift, PATTERN, np.uint8)
        self.memories.append((memory, guard + shift, array.nbytes))
        place = memory[guard + shift : guard + shift + array.nbytes].view(array.dtype).reshape(array.shape)
        place[...] = array
        place.flags.writeable = array.flags.writeable
        return place

    def guards_hold(self):
        return all(
            (memory[:start] == PATTERN).all() and (memory[start + size :] == PATTERN).all()
            for memory, start, size in self.memories
        )

    def spoil(self, case):
        code = case.kernel.__self__.__code__
        names = code.co_varnames
        i = int(self.rng.integers(0, len(self.arguments)))
        chance = self.rng.integers(0, 16)
        if chance == 0:
            del self.arguments[i:]
        elif chance == 1:
            self.arguments += [None] * (code.co_argcount - len(self.arguments)) + [self.any_object()]
        elif chance == 2:
            self.keywords[names[min(len(self.arguments), len(names)) - 1]] = self.arguments.pop()
        elif chance == 3:
            self.stretch()
        elif isinstance(self.arguments[i], np.ndarray):
            self.spoil_array(i)
        elif names[min(i, len(names) - 1)] not in (
            "work",
            "sums",
        ):  # memory, which the compiled way does not need
            self.arguments[i] = self.spoilt(self.arguments[i])

    def any_object(self):
        objects = [None, "1", b"1", 1.5, -1, 10**400, [1.0], (), (1, 2), {}, np.float32(1), object()]
        return objects[self.rng.integers(0, len(objects))]

    def spoilt(self, value):
        if callable(value) or self.rng.integers(0, 6) == 0:
            return value if callable(value) else self.any_object()
        if isinstance(value, tuple):
            items = list(value)
            i = self.rng.integers(0, len(items)) if items else 0
            kind = self.rng.integers(0, 8)
            if kind == 0:
                return items
            if kind == 1:
                return (*items, 1)
            if kind == 2:
                return tuple(items[:-1])
            if items:
                items[i] = self.spoilt(items[i])
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        if isinstance(value, slice):
            step = (None, 1, -1, 2)[self.rng.integers(0, 4)]
            return slice(self.spoilt(value.start), self.spoilt(value.stop), step)
        numbers = [0, 1, 2, -1, 7, 2**31, 2**62, 10**400, True, 0.5, -0.0]
        numbers += [np.nan, np.inf, -np.inf, 1j, np.float32(1.3), np.float64(0.3), np.int64(2), np.array(0.5)]
        return numbers[self.rng.integers(0, len(numbers))]

    def stretch(self):
        """Make all axes of one length empty, and those of another one longer."""
        arrays = [a for a in self.arguments if isinstance(a, np.ndarray)]
        lengths = sorted({n for a in arrays for n in a.shape})
        if lengths:
            long, empty = self.rng.choice(lengths, 2)
            length = {long: 20, empty: 0}
            for i, argument in enumerate(self.arguments):
                if isinstance(argument, np.ndarray) and argument.size < 1_000:
                    self.arguments[i] = np.resize(argument, tuple(length.get(n, n) for n in argument.shape))

    def spoil_array(self, i):
        array = self.arguments[i]
        ways = ("other_shape", "other_dtype", "other_layout", "other_kind", "shared", "other_values")
        self.arguments[i] = getattr(self, ways[self.rng.integers(0, len(ways))])(array, i)

    def other_shape(self, array, i):
        shape = list(array.shape)
        kind = self.rng.integers(0, 5)
        if kind == 0 or not shape:
            return np.resize(array, ((), (3,), (1, 1, 1, 1, 1))[self.rng.integers(0, 3)])
        if kind == 1:
            return array.reshape(-1)
        if kind == 2:
            return array.reshape(*shape[:1], 1, *shape[1:])
        axis = self.rng.integers(0, len(shape))
        shape[axis] = max(0, shape[axis] + (1, -1, -shape[axis], 1 - shape[axis])[self.rng.integers(0, 4)])
        return np.resize(array, shape)

    def other_dtype(self, array, i):
        names = [
            "f2",
            "f4",
            "f8",
            "g",
            "c8",
            "c16",
            "O",
            "i1",
            "i4",
            "i8",
            "u1",
            "u8",
            "?",
            ">f4",
            ">f8",
            ">i8",
        ]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of complex numbers whose imaginary part is dropped
            return array.astype(names[self.rng.integers(0, len(names))])

    def other_layout(self, array, i):
        kind = self.rng.integers(0, 6)
        if kind == 0:
            return np.asfortranarray(array)
        if kind == 1:
            return array[::-1].copy()[::-1] if array.ndim else array
        if kind == 2:
            return array[..., ::-1] if array.ndim else array
        if kind == 3:
            return np.broadcast_to(array[:1] if array.ndim and len(array) else array, array.shape)
        if kind == 4:
            return self.placed(array, shift=int(self.rng.integers(1, 8)))
        copy = array.copy()
        copy.flags.writeable = False
        return copy

    def other_kind(self, array, i):
        kind = self.rng.integers(0, 5)
        if kind == 0:
            return array.copy().view(Subclass)
        if kind == 1:
            return np.ma.masked_array(array)
        if kind == 2:
            return array.tolist()
        return self.any_object() if kind == 3 else array.copy().view(f"V{array.itemsize}")

    def shared(self, array, i):
        """An array that shares memory with another one of the arguments, shifted by some numbers."""
        j = int(self.rng.integers(0, len(self.arguments)))
        other = self.arguments[j]
        if i == j or not isinstance(other, np.ndarray) or array.dtype.hasobject:
            return array
        shift = array.itemsize * int(self.rng.integers(1, array.size + 2))
        memory = self.placed(np.full(shift + max(array.nbytes, other.nbytes), 0, np.uint8))
        place = memory[shift : shift + array.nbytes].view(array.dtype).reshape(array.shape)
        place[...] = array
        self.arguments[j] = memory[: other.nbytes].view(other.dtype).reshape(other.shape)
        self.arguments[j][...] = other
        return place

    def other_values(self, array, i):
        spoilt = array.copy()
        if spoilt.size and spoilt.dtype == np.intp:
            numbers = [-1, -(2**63), 2**63 - 1, 2**62, int(spoilt.max()) + 1, 10_000]
            spoilt.flat[self.rng.integers(0, spoilt.size)] = numbers[self.rng.integers(0, len(numbers))]
        return spoilt


def call(kernel, hostile):
    """The result or the exception."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return kernel(*hostile.arguments, **hostile.keywords)
    except Exception as error:
        return error


def assert_same(found, expected, where, numbers=True):
    assert type(found) is type(expected), (where, found, expected)
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other, where, numbers)
    elif isinstance(expected, np.ndarray):
        found, expected = np.asarray(found), np.asarray(expected)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype), where
        if not numbers:
            return
        if expected.dtype.kind == "f":
            found, expected = found.astype(np.longdouble), expected.astype(np.longdouble)
            scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
            near = 1e-2 * scale + 1e-4  # tiny results may be what is left of large numbers
            assert np.allclose(found, expected, 1e-2, near, equal_nan=True), (where, found, expected)
        elif not expected.dtype.hasobject:
            assert found.tobytes() == expected.tobytes(), where
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, 1e-3, nan_ok=True), where


@pytest.mark.parametrize("case", all_cases(), ids=str)
# Always the same ones: a spoilt number may make an array of gigabytes.
@settings(derandomize=True, max_examples=10)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(0, 100),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_spoilt_arguments_do_the_same_both_ways(case, seed, size, dtype):
    for one_seed in range(seed, seed + CALLS):
        numpys, compileds = Hostile(case, one_seed, size, dtype), Hostile(case, one_seed, size, dtype)
        expected, found = call(case.kernel.__self__, numpys), call(case.kernel, compileds)
        if isinstance(expected, MemoryError):  # which the compiled way may not need
            continue
        where = f"seed {one_seed}, size {size}, {np.dtype(dtype)}"
        numbers = case.kernel.__name__ not in BELONGING
        assert_same(found, expected, where, numbers)
        assert numpys.guards_hold() and compileds.guards_hold(), where
        for i, (one, other) in enumerate(zip(compileds.arguments, numpys.arguments, strict=True)):
            if i not in numpys.unused:
                assert_same(one, other, f"argument {i}, {where}", numbers)
