"""A sweep by Optuna's samplers: the same search in one go, in pieces, by one worker and by several."""

import json
import sys
import tempfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minidl
from minidl.data import Splits
from minidl.errors import CheckpointError, ConfigurationError, MinidlError, MissingExtraError
from minidl.sweep import Adaptive, Grid, Halving, Results, Sweep
from minidl.sweep.adaptive import draw
from minidl.sweep.journal import JOURNAL
from minidl.sweep.lines import line_of
from tests.public_calls import WRONG
from tests.sweep.small import build, digits, lines

optuna = pytest.importorskip("optuna", reason="Optuna is not installed: pip install 'minidl[tune]'")
pytest.importorskip("cmaes", reason="cmaes is not installed: pip install 'minidl[tune]'")
pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: E402

DATA = digits(60)
DATA = Splits("digits", DATA.train, DATA.validation[:40])
RANGES = {"lr": FloatDistribution(1e-3, 1, log=True), "reg": FloatDistribution(0, 0.1)}
SAMPLERS = pytest.mark.parametrize("sampler", ["tpe", "cma"])


def sweep_of(count, sampler="tpe", **options):
    at_a_time, seed = options.pop("at_a_time", 4), options.pop("drawn", 0)
    space = Adaptive(count, sampler=sampler, at_a_time=at_a_time, seed=seed, hidden=[3, 4], **RANGES)
    return Sweep(build, space, DATA, **{"steps": 2, **options})


@SAMPLERS
def test_every_draw_is_a_row(sampler, tmp_path):
    results = sweep_of(14, sampler).run(tmp_path, jobs=1)
    assert [row.trial for row in results.rows] == list(range(14))
    assert {tuple(row.configuration) for row in results.rows} == {("hidden", "lr", "reg")}
    assert {row.configuration["hidden"] for row in results.rows} == {3, 4}
    assert all(1e-3 <= row.configuration["lr"] <= 1 for row in results.rows)
    assert len({row.configuration["lr"] for row in results.rows}) == 14
    assert Results.load(tmp_path).rows == results.rows
    assert minidl.evaluate(results.best_net(), DATA.validation)[1] == results.best.value
    # A trial is what it is in any other sweep.
    best = results.best.configuration
    alone = Grid(**{name: [value] for name, value in best.items()})
    (row,) = Sweep(build, alone, DATA, steps=2).run(jobs=1).rows
    assert row.value == results.best.value


@SAMPLERS
def test_the_draws_are_the_samplers(sampler):
    """One at a time, as a study of Optuna's own asks for them."""
    results = sweep_of(13, sampler, at_a_time=1, drawn=5).run(jobs=1)
    if sampler == "tpe":
        chosen = optuna.samplers.TPESampler(seed=5, constant_liar=True)
    else:
        chosen = optuna.samplers.CmaEsSampler(
            seed=5, independent_sampler=optuna.samplers.RandomSampler(seed=5)
        )
    study = optuna.create_study(direction="maximize", sampler=chosen)
    for row in results.rows:
        trial = study.ask({"hidden": CategoricalDistribution([0, 1]), **RANGES})
        assert row.configuration == trial.params | {"hidden": [3, 4][trial.params["hidden"]]}
        study.tell(trial, row.value)


@settings(max_examples=6)  # three searches each
@given(st.sampled_from(["tpe", "cma"]), st.integers(1, 8), st.integers(0, 5), st.integers(1, 4))
def test_in_pieces_it_is_the_same_search(sampler, first, more, at_a_time):
    options = {"at_a_time": at_a_time, "objective": "validation_loss", "steps": 1}
    large = sweep_of(first + more, sampler, **options)
    fresh = large.run(jobs=1)
    with tempfile.TemporaryDirectory() as directory:
        with pytest.raises(KeyError):  # stopped after its first result
            sweep_of(first, sampler, **options).run(directory, jobs=1, on_result=lambda *_: {}["enough"])
        sweep_of(first, sampler, **options).run(directory, jobs=1)
        assert large.run(directory, jobs=1, extend=True).rows == fresh.rows


def test_workers_make_no_difference(tmp_path):
    for jobs in (1, 2):
        sweep_of(9, "cma").run(tmp_path / str(jobs), jobs=jobs)
    assert lines(tmp_path / "1") == lines(tmp_path / "2")
    assert sweep_of(4, drawn=1).run(jobs=1).rows != sweep_of(4).run(jobs=1).rows


@SAMPLERS
def test_it_learns(sampler):
    """On a valley known beforehand, the last draws are better than the first."""
    space = Adaptive(60, sampler=sampler, x=FloatDistribution(-5, 5), y=FloatDistribution(-5, 5))
    rows, values = {}, []
    for drawn in draw(space, rows.__getitem__, maximize=False):
        for number, configuration in drawn.items():
            value = (configuration["x"] - 2) ** 2 + (configuration["y"] + 1) ** 2
            values.append(value)
            rows[number] = minidl.sweep.Row(number, configuration, 0, 1, "done", value=value)
    assert np.median(values[-20:]) < np.median(values[:20]) / 2


