"""The checks of arguments: each gives back what it checked, or raises in the one message format."""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from minidl.advice import as_list, as_object, foreign_array, is_masked, is_sparse, shown
from minidl.errors import ConfigurationError, DataError, DTypeError, MinidlError, ShapeError
from minidl.types import Rng

T = TypeVar("T")

MOST_NUMBERS, MOST_AXES = 1 << 36, 32
"""In one array: more numbers are a slip, and to ask for them could take all of a machine's memory; more axes
are none that every NumPy has, and a product of many sizes would take for ever."""


def check_number(where: str, name: str, value: object) -> float:
    """`value` as a float, NaN and infinities among them, or `ConfigurationError`."""
    try:
        if isinstance(value, (bool, np.bool_, str, bytes)) or np.ndim(value):  # type: ignore[arg-type]
            raise TypeError
        return float(value)  # type: ignore[arg-type]
    except Exception:  # what lies behind a __float__ raises anything
        raise ConfigurationError.expected(where, f"{name} to be a number", shown(value)) from None


def check_float(
    where: str,
    name: str,
    value: object,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
) -> float:
    """`value` as a float, or `ConfigurationError` if it is no finite number in the bounds given."""
    try:
        number = check_number(where, name, value)
    except ConfigurationError:
        number = math.nan
    if math.isfinite(number) and above < number < below and at_least <= number <= at_most:
        return number
    bounds = (">", above), (">=", at_least), ("<", below), ("<=", at_most)
    domain = " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if math.isfinite(bound))
    raise ConfigurationError.expected(where, f"{name} to be a finite number {domain}".rstrip(), shown(value))


