"""What can be wrong with a state that `Batches` shall go on from."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.data.sampling import Sampler
from minidl.errors import StateError
from minidl.types import Array

_MOST_EPOCHS = 1 << 31  # so that the number of a batch fits in 64 bits


def checked_state(state: Any, own: dict[str, Any]) -> None:
    """`StateError` if `state` is of another kind than `own`, the state of the batches that shall take it."""
    if not isinstance(state, dict) or state.keys() != own.keys():
        got = list(state) if isinstance(state, dict) else shown(state)
        raise StateError.expected("Batches", f"a state with {', '.join(own)}", got)
    for name in ("batch_size", "sampling"):
        if state[name] != own[name]:
            raise StateError.expected("Batches", f"a state of {name} {own[name]!r}", shown(state[name]))
    key = state.get("key")
    if "key" in own and not (isinstance(key, np.ndarray) and key.shape == (2,) and key.dtype == np.uint64):
        raise StateError.expected("Batches", "key to be two integers, uint64", shown(key))


def checked_place(state: dict[str, Any], sampler: Sampler) -> tuple[int, Array, int]:
    """The number of the epoch, its order and how many batches of it were drawn, or `StateError`."""
    steps = sampler.steps_per_epoch
    epoch = _checked_int("epoch", state["epoch"], 0, _MOST_EPOCHS)
    step = _checked_int("step", state["step"], 0 if epoch else steps, steps)
    return epoch, sampler.check_order(state["order"], epoch), step


def _checked_int(name: str, value: object, least: int, most: int | None = None) -> int:
    if type(value) is int and least <= value and (most is None or value <= most):
        return value
    domain = f">= {least}" if most is None else f"from {least} to {most}"
    raise StateError.expected("Batches", f"{name} to be a whole number {domain}", shown(value))
