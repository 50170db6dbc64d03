"""Objects as the calls that make them."""

from __future__ import annotations

import dataclasses
import inspect
import re
from abc import ABCMeta
from typing import Any

import numpy as np

_LONG_CALL = 100  # characters from which each argument has a line of its own
_LARGE_ARRAY = 100  # numbers from which only the shape is shown


class Constructing(ABCMeta):
    """The class of modules' classes: where a constructor raises, the parts it has taken are free again."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """As every class, but what has been registered before an error stands nowhere after it."""
        made: Any = cls.__new__(cls, *args, **kwargs)  # type: ignore[arg-type]
        try:
            made.__init__(*args, **kwargs)
        except BaseException:
            for _, part in made.children():
                part._place("")
            raise
        return made


class ConstructorSignature:
    """The signature of a class is its constructor's, where `__new__` takes anything."""

    def __get__(self, instance: object, owner: type[Any]) -> inspect.Signature:
        signature = inspect.signature(owner.__init__)
        return signature.replace(parameters=list(signature.parameters.values())[1:])


def arguments(made: object, signature: inspect.Signature) -> dict[str, Any]:
    """The constructor's arguments by name, read from the attributes of these names; see `Module.config`.

    Raises
    ------
    AttributeError
        With the name of an argument that is not kept.
    """
    found: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        if name == "rng":  # spent once the object is made
            continue
        if not hasattr(made, name):
            raise AttributeError(name=name)
        value = getattr(made, name)
        if parameter.kind is parameter.VAR_KEYWORD:
            found.update(value)
        elif not isinstance(value, np.random.Generator):
            found[f"*{name}" if parameter.kind is parameter.VAR_POSITIONAL else name] = value
    return found


def call_as_code(name: str, signature: inspect.Signature, arguments: dict[str, Any]) -> str:
    """The call that makes an object from `arguments`, of which defaults are left out.

    ``*name`` holds what is given by position, as `Module.config` has it.
    """
    shown: list[str] = []
    for key, value in arguments.items():
        parameter = signature.parameters.get(key)
        if key.startswith("*"):
            shown += map(as_code, value)
        elif parameter is None or parameter.default is parameter.empty:
            by_name = parameter is None or parameter.kind is parameter.KEYWORD_ONLY
            shown.append(f"{key}={as_code(value)}" if by_name else as_code(value))
        elif as_code(value) != as_code(parameter.default):
            shown.append(f"{key}={as_code(value)}")
    if not any("\n" in text for text in shown) and sum(map(len, shown)) < _LONG_CALL:
        return f"{name}({', '.join(shown)})"
    lines = "".join(f"\n{text},".replace("\n", "\n    ") for text in shown)
    return f"{name}({lines}\n)"


def as_code(value: Any) -> str:
    """`value` as an expression; of a large array the shape alone, which is none."""
    if isinstance(value, np.ndarray):
        if value.size > _LARGE_ARRAY:
            return f"<{value.shape} {value.dtype}>"
        return f"np.array({value.tolist()!r}, {value.dtype.name!r})"
    if isinstance(value, np.generic) and not isinstance(value, (str, bytes)):
        return as_code(value.item())
    if isinstance(value, np.dtype):
        return repr(value.name)
    if isinstance(value, type) and issubclass(value, np.generic):
        return repr(np.dtype(value).name)
    if type(value) in (tuple, list):
        items = ", ".join(map(as_code, value))
        return f"[{items}]" if isinstance(value, list) else f"({items}{',' * (len(value) == 1)})"
    if type(value) is dict:
        return f"{{{', '.join(f'{key!r}: {as_code(item)}' for key, item in value.items())}}}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and callable(value):
        fields = [as_code(getattr(value, field.name)) for field in dataclasses.fields(value)]
        return f"{type(value).__name__}({', '.join(fields)})"
    return getattr(value, "__name__", None) or repr(value)


def without_addresses(text: str) -> str:
    """`text` without the addresses that `repr` gives: they differ from process to process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
