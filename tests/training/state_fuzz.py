"""States with something wrong in them: what a Trainer makes of them."""

import copy
import random
from contextlib import suppress

import numpy as np

ODD = [
    None, True, 0, 1, -1, 3, 10**400, 2**63, -(2**70), 0.0, -0.5, float("nan"), float("inf"), 1e308, "", "no",
    "Trainer", "_compute", "_update_computed", "_end_epoch", "on_step_end", [], [1],
    [["Trainer", "_compute"]], [["Trainer", "_update_computed"]], [["Trainer", "_end_epoch"]],
    [["Average 0", "on_step_end"]],
    [["Average 0", "__init__"]], (), (1, 2), {}, {"": 1}, {"bits": None, "seed": None},
    np.zeros(0), np.zeros(3), np.array(1.0), np.array(["a"]), np.full(5, np.nan, np.float32), np.arange(90),
    np.zeros(90, np.int64), np.full(90, -1), np.ones((2, 2), bool),
]  # fmt: skip


def places(state, path=()):
    """The paths of all that is in it."""
    yield path
    if isinstance(state, dict):
        for key in state:
            yield from places(state[key], (*path, key))
    elif isinstance(state, (list, tuple)):
        for place in range(min(len(state), 4)):
            yield from places(state[place], (*path, place))


def with_other(state, path, change):
    """`state` with something else at `path`: `change(value)`, or nothing where that raises LookupError."""
    if not path:
        return change(state)
    first, *rest = path
    made = list(state) if isinstance(state, (list, tuple)) else dict(state)
    try:
        made[first] = with_other(state[first], rest, change)
    except LookupError:
        del made[first]
    return tuple(made) if isinstance(state, tuple) else made


def changed(value, rng):
    """Something else in the place of `value`; LookupError for nothing at all."""
    kind = rng.randrange(6)
    if kind == 0:
        raise LookupError
    if kind == 1 and isinstance(value, np.ndarray):
        ways = [
            lambda: value.astype(rng.choice([np.float64, np.float32, np.float16, np.int64, np.int8, bool])),
            lambda: value[:-1] if value.ndim else value.reshape(1),
            lambda: np.concatenate([value, value]) if value.ndim else value,
            lambda: value[None], lambda: value.reshape(-1), lambda: value.astype(str), lambda: -value,
            lambda: value * 10**9,
        ]  # fmt: skip
        try:
            return rng.choice(ways)()
        except TypeError:
            return None
    if kind == 1 and isinstance(value, dict):
        return {**value, rng.choice(["more", "", *value]): rng.choice(ODD)}
    if kind == 1 and isinstance(value, (list, tuple)):
        return rng.choice([value[:-1], value + value, [*value], (*value,), type(value)([None]) + value])
    if kind == 1 and type(value) in (int, float):
        return rng.choice(
            [
                -value,
                value + 1,
                value + 0.5 if abs(value) < 2**64 else 0.5,
                value * 10**30,
                str(value),
                bool(value),
            ]
        )
    return copy.deepcopy(rng.choice(ODD))


def mutated(state, seed):
    """A state with one to three things changed."""
    rng = random.Random(seed)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        depth = rng.choice([1, 2, 3, 9])
        found = [path for path in places(state) if len(path) <= depth]
        with suppress(LookupError):  # all of it is to go
            state = with_other(state, rng.choice(found), lambda value: changed(value, rng))
    return state