def check_int(where: str, name: str, value: object, *, at_least: int) -> int:
    """`value` as an int of at least `at_least`, or `ConfigurationError`."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
        if number < at_least:
            raise ValueError
    except (TypeError, ValueError):
        expected = f"{name} to be a whole number >= {at_least}"
        raise ConfigurationError.expected(where, expected, shown(value)) from None
    return number


def check_bool(where: str, name: str, value: object) -> bool:
    """`value` as a bool, or `ConfigurationError` if it is neither Python's nor NumPy's."""
    if not isinstance(value, (bool, np.bool_)):
        raise ConfigurationError.expected(where, f"{name} to be True or False", shown(value))
    return bool(value)


def check_choice(where: str, name: str, value: object, choices: Collection[str]) -> str:
    """`value`, or `ConfigurationError` if it is none of the words in `choices`."""
    if not (isinstance(value, str) and value in choices):
        expected = f"{name} to be one of {', '.join(map(repr, choices))}"
        raise ConfigurationError.expected(where, expected, shown(value))
    return value


def check_kind(
    where: str,
    name: str,
    value: T,
    kind: type[object],
    *,
    remedy: str = "",
    error: type[MinidlError] = ConfigurationError,
) -> T:
    """`value`, or `error` if it is not of class `kind`."""
    if not isinstance(value, kind):
        remedy = as_object(value, kind) or remedy
        raise error.expected(where, f"{name} to be of class {kind.__name__}", shown(value), remedy)
    return value


def check_list(where: str, name: str, values: Iterable[T], kind: Any, of: str) -> list[T]:
    """`values` as a list, or `ConfigurationError` if they are no list or tuple of objects of class `kind`."""
    if not (isinstance(values, (list, tuple)) and all(isinstance(value, kind) for value in values)):
        expected, got = f"{name} to be a list of {of}", shown(values)
        raise ConfigurationError.expected(where, expected, got, as_list(values, kind))
    return list(values)


def check_callable(where: str, name: str, value: object, *arguments: str) -> Callable[..., Any]:
    """`value`, or `ConfigurationError` if it cannot be called with so many arguments."""
    try:
        inspect.signature(value).bind(*arguments)  # type: ignore[arg-type]
    except TypeError:
        expected = f"{name} to be a function ({', '.join(arguments)})"
        raise ConfigurationError.expected(where, expected, shown(value)) from None
    except ValueError:  # some functions written in C have no signature
        pass
    return value  # type: ignore[return-value]


def check_sizes(where: str, name: str, values: object, *, at_least: int = 0) -> tuple[int, ...]:
    """`values`, one whole number or a sequence of them, as a tuple, or `ConfigurationError`."""
    try:
        if not isinstance(values, (list, tuple, range, np.ndarray)):
            values = (values,)
        return tuple(check_int(where, name, value, at_least=at_least) for value in values)
    except (TypeError, ConfigurationError):
        expected = f"{name} to be whole numbers >= {at_least}"
        raise ConfigurationError.expected(where, expected, shown(values), "such as (8, 8) or 64") from None


def check_shape(where: str, name: str, values: object) -> tuple[int, ...]:
    """`values` as the shape of an array that a machine can hold, or `ConfigurationError`."""
    shape = check_sizes(where, name, values)
    if len(shape) > MOST_AXES or math.prod(shape) > MOST_NUMBERS or max(shape, default=0) > MOST_NUMBERS:
        expected = f"{name} of {MOST_AXES} axes and {MOST_NUMBERS:,} numbers at most"
        raise ConfigurationError.expected(where, expected, shown(shape))
    return shape


def check_dtype(where: str, dtype: npt.DTypeLike) -> np.dtype[Any]:
    """`dtype` as a numpy.dtype, or `DTypeError` if it is neither float32 nor float64."""
    try:
        found = np.dtype(dtype)
    except Exception:  # no dtype at all
        raise DTypeError.expected(where, "dtype float32 or float64", shown(dtype)) from None
    if dtype is None or found not in (np.float32, np.float64):
        raise DTypeError.expected(where, "dtype float32 or float64", None if dtype is None else found)
    return found


def check_array(
    where: str, name: str, values: object, *, kinds: str = "biuf", dtype_error: type[MinidlError] = DTypeError
) -> npt.NDArray[Any]:
    """`values` as a plain array whose dtype is of one of `kinds`; never a copy of an array.

    Parameters
    ----------
    values : array-like
    kinds : str
        The kinds of dtype that will do, as ``dtype.kind`` has them.
    dtype_error : type
        Raised for any other dtype, words and objects among them.

    Raises
    ------
    DataError
        For what forms no array: rows of unequal length, a sparse matrix; and for a masked array,
        whose mask would be lost, and what it hides be taken for numbers.
    """
    if type(values) is np.ndarray and values.dtype.kind in kinds:  # every training step comes by here
        return values
    if is_sparse(values):
        got = f"a sparse {type(values).__name__}"
        raise DataError.expected(where, f"{name} to be a dense array", got, "convert it with .toarray()")
    try:
        array = np.asarray(values)
    except Exception as error:  # what lies behind an __array__ raises anything
        remedy = "give an array, or rows of one length"
        raise DataError.expected(where, f"{name} that form one array", error, remedy) from None
    if is_masked(values, array.ndim):
        remedy = "fill the masked values in with .filled(value), or drop their rows"
        raise DataError.expected(where, f"{name} with a value everywhere", "a masked array", remedy)
    if array.dtype.kind not in kinds:
        expected = {"iu": "an integer dtype", "f": "a float dtype"}.get(kinds, "a real dtype")
        got, remedy = foreign_array(name, values, array, kinds)
        raise dtype_error.expected(where, f"{name} of {expected}", got, remedy)
    return array


def as_generator(rng: Rng, *, legacy: bool = True) -> Any:
    """A random generator from a generator (itself), a seed, or None (fresh entropy).

    A legacy ``RandomState`` is passed through as well, for programs that replay its stream, but where
    `legacy` is false: it can neither spawn streams nor draw all that a Generator can.
    """
    if isinstance(rng, np.random.Generator) or (legacy and isinstance(rng, np.random.RandomState)):
        return rng
    try:
        if isinstance(rng, np.random.RandomState):
            raise TypeError
        return np.random.default_rng(rng)
    except Exception:  # what lies behind an array of objects raises anything
        expected = "a numpy.random.Generator, a seed >= 0 or None"
        remedy = "give np.random.default_rng(seed)"
        raise ConfigurationError.expected("rng", expected, shown(rng), remedy) from None


def check_weights(where: str, weights: object, samples: int) -> npt.NDArray[np.float64]:
    """`weights` as float64: one finite number >= 0 for each of so many samples.

    Raises
    ------
    ShapeError, DTypeError, DataError
        For another shape; for other than real numbers; for a weight that is negative or not finite.
    """
    array = check_array(where, "weights", weights).astype(np.float64, copy=False)
    if array.shape != (samples,):
        remedy = "give one weight a sample"
        raise ShapeError.expected(where, f"weights of shape ({samples},)", array.shape, remedy)
    with np.errstate(over="ignore"):
        total = np.add.reduce(array)  # NaN or infinite where one of them is
    if not (math.isfinite(total) and np.minimum.reduce(array, initial=0.0) >= 0):
        wrong = np.flatnonzero(~(array >= 0) | np.isinf(array))
        got = f"{array[wrong[0]]:g} for sample {wrong[0]}" if len(wrong) else f"a sum of {total:g}"
        raise DataError.expected(where, "finite weights >= 0", got)
    return array


def check_targets_like(where: str, targets: object, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """`targets` as an array of real numbers of exactly this `shape`, (N, ...), that of the scores.

    Raises
    ------
    ShapeError, DTypeError
    """
    array = check_array(where, "targets", targets)
    if array.shape != shape:
        remedy = "give each score its own target"
        if (*array.shape, 1) == shape:
            remedy = "give targets[:, None]" if array.ndim == 1 else "give targets[..., None]"
        elif array.shape == (*shape, 1):
            remedy = "give targets[:, 0]" if array.ndim == 2 else "give targets[..., 0]"
        raise ShapeError.expected(where, f"targets of shape {shape}, that of the scores", array.shape, remedy)
    return array
