"""The two ways of the kernels: in NumPy, and compiled.

Each kernel is written in NumPy. Where the package was built with a C compiler, most have a compiled way, too,
in ``native/``: `compiled` puts it in the function's place. It takes arrays of float32 and float64 that lie in
C order, and hands everything else to the function in NumPy, so that both ways do the same.
``MINIDL_KERNELS=numpy`` leaves all of them in NumPy; the name of one of the `LEVELS` keeps the compiled ones
to that CPU's instructions.
"""

from __future__ import annotations

import inspect
import math
import os
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from minidl.cores import cpu_quota
from minidl.kernels.blas import threads_address

LEVELS = ("base", "avx2", "avx512")
"""The instructions that the loops are compiled for: what every CPU has, AVX2 with FMA, AVX-512."""

_VARIABLE = "MINIDL_KERNELS"
_AGAIN = "install minidl again from its sources, as with: pip install --force-reinstall --no-deps ."
_Function = TypeVar("_Function", bound=Callable[..., Any])


def _load() -> tuple[Any, str, str]:
    """The compiled module or None, the reason in a few words, and what would make the kernels faster."""
    wanted = os.environ.get(_VARIABLE, "")
    if wanted not in ("", "numpy", *LEVELS):
        from minidl.errors import ConfigurationError

        choices = ", ".join(("numpy", *LEVELS))
        raise ConfigurationError.expected(
            _VARIABLE, f"one of {choices}", repr(wanted), "unset it to have the best"
        )
    if wanted == "numpy":
        return None, f"{_VARIABLE}=numpy says so", f"run: unset {_VARIABLE}"
    try:
        module = import_module("minidl.kernels._compiled")
        if _sources() not in (None, module.SOURCES):
            return None, "the compiled module was built from other sources than these", _AGAIN
        # A thread more than the quota's cores would use it up sooner, and then all of them stand still.
        module.connect(threads_address(), math.ceil(cpu_quota() or 0))
    except ModuleNotFoundError:
        return None, "they were not compiled", f"install a C compiler, and {_AGAIN}"
    except (ImportError, AttributeError) as error:
        return None, f"the compiled module is damaged or of another version ({error})", _AGAIN
    best = module.level()
    if not wanted:
        return module, "the most that this CPU has", ""
    if module.use(LEVELS.index(wanted)) < LEVELS.index(wanted):
        return module, f"{_VARIABLE}={wanted}, and this CPU has no more", ""
    return module, f"{_VARIABLE}={wanted} says so", f"run: unset {_VARIABLE}" if module.level() < best else ""


def _sources() -> int | None:
    """A checksum of the C files, as setup.py makes it; None where they are not, as in an installed wheel."""
    files = sorted(Path(__file__).with_name("native").glob("*.[ch]"))
    return zlib.crc32(b"".join(path.read_bytes() for path in files)) >> 1 if files else None


_module, _reason, _remedy = _load()
_bound: list[str] = []


def compiled(function: _Function) -> _Function:
    """The compiled kernel of the function's name; the function itself where there is none.

    The kernel takes its arguments by position. The function is its ``__self__``.
    """
    if _module is None:
        return function
    code = inspect.unwrap(function).__code__
    names = code.co_varnames[: code.co_argcount]
    required = len(names) - len(function.__defaults__ or ())
    shown = ", ".join(name if i < required else f"{name}=None" for i, name in enumerate(names))
    text = (
        f"{function.__name__}({shown})\n--\n\n{function.__doc__}"  # which `help` and `signature` understand
    )
    kernel = _module.bind(function.__name__, function, function.__module__, text)
    if kernel is None:
        return function
    _bound.append(function.__name__)
    return kernel  # type: ignore[no-any-return]


def kernels() -> list[str]:
    """The names of those that are compiled, as far as their modules were imported."""
    return _bound


def level() -> str | None:
    """Which of the `LEVELS` the kernels compute with; None where they compute in NumPy."""
    return None if _module is None else LEVELS[_module.level()]


def described() -> str:
    """The way that the kernels take, and why, in a line."""
    used = level()
    return f"in NumPy: {_reason}" if used is None else f"compiled, {used} instructions: {_reason}"


def remedy() -> str:
    """What to do to have them faster; "" where nothing would help."""
    return _remedy
