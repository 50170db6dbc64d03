"""States of generators: every seed that NumPy takes comes back, and none that would take hours."""

import numpy as np
import pytest

from minidl.errors import StateError
from minidl.generators import MOST_WORDS, generator_state, load_generator_state


@pytest.mark.parametrize(
    "seed",
    [0, 10**40, None, [1, 2**40], (3,), np.arange(5), [np.int64(4)], np.array([], int), ["0x12", 3],
     range(3), np.random.SeedSequence(5, spawn_key=(1, 2), pool_size=8)],
    ids=repr,
)  # fmt: skip
def test_a_generator_goes_on_and_spawns_as_the_other(seed):
    rng, other = np.random.default_rng(seed), np.random.default_rng(1)
    rng.random(3), rng.spawn(np.int64(2))
    load_generator_state("here", other, generator_state(rng))
    assert other.random() == rng.random()
    assert other.spawn(1)[0].random() == rng.spawn(1)[0].random()


@pytest.mark.parametrize(
    "changes",
    [
        {"pool_size": MOST_WORDS + 1}, {"pool_size": 10**30}, {"pool_size": 0}, {"pool_size": 4.0},
        {"entropy": [1] * (MOST_WORDS + 1)}, {"entropy": np.zeros(10**6, int)}, {"entropy": -1},
        {"entropy": [10**4000] * 99}, {"entropy": ["0x" + "f" * 9 * MOST_WORDS]}, {"entropy": 0.5},
        {"entropy": [[]] * 9999}, {"entropy": [[[1] * 99] * 99]}, {"spawn_key": [1] * 10**6},
        {"spawn_key": "x"},
        {"n_children_spawned": -1},
        {"n_children_spawned": 1 << 40}, {"n_children_spawned": "2"}, {"another": 1},
    ],
    ids=lambda changes: f"{next(iter(changes))}",
)  # fmt: skip
def test_seeds_that_take_long_are_refused_and_change_nothing(changes):
    rng = np.random.default_rng(0)
    state, before = generator_state(rng), repr(generator_state(rng))
    with pytest.raises(StateError, match="here: expected the state of a PCG64, got") as caught:
        load_generator_state("here", rng, {**state, "seed": {**state["seed"], **changes}})
    assert len(str(caught.value)) < 500
    assert repr(generator_state(rng)) == before
