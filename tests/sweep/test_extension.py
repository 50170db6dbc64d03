"""A sweep that is extended comes to what a fresh one of the larger space does."""

import dataclasses
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.data import Splits
from minidl.errors import ConfigurationError
from minidl.sweep import Grid, Halving, Random, Results, Row, Sweep
from minidl.sweep.extension import numbered
from minidl.sweep.journal import JOURNAL, Journal, read_journal
from tests.deep import deep
from tests.sweep.small import build, digits, kept

DATA = digits(60)
DATA = Splits("digits", DATA.train, DATA.validation[:40])


class EnoughError(Exception):
    pass


def sweep_of(rates, steps=2, *, units=(4,), **options):
    space = Grid(hidden=list(units), lr=list(rates))
    return Sweep(build, space, DATA, **{"steps": steps, **options})


def run(sweep, directory, *, rows=None, **options):
    """The results, or None where the sweep was stopped after so many rows."""

    def stop(_, results):
        nonlocal rows
        rows = None if rows is None else rows - 1
        if rows == 0:
            raise EnoughError

    try:
        return sweep.run(directory, jobs=1, on_result=stop, **options)
    except EnoughError:
        return None


def contents(rows):
    """The rows but for the trials' numbers."""
    return sorted(dataclasses.replace(row, trial=0).to_json() for row in rows)


RATES = st.lists(st.sampled_from([0.01, 0.1, 0.5, 1e9]), min_size=1, max_size=3, unique=True)
UNITS = st.lists(st.sampled_from([3, 4]), min_size=1, max_size=2, unique=True)
STOPS = st.none() | st.integers(1, 4)


@deep
@given(RATES, UNITS, STOPS, RATES, UNITS, STOPS, st.integers(0, 1))
def test_extended_equals_fresh(rates, units, stop, more_rates, more_units, other_stop, longer):
    small = sweep_of(rates, units=units)
    large = sweep_of(more_rates, 2 + longer, units=more_units)
    fresh = large.run(jobs=1)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        run(small, directory, rows=stop)
        before = (directory / JOURNAL).read_bytes()
        held = [] if longer else read_journal(directory / JOURNAL)[1]
        run(large, directory, rows=other_stop, extend=True)
        between = (directory / JOURNAL).read_bytes()
        results = run(large, directory, extend=True)
        after = (directory / JOURNAL).read_bytes()
        assert between.startswith(before)
        assert after.startswith(between)
        wanted = [row.configuration for row in fresh.rows]
        others = [row for row in held if row.configuration not in wanted]
        assert contents(results.rows) == contents([*fresh.rows, *others])
        assert results.trials == len(results.rows) == len({row.trial for row in results.rows})
        assert {row.trial: row for row in held}.items() <= {row.trial: row for row in results.rows}.items()
        loaded = Results.load(directory)
        assert (loaded.rows, loaded.trials) == (results.rows, results.trials)
        if results.done:
            assert results.best.value == max(row.value for row in results.done)
            assert minidl.evaluate(results.best_net(), DATA.validation)[1] == results.best.value
            assert kept(directory) == [f"{results.best.trial:03}.{kind}" for kind in ("json", "npz")]
        # All is there: the same once more runs nothing and writes nothing.
        assert run(large, directory, rows=1, extend=True).rows == results.rows
        assert (directory / JOURNAL).read_bytes() == after


def test_a_longer_sweeps_journal_ends_like_a_fresh_one(tmp_path):
    for directory, steps in (("grown", 2), ("grown", 4), ("fresh", 4)):
        sweep_of([0.1, 0.01], steps).run(tmp_path / directory, jobs=1, extend=True)
    whole, fresh = ((tmp_path / name / JOURNAL).read_bytes() for name in ("grown", "fresh"))
    assert whole.endswith(b"\n" + fresh)


def test_more_draws_begin_with_the_same(tmp_path):
    draws = {count: Random(count, seed=3, hidden=[4, 5], lr=[0.1, 0.2, 0.3, 0.4]) for count in (3, 6)}
    few, many = (space.configurations() for space in draws.values())
    assert many[: len(few)] == few
    assert len(many) > len(few)
    Sweep(build, draws[3], DATA, steps=2).run(tmp_path, jobs=1)
    news = []
    sweep = Sweep(build, draws[6], DATA, steps=2)
    results = sweep.run(
        tmp_path, jobs=1, extend=True, on_result=lambda row, _: news.append(row.configuration)
    )
    assert news == many[len(few) :]
    assert results.rows == sweep.run(jobs=1).rows  # to the number


