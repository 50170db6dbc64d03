"""A Trainer's state: all that it has done so far, and from where it goes on."""

from __future__ import annotations

import copy
import os
import time
from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.callbacks.callback import HOOKS
from minidl.errors import MinidlError, StateError
from minidl.generators import generator_state, load_generator_state
from minidl.net_state import made_otherwise
from minidl.stateful import check_forms, check_keys, copied, fits
from minidl.training.place import PlacedLoop

_TRAINER = "Trainer"
_COUNTERS = ("epoch", "step", "last_step")
_OWN = ("_compute", "_update_computed", "_end_epoch")
_FORMS = {
    "run": str, "made": dict, "seconds": float, "is_fitting": bool, "due": list,
    **dict.fromkeys(_COUNTERS, int),
    "computed": [((float, float, np.ndarray), np.ndarray, [np.ndarray, None], float), None],
    "batches": [{"batches": dict, "data": str, "transform": [str, None]}, None],
}  # fmt: skip
_OF_BATCHES = {"batch_size": int, "sampling": str}
_NONE = dict.fromkeys(_OF_BATCHES)
_WHOLE = "build net and Trainer anew, or load what was saved"


class StatefulLoop(PlacedLoop):
    """`PlacedLoop`, and its state."""

    _run_id = ""  # the run's name, drawn when it is first asked for
    _left: tuple[bool, str | None] = False, None  # whether that fit had not ended, and what had stopped it

    @property
    def run_id(self) -> str:
        """The run's name, by which its checkpoints are known; that of the run which is resumed."""
        self._run_id = self._run_id or os.urandom(8).hex()
        return self._run_id

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
        owners = {id(callback): name for name, callback in self._named_callbacks().items()}
        is_computed = (self, "_update_computed") in due
        return {
            "run": self.run_id,
            "made": self._made.copy(),
            **{name: getattr(self, name) for name in _COUNTERS},
            "stop_reason": self.stop_reason if self._left[1] is None else self._left[1],
            "is_fitting": self._clock > 0 or self._left[0],
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
        check_forms(_TRAINER, state, {**_FORMS, "gradients": [self.net.parameters.gradients, None]})
        try:
            self._load(state)
            self._try_sums()
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
        if not problems and (others := made_otherwise(self._made, state["made"])):
            remedy = "build the net as it was built then"
            expected = "the net that was saved"
            problems.append(str(StateError.expected(_TRAINER, expected, "; ".join(others), remedy)))
        try:
            if state["batches"] is not None:
                check_forms("batches", {**_NONE, **state["batches"]["batches"]}, _OF_BATCHES)
            load_generator_state(_TRAINER, self._rng, state["rng"])
            due = [
                self._action(callbacks, *pair) for pair in _checked_due(state, len(self.history.epochs["lr"]))
            ]
        except MinidlError as error:
            problems.append(str(error))
        if problems:
            raise StateError("\n".join(problems))
        self.epoch, self.step, self.last_step = (state[name] for name in _COUNTERS)
        self._due = [action for action in due if action is not None]
        self._run_id, self._seconds, reason = state["run"], state["seconds"], state["stop_reason"]
        self._left = state["is_fitting"], reason if state["is_fitting"] else None
        self.stop_reason = None if state["is_fitting"] else reason
        self._torn, self._clock, self._computed = "", 0.0, copied(state["computed"])
        if state["gradients"] is not None:
            self.net.parameters.gradients[...] = state["gradients"]
        self._batches, self._resumed = None, state["batches"]

    def _reason(self) -> str | None:
        """What had stopped the fit of the checkpoint, so that the next one has only to end it."""
        (_, reason), self._left = self._left, (False, None)
        return reason

    def _load_optimizer(self, state: dict[str, Any]) -> None:
        kind = type(self.optimizer).__name__
        if not (isinstance(state, dict) and fits(state.get("class"), str) and state["class"] == kind):
            got = state.get("class") if isinstance(state, dict) else state
            got = got if isinstance(got, str) else shown(got)
            raise StateError.expected(_TRAINER, f"the state of {kind}", f"that of {got}")
        check_keys(kind, state, {"class": kind, **self.optimizer.state_dict()})
        check_forms(kind, state, {"lr": float, "steps": int})
        self.optimizer.load_state_dict({key: value for key, value in state.items() if key != "class"})
        if any(isinstance(value, np.ndarray) for value in state.values()):
            self.optimizer._bind(self.net.parameters)  # which compares the shapes

    def _load_callbacks(self, states: Any) -> None:
        own = {
            name: one
            for name, one in self._named_callbacks().items()
            if one.state_dict() or (one.state_names is None and name in states)
        }
        try:
            check_keys("callbacks", states, own)
        except StateError as error:
            remedy = "give those that it was saved with; state_names = () says that one keeps nothing"
            raise StateError(f"{error}; {remedy}") from None
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
        return self, name

    def _try_sums(self) -> None:
        """`StateError` where the metrics cannot go on from their sums."""
        tally = copy.copy(self._tally)
        tally.metrics = copy.deepcopy(tally.metrics)
        try:
            if self._computed is not None:
                (_, loss, scores), targets, weights, _ = self._computed
                tally.add(loss, scores, targets, weights)
            if tally.weight:
                tally.result()
        except Exception as error:  # each metric has attributes of its own
            raise StateError.expected(_TRAINER, "sums that its metrics can add to", error) from None


def _checked_due(state: dict[str, Any], epochs: int) -> list[list[str]]:
    """What is due; `StateError` where that cannot be done with the rest of the state."""
    due = state["due"]
    pairs = [pair for pair in due if type(pair) is list and fits(tuple(pair), (str, str))]
    own = [name for owner, name in pairs if owner == _TRAINER]
    names = [name for _, name in pairs]
    knows = all(name in (_OWN if owner == _TRAINER else HOOKS) for owner, name in pairs)
    is_computed = "_update_computed" in own
    begun = epochs or "_end_epoch" in own or "on_epoch_end" not in names
    begun = begun and (state["step"] or "_end_epoch" not in own)
    whole = [(state[name] is not None) == is_computed for name in ("computed", "gradients")]
    if not (len(pairs) == len(due) and knows and begun and all(whole)):
        raise StateError.expected(_TRAINER, "actions that are due at this step", shown(due))
    return pairs
