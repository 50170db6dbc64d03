"""What gives and takes its state: a dict of arrays and plain values, which a checkpoint puts into a file."""

from __future__ import annotations

from typing import Any, ClassVar

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
    state_forms : dict
        What they may be, by name, as `fits` takes it; a name that is missing may be anything.
    """

    state_names: tuple[str, ...] | None = None
    state_forms: ClassVar[dict[str, Any]] = {}

    def state_dict(self) -> dict[str, Any]:
        """The attributes that are kept, by name, as copies."""
        names = [*vars(self)] if self.state_names is None else self.state_names
        return {name: copied(getattr(self, name)) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave.

        Raises
        ------
        StateError
            It is of other attributes, or one is of another form; nothing has changed then.
        """
        own: Any = self.state_names
        if own is None:  # what a hook has set since the constructor is an attribute, too
            given = state if isinstance(state, dict) else ()
            own = [*vars(self)]
            if not self.state_forms:  # or the class has said what it has
                own += [name for name in given if name not in own and _holds_data(type(self), name)]
        check_keys(type(self).__name__, state, own)
        check_forms(type(self).__name__, state, self.state_forms)
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


_MOST = 1 << 53  # up to which a float holds every whole number, and which no run counts to


def fits(value: object, form: Any) -> bool:
    """Whether `value` is of a form.

    Parameters
    ----------
    value : object
    form : object
        None, bool, str, list; int, for one that counts; float, for any number that a float holds;
        `numpy.ndarray`, for one of numbers; an array, for one of its shape and dtype; a tuple or a dict of
        forms; a list of forms of which one will do.
    """
    if isinstance(form, list):
        return any(fits(value, one) for one in form)
    if isinstance(form, tuple):
        return type(value) is tuple and len(value) == len(form) and all(map(fits, value, form))
    if isinstance(form, dict):
        return (
            type(value) is dict
            and value.keys() == form.keys()
            and all(fits(value[key], one) for key, one in form.items())
        )
    if isinstance(form, np.ndarray):
        return isinstance(value, np.ndarray) and (value.shape, value.dtype) == (form.shape, form.dtype)
    if form is np.ndarray:
        return isinstance(value, np.ndarray) and value.dtype.kind in "fiub"
    if form is bool:
        return isinstance(value, (bool, np.bool_))
    if form in (int, float):
        is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if is_whole:
            return (0 if form is int else -_MOST) <= value <= _MOST  # type: ignore[operator]
        return form is float and isinstance(value, (float, np.floating))
    return value is None if form is None else isinstance(value, form)


def check_forms(where: str, state: dict[str, Any], forms: dict[str, Any]) -> None:
    """`StateError` where something in `state` is not of its form; all of it is named."""
    got = [f"{name} {shown(state[name])}" for name, form in forms.items() if not fits(state[name], form)]
    if got:
        raise StateError.expected(where, "a state as state_dict gives it", ", ".join(got))


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
