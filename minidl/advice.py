"""What an error says of a wrong argument: what came, and what to do about it."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt


def shown(value: object) -> str:
    """`value` in one short line, for a message."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{type(value).__name__} of shape {shape}"
    try:
        text = " ".join(_SHORT.repr(value).split())
        return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
    except Exception:  # an object whose own repr fails, an int of more digits than Python prints
        return type(value).__name__


_MOST_SHOWN = 100
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _MOST_SHOWN


def as_object(value: object, kind: Any) -> str:
    """What to write in place of `value`, given where an object of class `kind` was meant: a class, say."""
    if isinstance(value, type) and not isinstance(value, kind) and issubclass(value, kind):
        return f"give an object, {value.__name__}(...), not the class"
    return ""


def as_list(values: object, kind: Any) -> str:
    """What to write in place of `values`, given where a list of objects of class `kind` was meant."""
    if isinstance(values, kind):
        name = getattr(values, "__name__", f"{type(values).__name__}(...)")
        return f"write a list: [{shown(values) if isinstance(values, str) else name}]"
    given = values if isinstance(values, (list, tuple)) else [values]
    return next(filter(None, (as_object(value, kind) for value in given)), "")


def closest(word: str, words: Iterable[str]) -> str:
    """The one of `words` that is most alike; "" where none is."""
    from difflib import get_close_matches  # where it is needed: it takes milliseconds to import

    return "".join(get_close_matches(word, list(words), 1))


def foreign_array(name: str, values: Any, array: npt.NDArray[Any], kinds: str) -> tuple[str, str]:
    """What came, where the dtype is none of `kinds`, and what to do about it."""
    if array.ndim == 0:
        return shown(values), "give an array or a list of numbers"
    if hasattr(values, "columns") and hasattr(values, "iloc"):  # a pandas frame
        columns = zip(values.columns, values.dtypes, strict=True)
        bad = [f"{column!r} ({dtype})" for column, dtype in columns if dtype.kind not in kinds]
        if bad:
            more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
            remedy = "drop these or turn them into numbers, words with pandas.get_dummies(frame, dtype=float)"
            return f"a frame with column {', '.join(bad[:3])}{more}", remedy
        return f"a frame of mixed dtypes ({array.dtype})", "convert it with .to_numpy(np.float32)"
    got = f"{array.dtype}"
    if array.dtype.names:
        return got, f"convert it with numpy.lib.recfunctions.structured_to_unstructured({name})"
    if kinds == "iu" and array.dtype.kind in "OSTU":
        return got, f"number the classes: np.unique({name}, return_inverse=True)[1]"
    if kinds == "iu":
        return got, "convert whole numbers with .astype(np.int64)"
    if array.dtype.kind == "c":
        return got, "give .real, .imag or np.abs() of it"
    return got, "give numbers: convert with .astype(np.float32), and words to numbers of their own"


def is_sparse(values: object) -> bool:
    """Whether `values` are a matrix of ``scipy.sparse``, of whatever format; SciPy is not imported for it."""
    return hasattr(values, "nnz") and hasattr(values, "toarray")


def is_masked(values: object, depth: int) -> bool:
    """Whether `values`, nested lists of so many levels at most, are or hold a masked array."""
    masked = sys.modules.get("numpy.ma")  # NumPy imports it at its first use
    if masked is None:
        return False
    if isinstance(values, (list, tuple)):
        types = set(map(type, values))
        if depth > 1 and any(issubclass(kind, (list, tuple)) for kind in types):
            return any(is_masked(row, depth - 1) for row in values)
        return any(issubclass(kind, masked.MaskedArray) for kind in types)
    return isinstance(values, masked.MaskedArray)
