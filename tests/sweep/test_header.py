import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Dataset
from minidl.data import Splits
from minidl.errors import ConfigurationError
from minidl.sweep import Grid, Halving, Results, Sweep
from minidl.sweep.header import describe, differences
from minidl.sweep.journal import JOURNAL
from minidl.sweep.trial import Setup
from tests.sweep.small import SPACE, build, digits

FEATURES, TARGETS = np.zeros((8, 3), np.float32), np.arange(8) % 2
DATA = Splits("eight", Dataset(FEATURES, TARGETS), Dataset(FEATURES, TARGETS))
SETUP = Setup(build, DATA, "steps", "validation_accuracy", 0)


def header(setup=SETUP, halving=None, **values):
    space = Grid(**({"hidden": [8, [16, 8]], "lr": [0.1, 0.2]} | values))
    found = describe(setup, space.configurations(), 30, halving)
    return json.loads(json.dumps(found))  # as it comes from a file


def of(train=(FEATURES, TARGETS), validation=(FEATURES, TARGETS), name="eight"):
    data = Splits(name, Dataset(*train), validation and Dataset(*validation))
    return header(dataclasses.replace(SETUP, data=data))


OTHER = FEATURES + np.eye(8, 3, dtype=np.float32)


@pytest.mark.parametrize(
    ("ours", "pairs"),
    [
        (header(), []),
        (header(lr=[0.1, 0.3]), [("lr [0.1, 0.2]", "lr [0.1, 0.3]")]),
        (header(lr=[0.1, None], hidden=["a"]),
         [("trials 4", "trials 2"), ("hidden [8, [16, 8]]", 'hidden ["a"]'),
          ("lr [0.1, 0.2]", "lr [0.1, null]")]),
        (header(reg=[0]), [("no reg", "reg [0]")]),
        (header(lr=[0.2, 0.1]), [("lr [0.1, 0.2]", "lr [0.2, 0.1]")]),
        (header(halving=Halving(2)), [("no halving", "halving {'eta': 2, 'rungs': None}")]),
        (header(dataclasses.replace(SETUP, seed=5)), [("seed 0", "seed 5")]),
        (of(name="nine"), [("data 'eight'", "data 'nine'")]),
        (of(validation=None), [("a validation part", "no validation part")]),
        (of((OTHER, TARGETS)),
         [("train features as they were", "train features of the same shape and other content")]),
        (of((FEATURES, 1 - TARGETS)),
         [("train targets as they were", "train targets of the same shape and other content")]),
        (of(validation=(FEATURES[:4], TARGETS[:4])),
         [("validation features of shape [8, 3], float32", "validation features of shape [4, 3], float32"),
          ("validation targets of shape [8], int64", "validation targets of shape [4], int64")]),
        (of((FEATURES.astype(np.float64), TARGETS)),
         [("train features of shape [8, 3], float32", "train features of shape [8, 3], float64")]),
    ],
)  # fmt: skip
def test_what_differs_is_said_in_values(ours, pairs):
    assert differences(header(), ours) == pairs


def test_the_order_of_the_keys_counts():
    space = Grid(lr=[0.1, 0.2], hidden=[8, [16, 8]])
    ours = describe(SETUP, space.configurations(), 30, None)
    (pair,) = differences(header(), ours)
    assert pair == (
        "configurations as the journal has them",
        "the same values in another order or combination",
    )


def test_of_many_values_the_first_are_told():
    rates = [number / 1000 for number in range(1, 1000)]
    many, other = header(lr=rates), header(lr=[*rates[:-1], 5.0])
    ((theirs, ours),) = differences(many, other)
    assert theirs.startswith("lr [0.001, 0.002, 0.003, ")
    assert theirs.endswith("...] (999 values)")
    assert len(theirs) < 160
    assert ours == "lr with other values after these"
    assert len(json.dumps(many)) < 2000


@given(st.lists(st.text(max_size=300), min_size=1, max_size=40), st.text(max_size=500))
def test_the_header_stays_short(values, name):
    found = describe(SETUP, [{"key": value} for value in values], 30, None)
    assert len(json.dumps(found)) < 2000
    ((theirs, ours),) = differences(found, {**found, "model": f"{name}!{found['model']}"})
    assert len(theirs) + len(ours) < 300


@pytest.fixture
def journal_of_before(tmp_path):
    """A journal as it was when its header held no values of the keys, and how to go on with it."""
    sweep = Sweep(build, SPACE, digits(), steps=3)
    sweep.run(tmp_path, jobs=1)
    path = tmp_path / JOURNAL
    first, *lines = map(json.loads, path.read_text().splitlines())
    old = {name: value for name, value in first.items() if name not in ("keys", "crc32")} | {"version": 1}
    for line in lines:
        del line["crc32"]
    path.write_text("".join(json.dumps(line) + "\n" for line in [old, *lines[:5]]))
    return tmp_path, sweep


def test_journals_of_before_are_read_and_gone_on_with(journal_of_before):
    directory, sweep = journal_of_before
    assert len(Results.load(directory).rows) == 5
    news = []
    sweep.run(directory, jobs=1, on_result=lambda row, _: news.append(row.trial))
    assert news == list(range(5, 12))
    other = Sweep(build, Grid(**(SPACE.values | {"lr": [0.5]})), digits(), steps=3)
    with pytest.raises(
        ConfigurationError, match="expected trials 12, the configurations that the journal was"
    ):
        other.run(directory, jobs=1)


def test_sparse_data_are_told_apart():
    csr_array = pytest.importorskip("scipy.sparse").csr_array
    same, found = of(train=(csr_array(OTHER), TARGETS)), of(train=(csr_array(OTHER), TARGETS))
    assert same == found
    changed = of(train=(csr_array(2 * OTHER), TARGETS))
    assert [*differences(changed, found)] == [
        ("train features as they were", "train features of the same shape and other content")
    ]