def test_an_extended_sweep_is_resumed_and_extended_again(tmp_path):
    sweep_of([0.1]).run(tmp_path, jobs=1)
    run(sweep_of([0.2, 0.1, 0.3]), tmp_path, rows=1, extend=True)
    results = sweep_of([0.2, 0.1, 0.3]).run(tmp_path, jobs=1)
    assert [row.configuration["lr"] for row in results.rows] == [0.1, 0.2, 0.3]
    with pytest.raises(ConfigurationError, match=r"got trials 1, lr \[0.1\]; .*, or extend it: extend=True"):
        sweep_of([0.1]).run(tmp_path, jobs=1)
    # Part of what is there: nothing is run, and nothing lost.
    assert run(sweep_of([0.3]), tmp_path, rows=1, extend=True).rows == results.rows
    again = sweep_of([0.4], 2).run(tmp_path, jobs=1, extend=True)
    assert [row.configuration["lr"] for row in again.rows] == [0.1, 0.2, 0.3, 0.4]


def test_what_may_not_differ_is_refused(tmp_path):
    sweep_of([0.1]).run(tmp_path, jobs=1)
    whole = (tmp_path / JOURNAL).read_bytes()
    other = Splits("digits", DATA.train[:50], DATA.validation)
    for sweep, message in (
        (sweep_of([0.1, 0.2], seed=1), "expected seed 0, got seed 1; only the values of a grid"),
        (sweep_of([0.1, 0.2], objective="validation_loss"), "expected objective 'validation_accuracy', got"),
        (Sweep("mlp", Grid(hidden=[4], lr=[0.1]), DATA, steps=2), "expected model 'tests.sweep.small:build'"),
        (Sweep(build, Grid(hidden=[4], lr=[0.1]), other, steps=2), r"expected train features of shape \[60"),
        (sweep_of([0.1, 0.2], steps=1), "expected steps 2 or more, got steps 1"),
        (sweep_of([0.1, 0.2], steps=None, epochs=2), "expected no epochs, steps 2, got epochs 2, no steps"),
        (sweep_of([0.1, 0.2], halving=Halving()), "expected a sweep without halving, got one with it"),
    ):
        with pytest.raises(ConfigurationError, match=f"{JOURNAL}, to be extended: {message}"):
            sweep.run(tmp_path, jobs=1, extend=True)
    assert (tmp_path / JOURNAL).read_bytes() == whole
    with pytest.raises(ConfigurationError, match="Sweep: expected extend to be True or False"):
        sweep_of([0.1]).run(tmp_path, extend=1)


def test_a_sweep_with_halving_is_only_resumed(tmp_path):
    options = {"steps": 4, "halving": Halving(2)}
    run(sweep_of([0.1, 0.01], **options), tmp_path, rows=1)
    results = sweep_of([0.1, 0.01], **options).run(tmp_path, jobs=1, extend=True)
    assert results.rows == sweep_of([0.1, 0.01], **options).run(jobs=1).rows
    with pytest.raises(ConfigurationError, match="expected a sweep without halving"):
        sweep_of([0.1, 0.01, 0.2], **options).run(tmp_path, jobs=1, extend=True)


def test_a_header_cut_off_leaves_the_sweep_as_it_was(tmp_path):
    small, large = sweep_of([0.1]), sweep_of([0.1, 0.2])
    small.run(tmp_path, jobs=1)
    path = tmp_path / JOURNAL
    before = path.read_bytes()
    results = large.run(tmp_path, jobs=1, extend=True)
    whole = path.read_bytes()
    header = whole.index(b"\n", len(before)) + 1
    for length in range(len(before), header, 97):
        path.write_bytes(whole[:length])
        assert [row.trial for row in small.run(tmp_path, jobs=1).rows] == [0]
        assert path.read_bytes() == before
    for length in (header, header + 9, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert large.run(tmp_path, jobs=1).rows == results.rows
        assert path.read_bytes() == whole


def test_known_configurations_keep_their_numbers():
    rows = [Row(1, {"lr": 0.1, "seed": 0}, 0, 2, "done"), Row(4, {"lr": 0.2}, 0, 2, "failed")]
    given = [{"lr": 0.3}, {"seed": 0, "lr": 0.1}, {"seed": 1, "lr": 0.1}, {"lr": 0.2}, {"lr": 0.4}]
    found = numbered(given, rows)
    assert list(found) == sorted(found)
    assert found == {0: given[0], 1: given[1], 2: given[2], 3: given[4], 4: given[3]}
    assert numbered(given, []) == dict(enumerate(given))


def test_a_foreign_header_within_a_journal_is_an_error(tmp_path):
    with Journal(tmp_path / JOURNAL, {"steps": 1}):
        pass
    row = Row(0, {}, 0, 1, "done").to_json()
    with (tmp_path / JOURNAL).open("a") as file:
        file.write('{"format": "minidl sweep", "version": 3}\n' + row + "\n")
    with pytest.raises(
        minidl.errors.CheckpointError,
        match="line 2: expected .* in a format of version 1 to 2, got version 3",
    ):
        read_journal(tmp_path / JOURNAL)
