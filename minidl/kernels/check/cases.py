"""The cases of all families."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import minidl.kernels.check as package
from minidl.kernels.check.drawing import Case


def all_cases() -> list[Case]:
    """One or several for each compiled kernel, from the modules of this package that have some."""
    modules = (
        import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    )
    return [case for module in modules for case in getattr(module, "CASES", ())]