def test_what_diverges_or_fails_is_a_row_and_the_search_goes_on():
    def fragile(configuration, data, rng):
        if configuration["lr"] > 1e38:
            raise KeyError("too much")
        return build(configuration, data, rng)

    rates = CategoricalDistribution([0.1, 1e38, 1e39])
    space = Adaptive(12, hidden=[3], lr=rates, reg=CategoricalDistribution([0.0]))
    results = Sweep(fragile, space, DATA, steps=5).run(jobs=1)
    fates = {row.configuration["lr"]: row.status for row in results.rows}
    assert fates == {0.1: "done", 1e38: "diverged", 1e39: "failed"}
    assert len(results.rows) == 12


def test_every_kind_of_value():
    space = Adaptive(3, hidden=[(8, 4), [np.int64(4)]], lr=[0.1], batch_size=IntDistribution(5, 20, step=5))
    for configuration in space.configurations():
        assert configuration["hidden"] in ([8, 4], [4])
        assert configuration["lr"] == 0.1
        assert configuration["batch_size"] in (5, 10, 15, 20)
    assert len(space.configurations()) == 3
    assert Adaptive(3, seed=10**30, lr=[0.1, 0.2]).configurations()
    assert repr(space) == "Adaptive(3, sampler='tpe', seed=0, hidden, lr, batch_size)"


def test_another_search_is_refused(tmp_path):
    sweep_of(4).run(tmp_path, jobs=1)
    whole = (tmp_path / JOURNAL).read_bytes()
    for other, extend, message in (
        (sweep_of(8), False, "expected trials 4, got trials 8; .* or extend it"),
        (sweep_of(3), True, "expected trials 4 or more, got trials 3"),
        (sweep_of(8, "cma"), True, "expected sampler {'at_a_time': 4, 'name': 'tpe', 'seed': 0}, got"),
        (sweep_of(8, at_a_time=2), True, "expected sampler .* got sampler"),
        (sweep_of(8, drawn=1), True, "expected sampler .* got sampler"),
        (
            Sweep(build, Grid(hidden=[3], lr=[0.1]), DATA, steps=2),
            True,
            "expected .*sampler.*, got .*no sampler",
        ),
        (Sweep(build, Adaptive(8, hidden=[3], **RANGES), DATA, steps=2), True, r"expected hidden \[.*3, 4"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            other.run(tmp_path, jobs=1, extend=extend)
    assert (tmp_path / JOURNAL).read_bytes() == whole
    longer = sweep_of(4, steps=3)
    assert longer.run(tmp_path, jobs=1, extend=True).rows == longer.run(jobs=1).rows


def test_a_journal_that_the_sampler_does_not_repeat(tmp_path):
    sweep_of(4).run(tmp_path, jobs=1)
    path = tmp_path / JOURNAL
    lines = [json.loads(line) for line in path.read_text().replace('"hidden": 3', '"hidden": 5').splitlines()]
    lines = [{name: value for name, value in line.items() if name != "crc32"} for line in lines]
    path.write_bytes(b"".join(line_of(line, 2) for line in lines))
    with pytest.raises(CheckpointError, match="to be drawn as trial .*version of Optuna"):
        sweep_of(6).run(tmp_path, jobs=1, extend=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adaptive(0, lr=[1]), "count to be a whole number >= 1, got 0"),
        (lambda: Adaptive(1, sampler="grid", lr=[1]), "sampler to be one of 'tpe', 'cma', got 'grid'"),
        (lambda: Adaptive(1, at_a_time=0, lr=[1]), "at_a_time to be a whole number >= 1"),
        (lambda: Adaptive(1, seed=-1, lr=[1]), "seed to be a whole number >= 0"),
        (lambda: Adaptive(1), "a name with its values"),
        (lambda: Adaptive({"lr": [1]}), r"unpack a dict: Adaptive\(20, \*\*values\)"),
        (lambda: Adaptive(1, lr=0.1), "a sequence of values for 'lr', or a distribution of Optuna, got 0.1"),
        (
            lambda: Adaptive(1, sampler="cma", hidden=[3, 4], lr=RANGES["lr"]),
            "two ranges or more, got lr; or",
        ),
        (
            lambda: Sweep(build, Adaptive(3, lr=[1, 2]), DATA, steps=9, halving=Halving()),
            "for halving, got Ad",
        ),
        (lambda: Sweep("mlp", Adaptive(3, lr=[1, 2]), DATA, steps=9), "Sweep of mlp: expected hidden and lr"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_argument_gets_minidls_own_error(kind):
    options = {"count": 3, "sampler": "tpe", "seed": 0, "at_a_time": 2, "lr": [0.1, 0.2]}
    for name in options:
        with suppress(MinidlError):
            Adaptive(**(options | {name: WRONG[kind]()}))


def test_a_distribution_of_scipy_is_none_of_optunas():
    stats = pytest.importorskip("scipy.stats")
    with pytest.raises(ConfigurationError, match="a distribution of Optuna for 'lr', got .*; such as Float"):
        Adaptive(1, lr=stats.loguniform(0.1, 1))


@pytest.mark.parametrize("package", ["optuna", "cmaes"])
def test_the_missing_extra_is_named(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=f"(?i)needs {package}, .* 'minidl.tune.'"):
        Adaptive(1, sampler="cma", **RANGES)


def test_optunas_settings_stay_as_they_are(capsys):
    before = optuna.logging.get_verbosity()
    sweep_of(2).run(jobs=1)
    assert optuna.logging.get_verbosity() == before
    assert capsys.readouterr() == ("", "")
