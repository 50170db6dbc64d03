"""What gives and takes its state: a dict of arrays and plain values, which a checkpoint puts into a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.errors import StateError


class Stateful:
    """The base of what changes while a net is trained, and is to go on from there in another process.

    Attributes
    ----------
    state_names : tuple of str or None
        The attributes that are kept: arrays, numbers, strings, None, and lists, tuples and dicts of them.
        By default all that there are.
    """

    state_names: tuple[str, ...] | None = None

    def state_dict(self) -> dict[str, Any]:
        """The attributes that are kept, by name, as copies."""
        names = [*vars(self)] if self.state_names is None else self.state_names
        return {name: copied(getattr(self, name)) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave.

        Raises
        ------
        StateError
            It is of other attributes; nothing has changed then.
        """
        own = self.state_names
        if own is None:  # what a hook has set since the constructor is an attribute, too
            given = state if isinstance(state, dict) else ()
            own = (*vars(self), *(name for name in given if _holds_data(type(self), name)))
        check_keys(type(self).__name__, state, own)
        for name, value in state.items():
            setattr(self, name, copied(value))


def _holds_data(kind: type, name: Any) -> bool:
    """Whether an attribute of that name would take the place of no method or property of the class."""
    there = getattr(kind, str(name), None)
    is_taken = callable(there) or hasattr(there, "__get__")
    return isinstance(name, str) and name.isidentifier() and not is_taken


def copied(value: Any) -> Any:
    """`value`, with copies of the arrays in it."""
    if isinstance(value, np.ndarray):
        return value.copy(order="K")
    if type(value) in (list, tuple):
        return type(value)(map(copied, value))
    return {key: copied(item) for key, item in value.items()} if type(value) is dict else value


def check_keys(where: str, state: object, own: Any) -> None:
    """`StateError` for what is no dict with these keys; what is missing and what is too many is named."""
    if not isinstance(state, dict):
        raise StateError.expected(where, f"a state with {', '.join(own) or 'nothing'}", shown(state))
    missing = [name for name in own if name not in state]
    others = [str(name) for name in state if name not in own]
    got = [f"none of {', '.join(missing)}"] * bool(missing) + [f"also {', '.join(others)}"] * bool(others)
    if got:
        expected = f"a state with {', '.join(own) or 'nothing'}"
        raise StateError.expected(where, expected, " and ".join(got))
