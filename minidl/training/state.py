"""A Trainer's state: all that it has done so far, and from where it goes on."""

from __future__ import annotations

import os
import re
import time
from typing import Any

import numpy as np

from minidl.checks import check_int
from minidl.data import Batches, Dataset
from minidl.data.fingerprint import fingerprint
from minidl.errors import MinidlError, StateError
from minidl.generators import generator_state, load_generator_state
from minidl.stateful import check_keys, copied
from minidl.training.minimizing import MinimizingLoop
from minidl.transforms import Transform

_TRAINER = "Trainer"
_COUNTERS = ("epoch", "step", "last_step")
_WHOLE = "build net and Trainer anew, or load what was saved"


def _described(transform: Transform | None) -> str | None:
    """A transform as code, without the addresses in memory that stand in it for functions and objects."""
    return None if transform is None else re.sub(r" at 0x[0-9a-fA-F]+", "", repr(transform))


class StatefulLoop(MinimizingLoop):
    """`MinimizingLoop`, and its state."""

    _run_id = ""  # the run's name, drawn when it is first asked for
    _resumed: dict[str, Any] | None = None  # the batches of the fit from which the next one goes on
    _told: tuple[Any, str] = None, ""  # batches, and what tells their data from others

    def state_dict(self) -> dict[str, Any]:
        """What `save` writes: arrays, numbers, strings, and dicts, lists and tuples of them; copies.

        Raises
        ------
        StateError
            The last step was broken off within an update.
        """
        due = self._due
        if self._calling:
            due = due[1:]
        elif self._torn:
            raise StateError.expected(_TRAINER, "a step that is whole, to save", self._torn, _WHOLE)
        self._run_id = self._run_id or os.urandom(8).hex()
        owners = {id(callback): name for name, callback in self._named_callbacks().items()}
        is_computed = (self, "_update_computed") in due
        return {
            "run": self._run_id,
            **{name: getattr(self, name) for name in _COUNTERS},
            "stop_reason": self.stop_reason,
            "seconds": self._seconds + (time.perf_counter() - self._clock if self._clock else 0.0),
            "rng": generator_state(self._rng),
            "due": [[owners.get(id(owner), _TRAINER), name] for owner, name in due],
            "computed": copied(self._computed) if is_computed else None,
            "gradients": self.net.parameters.gradients.copy() if is_computed else None,
            "batches": self._batches_state(),
            "optimizer": {"class": type(self.optimizer).__name__, **self.optimizer.state_dict()},
            "callbacks": {
                name: state for name, one in self._named_callbacks().items() if (state := one.state_dict())
            },
            "metrics": self._tally.state_dict(),
            "history": self.history.state_dict(),
            "net": self.net.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where the Trainer was whose `state_dict` this is.

        Raises
        ------
        StateError
            It is of another net, optimizer, metrics or callbacks: all that differs is told. Nothing has
            changed then.
        """
        before = self.state_dict()
        check_keys(_TRAINER, state, before)
        holders = [*self.callbacks, *self._tally.metrics]
        attributes = [vars(one).copy() for one in holders]
        try:
            self._load(state)
        except BaseException:
            for one, had in zip(holders, attributes, strict=True):
                vars(one).clear()
                vars(one).update(had)
            self._load(before)
            raise

    def _load(self, state: dict[str, Any]) -> None:
        problems: list[str] = []
        callbacks = self._named_callbacks()
        loads = [
            (self.net.load_state_dict, state["net"]),
            (self._load_optimizer, state["optimizer"]),
            (self._tally.load_state_dict, state["metrics"]),
            (self.history.load_state_dict, state["history"]),
            (self._load_callbacks, state["callbacks"]),
        ]
        for load, part in loads:
            try:
                load(part)
            except MinidlError as error:
                problems.append(str(error))
        try:
            counters = [check_int(_TRAINER, name, state[name], at_least=0) for name in _COUNTERS]
            load_generator_state(_TRAINER, self._rng, state["rng"])
            due = [self._action(callbacks, *pair) for pair in state["due"]]
            seconds = float(state["seconds"])
        except (MinidlError, TypeError, ValueError) as error:
            problems.append(str(error))
        if problems:
            raise StateError("\n".join(problems))
        self.epoch, self.step, self.last_step = counters
        self._due = [action for action in due if action is not None]
        self._run_id, self.stop_reason, self._seconds = state["run"], state["stop_reason"], seconds
        self._torn, self._clock, self._computed = "", 0.0, copied(state["computed"])
        if state["gradients"] is not None:
            self.net.parameters.gradients[...] = state["gradients"]
        self._batches, self._resumed = None, state["batches"]

    def _load_optimizer(self, state: dict[str, Any]) -> None:
        kind = type(self.optimizer).__name__
        if not isinstance(state, dict) or state.get("class") != kind:
            got = state.get("class") if isinstance(state, dict) else state
            raise StateError.expected(_TRAINER, f"the state of {kind}", f"that of {got}")
        self.optimizer.load_state_dict({key: value for key, value in state.items() if key != "class"})
        if any(isinstance(value, np.ndarray) for value in state.values()):
            self.optimizer._bind(self.net.parameters)  # which compares the shapes

    def _load_callbacks(self, states: Any) -> None:
        own = {
            name: one
            for name, one in self._named_callbacks().items()
            if one.state_dict() or (one.state_names is None and name in states)
        }
        check_keys("callbacks", states, own)
        for name, callback in own.items():
            callback.load_state_dict(states[name])

    def _named_callbacks(self) -> dict[str, Any]:
        """Callbacks by their class and their number among those of it."""
        named: dict[str, Any] = {}
        for callback in self.callbacks:
            kind = type(callback).__name__
            named[f"{kind} {sum(name.startswith(f'{kind} ') for name in named)}"] = callback
        return named

    def _action(self, callbacks: dict[str, Any], owner: str, name: str) -> tuple[Any, str] | None:
        """What is due; a hook of a callback that is not there any more is not."""
        if owner != _TRAINER:
            found = (callbacks.get(owner), name)
            return found if found in self._hooks(name) else None
        if name not in ("_compute", "_update_computed", "_end_epoch"):
            raise StateError.expected(_TRAINER, "an action of its own that is due", repr(name))
        return self, name

    def _batches_state(self) -> dict[str, Any] | None:
        """Where the batches stand, and what of the data has to be the same."""
        if self._batches is None:
            return copied(self._resumed)  # type: ignore[no-any-return]
        if self._told[0] is not self._batches:
            self._told = self._batches, fingerprint(self._batches.dataset)
        told = {"data": self._told[1], "transform": _described(self._batches.transform)}
        return {"batches": self._batches.state_dict(), **told}

    def _go_on(self, train: Dataset, batch_size: int, sampling: str, transform: Transform | None) -> None:
        """Take up the batches of the checkpoint; where its fit had ended, other data may follow.

        Raises
        ------
        StateError
            The fit was broken off on other data, or with other batches.
        """
        kept = self._resumed
        if kept is None:
            return
        given = {"batch_size": batch_size, "sampling": sampling, "data": fingerprint(train)}
        given["transform"] = _described(transform)
        saved = {**kept["batches"], **kept}
        differing = [name for name, value in given.items() if saved[name] != value]
        if differing and (self.step >= self.last_step or self.stop_reason is not None):
            self._resumed = None
            return
        if differing:
            both = [f"{name} {saved[name]!r}" for name in differing if name != "data"]
            expected = ", ".join(both + ["the data that it was trained on"] * ("data" in differing))
            got = ", ".join(f"{name} {given[name]!r}" for name in differing if name != "data") or "others"
            remedy = "fit it to its end with these first, or give its net to a new Trainer"
            raise StateError.expected("fit of a resumed Trainer", expected, got, remedy)
        rng = generator_state(self._rng)
        batches = Batches(train, batch_size, rng=self._rng, sampling=sampling, transform=transform)
        load_generator_state(_TRAINER, self._rng, rng)  # from which the new batches have spawned
        batches.load_state_dict(kept["batches"])
        self._batches, self._resumed = batches, None
