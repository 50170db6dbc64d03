"""Packages that import what they offer at its first use, as PEP 562 has it; and forks meanwhile."""

from __future__ import annotations

import _thread
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

_IMPORTED = {
    *sys.stdlib_module_names, "cloudpickle", "dask", "distributed", "IPython", "joblib", "matplotlib",
    "minidl", "numpy", "optuna", "pooch", "ray", "scipy", "threadpoolctl", "tqdm",
}  # fmt: skip
"""What minidl's functions import. To wait for such an import is safe, for it waits for nothing itself.

A user's own module may start processes while it is imported, and would wait for a fork that waits for it.
"""

_bootstrap: Any = getattr(importlib, "_bootstrap", None)  # CPython's, which offers no public way to its locks


def lazy(
    package: dict[str, Any], offered: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """A package's ``__getattr__``, ``__dir__`` and ``__all__``: to import it imports none of its modules.

    Beside them the package lists the same names ``if TYPE_CHECKING``, for those who read it without running
    it: type checkers, editors, and the contracts on imports.

    Parameters
    ----------
    package : dict
        Its ``globals()``; a class or function stands there from its first use on.
    offered : mapping
        The names that each of its modules gives to it, with blanks between; at ``""``, the modules that it
        offers themselves.
    """
    path: str = package["__name__"]
    homes = {name: home for home, names in offered.items() for name in names.split()}

    def get(name: str) -> Any:
        home = homes.get(name)
        if home:
            package[name] = getattr(import_module(f"{path}.{home}"), name)
            return package[name]
        if home is None and name not in offered:
            raise AttributeError(f"module {path!r} has no attribute {name!r}")
        return import_module(f"{path}.{name}")

    def names() -> list[str]:
        return sorted({*package, *homes})

    return get, names, sorted(homes)


def _under_way() -> dict[str, Any]:
    """The locks of the modules of `_IMPORTED` that other threads import just now, by the modules' names."""
    references = dict(getattr(_bootstrap, "_module_locks", {}))
    locks = {name: reference() for name, reference in references.items()}
    others = {name: lock for name, lock in locks.items() if getattr(lock, "owner", None) is not None}
    me = _thread.get_ident()
    return {
        name: lock
        for name, lock in others.items()
        if name.partition(".")[0] in _IMPORTED and lock.owner != me
    }


def _finish_imports() -> None:
    """Before a fork: wait until no other thread is in the middle of an import.

    The child has none of these threads, and would wait for ever where it imports the same.
    """
    passed: set[str] = set()
    while locks := {name: lock for name, lock in _under_way().items() if name not in passed}:
        for name, lock in locks.items():
            try:
                lock.acquire()
            except RuntimeError:  # that import waits for one of this thread's, in which the fork takes place
                passed.add(name)
            else:
                lock.release()


def _forget_imports() -> None:
    """In a fork's child: begin anew what another thread began between the wait and the fork."""
    for name in _under_way():
        _bootstrap._module_locks.pop(name, None)
        if getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False):
            del sys.modules[name]


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_finish_imports, after_in_child=_forget_imports)
