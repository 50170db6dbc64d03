"""The contract of an optimizer: the vector of parameters changed in place from the vector of gradients."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.checks import check_array, check_float, check_int
from minidl.errors import ShapeError, StateError
from minidl.optimizers.reach import Reaching
from minidl.types import Array
from minidl.vectors import ParameterVector, check_vector


class Optimizer(Reaching, ABC):
    """One way to step along the gradient: an `update`, and the names of the vectors that it keeps.

    A Trainer undoes an update that leaves the finite numbers. That takes a copy at each step, unless the
    optimizer says by `reach` how large an update can make a number.

    Parameters
    ----------
    lr : float > 0
        The learning rate.

    Attributes
    ----------
    lr : float
        The one rate there is. Set it at any time; a schedule multiplies it, nobody else writes it.
    state_names : tuple of str
        Vectors as long as the gradients and 0 at first, which `update` is given by these names.
    separates_regularized : bool
        Whether `update` is also given `regularized`, which says of a part whether a penalty covers it, as
        it does weights and not biases; a part is then all of the one or all of the other kind.
    steps : int
        Updates made.

    Examples
    --------
    >>> class SignSGD(Optimizer):
    ...     def update(self, values, gradients, lr):
    ...         values -= lr * np.sign(gradients)
    ...
    ...     def reach(self, largest, norm, lr):
    ...         return largest + lr
    """

    state_names: tuple[str, ...] = ()
    separates_regularized: bool = False

    def __init__(self, lr: float) -> None:
        self.lr = check_float(type(self).__name__, "lr", lr, above=0)
        self.steps = 0
        self._state: dict[str, Array] = {}
        self._parameters: ParameterVector | None = None  # what the state belongs to
        self._trainable: tuple[slice, ...] | None = None
        self._views: list[Any] = []  # a part's values, gradients and state

    def _set_lr(self, lr: float) -> None:
        self._lr = check_float(type(self).__name__, "lr", lr, at_least=0)

    lr = property(attrgetter("_lr"), _set_lr, doc="The learning rate.")

    @abstractmethod
    def update(self, values: Array, gradients: Array, lr: float, **state: Any) -> None:
        """Change `values`, a part of the vector, and the parts of the state, all in place.

        A part is all that trains, unless parameters are frozen or `separates_regularized`; the gradients
        are read only.
        """

    def step(self, parameters: ParameterVector, factor: float = 1.0) -> None:
        """Change ``parameters.values`` in place by one update at ``lr * factor``.

        Raises
        ------
        StateError
            The state belongs to the parameters of another net.
        """
        try:
            if parameters.trainable is not self._trainable:  # another vector, or others are frozen
                self._bind(parameters)
        except AttributeError:
            check_vector(type(self).__name__, parameters)
            raise
        lr = self._lr * factor
        for values, gradients, state in self._views:
            self.update(values, gradients, lr, **state)
        self.steps += 1

    def _bind(self, parameters: ParameterVector) -> None:
        name = type(self).__name__
        if self._parameters not in (None, parameters) and self._state:
            expected = "the parameters of the net that it has trained"
            remedy = "give each net an optimizer of its own"
            raise StateError.expected(name, expected, "those of another", remedy)
        for state in self.state_names:
            vector = self._state.setdefault(state, np.zeros_like(parameters.gradients))
            if (vector.shape, vector.dtype) != (parameters.gradients.shape, parameters.gradients.dtype):
                expected = f"{state} of shape {parameters.gradients.shape}, as the gradients"
                raise ShapeError.expected(name, expected, vector.shape, "load the state of this very net")
        self._parameters, self._trainable = parameters, parameters.trainable
        vectors = parameters.values, parameters.gradients
        self._views = [
            (*(vector[part] for vector in vectors), {name: v[part] for name, v in self._state.items()} | told)
            for told, part in self._parts(parameters)
        ]

    def _parts(self, parameters: ParameterVector) -> Iterator[tuple[dict[str, Any], slice]]:
        """What is updated at once: all that trains and of which `update` is told the same."""
        parts = [parameter for _, parameter in parameters.items()]
        told = dict(zip(map(id, parts), self._told(parameters), strict=True))

        def runs(what: dict[str, Any]) -> tuple[slice, ...]:
            return parameters.runs(lambda part: told[id(part)] == what and not part.frozen)

        for what in {repr(what): what for what in told.values()}.values():
            yield from ((what, part) for part in runs(what))

    def _told(self, parameters: ParameterVector) -> list[dict[str, Any]]:
        """What `update` is told of each parameter, beside the vectors."""
        separates = self.separates_regularized
        return [{"regularized": p.regularized} if separates else {} for _, p in parameters.items()]

    def __getstate__(self) -> dict[str, Any]:
        # Views would be copied as arrays of their own.
        return {**self.__dict__, "_trainable": None, "_views": []}

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs beside the constructor's arguments, as copies: lr, steps, the vectors."""
        kept = {name: self._state.get(name) for name in self.state_names}
        vectors = {name: None if vector is None else vector.copy() for name, vector in kept.items()}
        return {"lr": self.lr, "steps": self.steps, **vectors}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` gave; it goes with the next net that is stepped."""
        name, known = type(self).__name__, {"lr", "steps", *self.state_names}
        if not isinstance(state, dict) or state.keys() != known:
            raise StateError.expected(name, f"a state with {', '.join(sorted(known))}", shown(state))
        steps = check_int(name, "steps", state["steps"], at_least=0)
        there = {key: state[key] for key in self.state_names if state[key] is not None}
        vectors = {key: np.array(check_array(name, key, vector)) for key, vector in there.items()}
        self.lr = state["lr"]
        self.steps, self._state = steps, vectors
        # The next step takes up these vectors, of which nothing is known.
        self._parameters, self._trainable, self._largest = None, None, math.nan
