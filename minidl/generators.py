"""The state of random generators, all of it: what they draw next, and what is spawned from them next."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.errors import StateError

_MOST_POOL = 1024  # words of a SeedSequence's memory, which is 4 by default: a billion would take an hour


def generator_state(rng: np.random.Generator) -> dict[str, Any]:
    """What `load_generator_state` needs: arrays, numbers and strings, copies all of them.

    Returns
    -------
    dict
        ``bits``, as NumPy gives it; ``seed``, the arguments of the `SeedSequence` from which generators
        are spawned, or None where there is another.
    """
    bits = rng.bit_generator
    sequence = getattr(bits, "seed_seq", None)
    seed = None
    if type(sequence) is np.random.SeedSequence:
        names = ("entropy", "spawn_key", "pool_size", "n_children_spawned")
        seed = {name: getattr(sequence, name) for name in names}
    return {"bits": dict(bits.state), "seed": seed}


def load_generator_state(where: str, rng: np.random.Generator, state: Any) -> None:
    """Let `rng`, whose object stays the same, go on as the generator whose state this is.

    Raises
    ------
    StateError
        It is none, or one of another kind of generator; `rng` is as it was then.
    """
    bits: Any = rng.bit_generator
    before = bits.__getstate__()
    try:
        seed = state["seed"]
        if seed is not None and seed["pool_size"] > _MOST_POOL:
            raise ValueError(f"pool_size {seed['pool_size']}")
        sequence = bits.seed_seq if seed is None else np.random.SeedSequence(**seed)
        bits.__setstate__((state["bits"], sequence))
    except Exception as error:  # each kind of generator has checks of its own
        bits.__setstate__(before)
        expected = f"the state of a {type(bits).__name__}"
        raise StateError.expected(where, expected, f"{shown(state)} ({error})") from None
