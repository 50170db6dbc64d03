"""Packages that import what they offer at its first use, as PEP 562 has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


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
