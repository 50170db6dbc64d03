import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Trainer
from minidl.errors import ConfigurationError
from minidl.sweep import Grid, Halving, Row, Sweep
from minidl.sweep.journal import JOURNAL
from tests.sweep.small import SPACE, build, digits, lines


@pytest.mark.parametrize(
    ("halving", "budget", "trials", "budgets"),
    [
        (Halving(), 900, 15, [100, 300, 900]),
        (Halving(), 900, 9, [100, 300, 900]),
        (Halving(), 900, 8, [300, 900]),
        (Halving(), 900, 2, [900]),
        (Halving(2), 1000, 15, [125, 250, 500, 1000]),
        (Halving(3, rungs=1), 1000, 15, [333, 1000]),
        (Halving(3, rungs=9), 10, 2, [1, 3, 10]),
    ],
)
def test_budgets(halving, budget, trials, budgets):
    assert halving.budgets(budget, trials) == budgets


def rung(*values):
    return [Row(n, {}, 0, 9, "running" if v is not None else "failed", value=v) for n, v in enumerate(values)]


def test_promotion_by_hand():
    values = 0.5, 0.7, None, 0.9, 0.7, 0.7, 0.1
    assert Halving(3).promoted(rung(*values), maximize=True) == [1, 3]
    assert Halving(3).promoted(rung(*values), maximize=False) == [0, 6]
    assert Halving(2).promoted(rung(*values), maximize=True) == [1, 3, 4]
    assert Halving(3).promoted(rung(0.1, 0.2), maximize=True) == [1]
    assert Halving(3).promoted(rung(None, None), maximize=True) == []


@given(st.lists(st.none() | st.integers(0, 3), min_size=1), st.integers(2, 5), st.booleans())
def test_what_goes_on_is_no_worse(values, eta, maximize):
    promoted = Halving(eta).promoted(rung(*values), maximize=maximize)
    alive = [n for n, value in enumerate(values) if value is not None]
    assert len(promoted) == min(max(len(values) // eta, 1), len(alive))
    for trial in promoted:
        for other in set(alive) - set(promoted):
            assert values[trial] == values[other] or (values[trial] > values[other]) == maximize


@pytest.fixture(scope="module")
def halved(tmp_path_factory):
    directory = tmp_path_factory.mktemp("halved")
    sweep = Sweep(build, SPACE, digits(), steps=40, halving=Halving(2))
    return directory, sweep, sweep.run(directory, jobs=1)


def test_each_trial_ends_where_it_was_stopped(halved):
    _, sweep, results = halved
    assert sweep.budgets == [5, 10, 20, 40]
    rows = results.rows
    assert [row.steps for row in rows if row.status == "done"] == [40]
    # 12 trials, 6 go on, then 3, then 1; four diverge at once.
    statuses = [[row.status for row in rows if row.rung == rung] for rung in range(4)]
    assert [statuses[0].count("diverged"), statuses[0].count("stopped")] == [4, 2]
    assert statuses[1:] == [["stopped"] * 3, ["stopped"] * 2, ["done"]]
    reasons = {row.reason for row in rows if row.status == "stopped"}
    assert "not among the best 6 of 12 at rung 1" in reasons
    assert len(reasons) == 3


def test_a_trial_goes_on_where_it_was(monkeypatch, halved):
    fits, fit = [], Trainer.fit

    def note(trainer, *arguments, **options):
        before = trainer.step
        fit(trainer, *arguments, **options)
        fits.append((before, trainer.step))

    monkeypatch.setattr(Trainer, "fit", note)
    Sweep(build, SPACE, digits(), steps=40, halving=Halving(2)).run(jobs=1)
    assert {pair for pair in fits if pair[0]} == {(5, 10), (10, 20), (20, 40)}


def test_a_trial_at_the_end_is_as_without_halving(halved):
    _, _, results = halved
    configuration = {name: [value] for name, value in results.best.configuration.items()}
    plain = Sweep(build, Grid(**configuration), digits(), steps=40).run(jobs=1)
    assert plain.best.value == results.best.value
    assert plain.best.curve == results.best.curve
    assert plain.best_history().steps == results.best_history().steps


def test_gone_on_with_it_is_as_uninterrupted(halved, tmp_path):
    directory, sweep, _ = halved
    whole = (directory / JOURNAL).read_bytes().splitlines(keepends=True)
    for kept in (1, 4, 13, 15, 17, 22, len(whole) - 1, len(whole)):
        again = tmp_path / str(kept)
        again.mkdir()
        (again / JOURNAL).write_bytes(b"".join(whole[:kept]))
        news = []
        sweep.run(again, jobs=1, on_result=lambda row, _, news=news: news.append(row))
        assert lines(again) == lines(directory)
        assert len(news) == len(whole) - kept


def test_where_all_fail_it_ends(tmp_path):
    sweep = Sweep(build, Grid(hidden=["broken"], lr=[0.1, 0.2, 0.3]), digits(), steps=40, halving=Halving())
    results = sweep.run(tmp_path, jobs=1)
    assert [row.status for row in results.rows] == ["failed"] * 3
    assert sweep.run(tmp_path, jobs=1).rows == results.rows


@pytest.mark.parametrize("options", [{"eta": 1}, {"eta": 2.5}, {"eta": "3"}, {"eta": None}, {"rungs": 0}])
def test_errors(options):
    with pytest.raises(ConfigurationError, match="Halving: expected (eta|rungs) to be a whole number"):
        Halving(**options)


def test_errors_of_its_methods():
    for budget, trials in ((0, 3), (None, 3), (9, 1.5)):
        with pytest.raises(ConfigurationError, match="expected (budget|trials) to be a whole number"):
            Halving().budgets(budget, trials)
    for rows, maximize in ((None, True), ([3], True), (rung(0.1), np.ones(2))):
        with pytest.raises(ConfigurationError, match="Halving: expected (rows|maximize) to be"):
            Halving().promoted(rows, maximize=maximize)


def test_numpys_numbers_are_as_good_as_pythons(tmp_path):
    halving = Halving(np.int64(3), rungs=np.int32(1))
    assert halving == Halving(3, rungs=1)
    assert {type(halving.eta), type(halving.rungs)} == {int}
    space = Grid(hidden=[4], lr=[0.1])
    assert Sweep(build, space, digits(50), steps=3, halving=halving).run(tmp_path, jobs=1).done


def test_more_rungs_than_steps_can_be_divided_into():
    assert Halving(2, rungs=10**12).budgets(10, 3) == [1, 2, 5, 10]
