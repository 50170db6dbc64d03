"""Data that a net was not trained on: a line on standard error, and no error."""

import copy
import math

import numpy as np
import pytest

import minidl
from minidl import Dataset
from minidl.cli.doubts import warn_of_scale
from minidl.data import Column
from minidl.layers import Affine, Flatten, Sequential, Standardize
from tests.cli import runs
from tests.cli.calling import call


def test_categories_that_the_net_does_not_know(tmp_path, capsys):
    net = Sequential(Affine(3, 1, rng=0), minidl.MeanSquaredError())
    made = {"columns": ["colour", "kind", "size"], "target": "price", "task": "numbers"}
    made["categories"] = {"colour": ["blue", "red"], "kind": ["", "old"]}
    runs.keep(tmp_path / "run", net, tmp_path / "gone.csv", **made)
    lines = ["colour,kind,size,price", "red,old,1,2", "'red',,2,3", "green,old,3,4", "GREEN,young,4,5"]
    unknown = "rows hold categories unknown to the net"
    told = [f"minidl: column 'colour': 3 of 4 {unknown} (\"'red'\", 'green', 'GREEN')"]
    told += [f"minidl: column 'kind': 1 of 4 {unknown} ('young')"]
    for command in ("evaluate", "predict"):
        (tmp_path / "new.csv").write_text("\n".join(lines))
        assert call(f"{command} run new.csv") == 0
        assert capsys.readouterr().err.splitlines() == told
        (tmp_path / "new.csv").write_text("\n".join(lines[:2]))
        assert call(f"{command} run new.csv") == 0
        assert not capsys.readouterr().err


def pixels(count=50, highest=255):
    rng = np.random.default_rng(0)
    return rng.integers(0, highest + 1, (count, 4, 4)) * (rng.random((count, 4, 4)) < 0.4)


IMAGES = Standardize.fit(pixels(), shared_scale=True)
TABLE = Standardize([100, 5, 7], [20, 1, 1.0])


@pytest.mark.parametrize(
    ("layer", "x", "told"),
    [
        (IMAGES, pixels(), None),
        (IMAGES, pixels(1), None),
        (IMAGES, np.zeros((1, 4, 4)), None),  # a black image
        (IMAGES, pixels() / 255, "values from 0 to 1, the net was trained on values about "),
        (IMAGES, pixels(1) / 255, "values from 0 to 0."),
        (Standardize.fit(pixels() / 255, shared_scale=True), pixels(1), "values from 0 to 166, "),
        (TABLE, np.tile([110.0, 5, 7], (30, 1)), None),  # constants
        (TABLE, [[170.0, 2, 7]], None),
        (TABLE, np.linspace([100.0, 5, 7], [101.0, 5.01, 7], 15), None),  # too few to tell their spread
        (TABLE, [[1000.0, 5, 7]], "column '0': values from 1000 to 1000, the net"),
        (TABLE, [[1000.0, 500, 7]], "100 ± 20, and 1 more such columns"),
        (TABLE, np.linspace([0.0, 5, 7], [1.0, 5.01, 7], 30), "column '0': values from 0 to 1,"),
    ],
)  # fmt: skip
def test_numbers_far_from_those_of_training(layer, x, told, capsys):
    net = Sequential(copy.deepcopy(layer), Flatten(), Affine(math.prod(layer.sample_shape), 1, rng=0))
    assert warn_of_scale(net, np.asarray(x)) == bool(told)
    err = capsys.readouterr().err
    assert err.count("\n") == bool(told)
    assert (told or "") in err


def test_numbers_beside_categories(capsys):
    columns = Column("colour", ["blue", "red"]), Column("size"), Column("age")
    rng = np.random.default_rng(0)
    x = np.stack([rng.integers(1, 3, 40), rng.normal(50, 5, 40), rng.normal(3, 1, 40)], axis=1)
    net = minidl.recipes.table_net(Dataset(x, np.arange(40) % 2, columns=columns), 4, rng=0)
    assert not warn_of_scale(net, x, ["colour", "size", "age"])
    assert warn_of_scale(net, x * [1, 1, 365], ["colour", "size", "age"])
    assert "column 'age': values from" in capsys.readouterr().err


def test_nets_that_begin_otherwise(capsys):
    assert not warn_of_scale(Sequential(Affine(3, 1, rng=0)), np.full((2, 3), 1e9))
    assert not warn_of_scale(runs.of_words(), np.full((2, 5), 1))
    assert not capsys.readouterr().err
