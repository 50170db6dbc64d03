"""What leaves a process: names that are the same in all of them, and objects, pickled.

Pickling is cloudpickle's, as in joblib's workers: for the functions and classes that the user's main
program defines.
"""

from __future__ import annotations

import inspect
import io
from typing import Any

from minidl.code import without_addresses
from minidl.errors import ConfigurationError
from minidl.sweep.fields import whole_text


def name_of(thing: Any) -> str:
    """What tells models and objectives apart, the same in every process."""
    if isinstance(thing, str):
        return whole_text(thing)
    if hasattr(thing, "__qualname__"):
        return f"{thing.__module__}:{thing.__qualname__}"
    return whole_text(without_addresses(repr(thing)))


def check_picklable(role: str, thing: object) -> None:
    """`ConfigurationError`, naming what stands in the way, where `thing` cannot go to other processes."""
    error = _problem(thing)
    if error is None:
        return
    culprits = [name for name, part in _parts(thing).items() if _problem(part) is not None]
    through = f" with {', '.join(map(repr, culprits))}" if culprits else ""
    expected = f"{role} to be one that can be pickled, for other processes"
    got = f"{name_of(thing):.100}{through} ({error})"
    remedy = "make such a thing inside the function, or run with jobs=1 and backend='loky'"
    raise ConfigurationError.expected("Sweep", expected, got, remedy)


class _Nowhere(io.RawIOBase):
    """A file that keeps nothing: the object may be large."""

    def write(self, data: Any) -> int:
        return memoryview(data).nbytes  # of a large array it is a buffer, which has no len


def _problem(thing: object) -> Exception | None:
    """Why it cannot be pickled."""
    import cloudpickle

    try:
        cloudpickle.dump(thing, _Nowhere())
    except Exception as error:  # whatever a class's own methods raise
        return error
    return None


def _parts(thing: Any) -> dict[str, Any]:
    """What goes along with a function or an object, by name."""
    try:
        found = inspect.getclosurevars(thing)
    except TypeError:  # no function
        return dict(getattr(thing, "__dict__", {}))
    return {**found.globals, **found.nonlocals}
