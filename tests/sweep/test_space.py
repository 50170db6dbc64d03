import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import ConfigurationError
from minidl.sweep import Grid, Random

NAMES = st.text("abcdefgh", min_size=1, max_size=3)
SCALARS = (
    st.booleans()
    | st.none()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3)
COLUMNS = st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=4), min_size=1, max_size=3)


@given(COLUMNS)
def test_a_grid_is_every_combination_once_in_order(columns):
    configurations = Grid(**columns).configurations()
    texts = [json.dumps(configuration, allow_nan=False) for configuration in configurations]
    assert len(set(texts)) == len(texts)
    distinct = {name: list(dict.fromkeys(map(json.dumps, column))) for name, column in columns.items()}
    assert len(texts) == math.prod(map(len, distinct.values()))
    places = [
        tuple(distinct[name].index(json.dumps(value)) for name, value in configuration.items())
        for configuration in configurations
    ]
    assert places == sorted(places)


def test_a_grid_in_plain_values():
    grid = Grid(hidden=[100, (300, np.int64(100))], lr=np.array([0.1, 0.2]), shuffle=[np.bool_(True)])
    assert grid.configurations() == [
        {"hidden": 100, "lr": 0.1, "shuffle": True},
        {"hidden": 100, "lr": 0.2, "shuffle": True},
        {"hidden": [300, 100], "lr": 0.1, "shuffle": True},
        {"hidden": [300, 100], "lr": 0.2, "shuffle": True},
    ]
    assert type(grid.configurations()[0]["lr"]) is float
    grid.configurations()[0]["lr"] = 9
    assert grid.configurations()[0]["lr"] == 0.1


@given(st.integers(1, 30), st.integers(0, 2**32))
def test_random_draws(count, seed):
    stats = pytest.importorskip("scipy.stats")
    space = Random(count, seed=seed, lr=stats.loguniform(1e-4, 1e-1), hidden=stats.randint(5, 9), reg=[0, 1])
    configurations = space.configurations()
    assert configurations == space.configurations()
    assert len(configurations) == count  # rates of a continuous distribution are all different
    assert json.loads(json.dumps(configurations, allow_nan=False)) == configurations
    for configuration in configurations:
        assert 1e-4 <= configuration["lr"] <= 1e-1
        assert configuration["hidden"] in range(5, 9)
        assert type(configuration["hidden"]) is int
        assert configuration["reg"] in (0, 1)


def test_what_is_drawn_twice_is_tried_once():
    configurations = Random(50, a=[1, 2, 3]).configurations()
    assert sorted(configuration["a"] for configuration in configurations) == [1, 2, 3]
    assert Random(20, seed=1, a=range(1000)).configurations() != Random(20, a=range(1000)).configurations()


class Never:
    def rvs(self, random_state):
        return math.nan


class Broken:
    def rvs(self):
        return 1.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Grid(), "Grid: expected a name with its values"),
        (lambda: Grid(lr=[]), "a value or more for 'lr', got none"),
        (
            lambda: Grid(lr=0.1),
            r"expected a sequence of values for 'lr', got 0.1; a single value is lr=\[...\]",
        ),
        (
            lambda: Grid({"lr": [1]}),
            r"by their keys' names, .*, got {'lr': \[1\]}; unpack a dict: Grid\(\*\*values\)",
        ),
        (lambda: Random({"lr": [1]}), r"unpack a dict: Random\(20, \*\*values\)"),
        (lambda: Random(3, {"lr": [1]}), r"unpack a dict: Random\(20, \*\*values\)"),
        (lambda: Grid(lr={"a": 1}), "expected a sequence of values for 'lr', got {'a': 1}"),
        (lambda: Grid(lr=np.ma.array([1, 2], mask=[0, 1])), "values for 'lr', got a masked one"),
        (lambda: Grid(lr=[np.ma.array([1, 2], mask=[0, 1])]), "values for 'lr', got a masked one"),
        (
            lambda: Random(3, lr=1.0),
            "a sequence of values for 'lr', or a frozen distribution of scipy.stats, got",
        ),
        (
            lambda: Random(3, lr=Broken()).configurations(),
            "a distribution for 'lr' that can be drawn from by rvs.ran",
        ),
        (
            lambda: Random(3, lr=Broken).configurations(),
            "a distribution for 'lr' that can be drawn from by rvs.rand",
        ),
        (lambda: Grid(name="abc"), "expected a sequence of values for 'name', got 'abc'"),
        (lambda: Grid(name={"a", "b"}), "expected a sequence of values for 'name', got {"),
        (lambda: Grid(lr=np.array(0.1)), "expected a sequence of values for 'lr', got array"),
        (lambda: Grid(lr=[0.1, math.nan]), "finite values for 'lr', got nan"),
        (lambda: Grid(lr=[[0.1, math.inf]]), "finite values for 'lr', got inf"),
        (lambda: Grid(layer=[object]), "numbers, strings, booleans, None or sequences of these for 'layer'"),
        (lambda: Random(3), "Random: expected a name with its values"),
        (lambda: Random(0, lr=[1]), "count to be a whole number >= 1, got 0"),
        (lambda: Random(3, lr=Never()).configurations(), "Random: expected finite values for 'lr', got nan"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_a_distribution_of_scipy_has_its_parameters():
    stats = pytest.importorskip("scipy.stats")
    with pytest.raises(
        ConfigurationError, match=r"got loguniform itself; freeze it: lr=loguniform\(1e-4, 1e-1\)"
    ):
        Random(3, lr=stats.loguniform)
    with pytest.raises(
        ConfigurationError, match=r"got randint itself; freeze it: units=randint\(low, high\)"
    ):
        Random(3, units=stats.randint)
    with pytest.raises(
        ConfigurationError, match="'lr' that can be drawn from .*, got ValueError: Domain error"
    ):
        Random(3, lr=stats.loguniform(-1, 2)).configurations()
    assert len(Random(3, shift=stats.norm).configurations()) == 3  # the standard normal has none to give


def test_a_frame_is_no_sequence_of_values():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ConfigurationError, match="a sequence of values for 'lr', got DataFrame"):
        Grid(lr=pandas.DataFrame({"a": [1, 2]}))
    assert Grid(lr=pandas.Series([0.1, 0.2])).values == {"lr": [0.1, 0.2]}
