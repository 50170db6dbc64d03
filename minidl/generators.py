"""The state of random generators, all of it: what they draw next, and what is spawned from them next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.errors import StateError

MOST_WORDS = 1024
"""Of 32 bits, in a SeedSequence's memory, which has 4 by default, and in what it is seeded with: a billion
would take hours."""


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
        if seed is not None:
            _check_seed(**seed)
        sequence = bits.seed_seq if seed is None else np.random.SeedSequence(**seed)
        bits.__setstate__((state["bits"], sequence))
    except Exception as error:  # each kind of generator has checks of its own
        bits.__setstate__(before)
        expected = f"the state of a {type(bits).__name__}"
        raise StateError.expected(where, expected, f"{shown(state)} ({error})") from None


def _check_seed(*, entropy: Any, spawn_key: Any, pool_size: Any, n_children_spawned: Any) -> None:
    """`ValueError` for what a SeedSequence, or what is spawned from it, would take long to take in."""
    for name, given in (("entropy", entropy), ("spawn_key", spawn_key)):
        if _words(name, given) > MOST_WORDS:
            raise ValueError(f"{name} of more than {MOST_WORDS} words")
    for name, count, most in (
        ("pool_size", pool_size, MOST_WORDS),
        ("n_children_spawned", n_children_spawned, 1 << 32),
    ):
        if not (isinstance(count, (int, np.integer)) and 0 <= count <= most):
            raise ValueError(f"{name} {shown(count)}")


def _words(name: str, given: Any) -> int:
    """How many words, at least, a seed takes; as NumPy takes it, a text is a number, too."""
    if isinstance(given, str):
        return 1 + len(given) // 8
    if given is None or isinstance(given, (int, np.integer)):
        return 1 + int(given or 0).bit_length() // 32
    if isinstance(given, (Sequence, np.ndarray)):
        return max(sum(_words(name, each) for each in given[: MOST_WORDS + 1]), 1)
    raise ValueError(f"{name} that is no whole numbers")
