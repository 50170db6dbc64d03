import dataclasses
import json
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from minidl import (
    L2,
    SGD,
    Affine,
    Callback,
    Flatten,
    History,
    Sequential,
    SoftmaxCrossEntropy,
    Standardize,
    StepDecay,
    Trainer,
    evaluate,
    mlp,
)
from minidl.data import Dataset, Splits
from minidl.sweep.figures import FIGURES
from minidl.sweep.trial import Row, Setup, Task, run_task
from tests.sweep.small import build, digits

DATA = digits(200)
SETUP = Setup(build, DATA, "steps", "validation_accuracy", 0)


def task(steps=20, *, trial=0, **configuration):
    return Task(trial, {"hidden": 8, "lr": 0.05, **configuration}, 0, 0, steps, last=True)


@pytest.fixture(autouse=True)
def the_blas_as_before():
    with threadpool_limits(1):
        yield


def test_a_trial_is_a_plain_training_run():
    configuration = {"hidden": 8, "lr": 0.05, "momentum": 0.9, "lr_decay": 0.8, "reg": 0.01, "batch_size": 64}
    outcome = run_task(SETUP, task(**configuration))
    rng = np.random.default_rng(0)
    net = mlp(64, [8], 10, rng=rng)
    trainer = Trainer(net, SGD(0.05, momentum=0.9), scheduler=StepDecay(0.8), regularizer=L2(0.01), rng=rng)
    history = trainer.fit(DATA.train, steps=20, batch_size=64, validation=DATA.validation)
    row = outcome.row
    assert (row.train_loss, row.train_accuracy) == evaluate(net, DATA.train)
    assert (row.validation_loss, row.validation_accuracy) == evaluate(net, DATA.validation)
    assert (row.status, row.reason, row.steps, row.value) == ("done", None, 20, row.validation_accuracy)
    assert row.curve == {
        name: history.epochs[name] for name in ("step", "train_accuracy", "validation_accuracy")
    }
    assert outcome.history.steps == history.steps
    assert np.array_equal(outcome.net.parameters.values, net.parameters.values)


@settings(max_examples=10)
@given(
    st.lists(st.tuples(st.sampled_from([4, 8]), st.sampled_from([0.05, 1e6]), st.integers(0, 2)), max_size=4)
)
def test_a_trial_depends_on_its_configuration_alone(others):
    before = run_task(SETUP, task()).row
    for trial, (hidden, lr, seed) in enumerate(others):
        run_task(SETUP, task(trial=trial, hidden=hidden, lr=lr, seed=seed))
        np.random.default_rng().standard_normal(3)
    assert run_task(SETUP, task()).row == before


def test_the_seed():
    other = dataclasses.replace(SETUP, seed=1)
    values = [run_task(SETUP, task()), run_task(other, task()), run_task(other, task(seed=0))]
    losses = [outcome.row.train_loss for outcome in values]
    assert losses[0] == losses[2] != losses[1]


@settings(max_examples=10)
@given(st.integers(1, 19), st.sampled_from([7, 64]), st.sampled_from(["steps", "epochs"]))
def test_in_two_parts_it_is_the_same_to_the_bit(first, batch_size, unit):
    setup = dataclasses.replace(SETUP, unit=unit)
    whole = run_task(setup, task(20, batch_size=batch_size, momentum=0.9))
    part = dataclasses.replace(task(first, batch_size=batch_size, momentum=0.9), last=False)
    rung = run_task(setup, part)
    assert rung.row.status == "running"
    assert rung.net is rung.history is None
    rest = dataclasses.replace(part, rung=1, start=first, stop=20, last=True, state=rung.state)
    resumed = run_task(setup, rest)
    assert dataclasses.replace(resumed.row, rung=0) == whole.row
    assert np.array_equal(resumed.net.parameters.values, whole.net.parameters.values)
    anew = run_task(setup, dataclasses.replace(rest, state=None))
    assert anew.row == resumed.row
    assert len(rung.state) < DATA.train.features.nbytes + 200_000  # the data stay where they are


def test_a_diverging_trial():
    row = run_task(SETUP, task(lr=1e30)).row
    assert row.status == "diverged"
    assert "at learning rate 9.5e+29: expected a finite loss, got nan" in row.reason
    assert row.value is row.train_loss is None
    assert row.steps < 20


def test_a_trial_that_diverges_with_its_last_step():
    row = run_task(SETUP, task(1, lr=1e30)).row
    assert row.status == "diverged"
    assert row.reason == "after the last step: expected a finite train loss, got nan"


def test_a_validation_that_overflows_is_a_divergence():
    data = Splits("far", DATA.train, Dataset(np.full((4, 8, 8), 1e300), [0, 1, 2, 3]))
    for steps in (2, 4):  # batches of 50: within the epoch, and at its end, which has measured it already
        row = run_task(dataclasses.replace(SETUP, data=data), task(steps, batch_size=50)).row
        assert (row.status, row.steps) == ("diverged", steps)
        assert row.reason == "after the last step: expected a finite validation loss, got nan"


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        ({"hidden": "broken"}, r"KeyError: 'broken' \(small.py, line \d+\)"),
        ({"lr": -1}, "SGD: expected lr to be a finite number > 0, got -1"),
        ({"batch_size": 0}, "settings: expected batch_size to be a whole number >= 1, got 0"),
        ({"hidden": 0}, "mlp: expected hidden to be whole numbers >= 1, got "),
        ({"seed": None}, "Sweep: expected seed to be a whole number >= 0, got None"),
    ],
)
def test_a_failing_trial(configuration, reason):
    outcome = run_task(SETUP, task(**configuration))
    assert outcome.row.status == "failed"
    assert re.match(reason, outcome.row.reason), outcome.row.reason
    assert outcome.net is outcome.history is outcome.state is None


def test_it_takes_one_blas_thread():
    def threads(net, data):
        return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")

    with threadpool_limits(2):
        assert run_task(dataclasses.replace(SETUP, objective=threads), task()).row.value == 1


def test_a_model_that_changes_its_configuration():
    def careless(configuration, data, rng):
        configuration["hidden"].append(4)
        return mlp(64, configuration.pop("hidden"), 10, rng=rng)

    row = run_task(dataclasses.replace(SETUP, build=careless), task(hidden=[8])).row
    assert (row.status, row.configuration) == ("done", {"hidden": [8], "lr": 0.05})


def test_reasons_are_the_same_in_every_process():
    def fail(configuration, data, rng):
        raise ValueError(f"{object()} and {fail}")

    reason = run_task(dataclasses.replace(SETUP, build=fail), task()).row.reason
    assert "<object object> and <function" in reason
    assert "0x" not in reason


class StopAt(Callback):
    def on_step_end(self, trainer):
        if trainer.step == 7:
            trainer.stop("enough")


def test_a_trainer_is_used_as_it_is():
    def make(configuration, data, rng):
        net = mlp(64, [8], 10, standardize=Standardize(8, 6), rng=rng)
        return Trainer(net, SGD(0.5), callbacks=[StopAt()], rng=rng)

    row = run_task(dataclasses.replace(SETUP, build=make), task()).row
    assert (row.status, row.reason, row.steps) == ("done", "enough", 7)


@pytest.mark.parametrize("first", [5, 7, 10])
def test_what_ends_itself_at_step_7_does_so_in_two_parts_as_well(first):
    def make(configuration, data, rng):
        return Trainer(mlp(64, [8], 10, rng=rng), SGD(0.5), callbacks=[StopAt()], rng=rng)

    setup, whole = dataclasses.replace(SETUP, build=make), task(20, batch_size=40)
    part = dataclasses.replace(whole, stop=first, last=False)
    state = run_task(setup, part).state
    rest = run_task(setup, dataclasses.replace(whole, rung=1, start=first, state=state))
    assert dataclasses.replace(rest.row, rung=0) == run_task(setup, whole).row
    assert (rest.row.steps, rest.row.reason) == (7, "enough")


class Patience(Callback):
    """Ends a fit that gets worse, and leaves the net as it was at its best."""

    best, values = math.inf, None

    def on_epoch_end(self, trainer):
        loss = trainer.history.epochs["validation_loss"][-1]
        if loss < self.best:
            self.best, self.values = loss, trainer.net.parameters.values.copy()
        else:
            trainer.stop(f"no better than {self.best:.3f}")

    def on_fit_end(self, trainer):
        trainer.net.parameters.values[:] = self.values


def test_a_trial_that_stops_early_is_measured_at_its_best():
    patience = Patience()

    def make(configuration, data, rng):
        return Trainer(mlp(64, [8], 10, rng=rng), SGD(0.8), callbacks=[patience], rng=rng)

    setup = dataclasses.replace(SETUP, build=make, unit="epochs", objective="validation_loss")
    outcome = run_task(setup, task(60, batch_size=20))
    row, losses = outcome.row, outcome.history.epochs["validation_loss"]
    assert losses[-1] > min(losses) == losses[-2]
    assert (row.status, row.reason) == ("done", f"no better than {patience.best:.3f}")
    assert row.steps == 10 * len(losses) < 600
    assert row.value == row.validation_loss == min(losses)
    assert (row.train_loss, row.train_accuracy) == evaluate(outcome.net, DATA.train)
    assert row.validation_accuracy == row.curve["validation_accuracy"][-2]


class Zero(Callback):
    def on_epoch_end(self, trainer):
        trainer.net.parameters.values[:] = 0


class ZeroTrainer(Trainer):
    def fit(self, *arguments, **options):
        super().fit(*arguments, **options)
        self.net.parameters.values[:] = 0


@pytest.mark.parametrize("trained", [lambda *parts: Trainer(*parts, callbacks=[Zero()]), ZeroTrainer])
def test_what_changes_the_net_after_the_epochs_end_counts(trained):
    def make(configuration, data, rng):
        return trained(mlp(64, [8], 10, rng=rng), SGD(0.1))

    row = run_task(dataclasses.replace(SETUP, build=make, unit="epochs"), task(1, batch_size=20)).row
    share = np.mean(DATA.validation.targets == 0)  # all scores are equal, so the first label is predicted
    assert row.validation_accuracy == pytest.approx(share)
    assert row.validation_loss == pytest.approx(math.log(10))


@pytest.mark.parametrize("steps", [22, 24])  # of 4 an epoch: to within one, and to one's end
def test_the_figures_are_those_of_the_net_as_it_stands(steps):
    outcome = run_task(SETUP, task(steps, batch_size=50))
    row = outcome.row
    assert (row.train_loss, row.train_accuracy) == evaluate(outcome.net, DATA.train)
    assert (row.validation_loss, row.validation_accuracy) == evaluate(outcome.net, DATA.validation)


def test_objectives():
    def parameters(net, data):
        return data.test is None and net.parameters.count

    outcomes = [
        run_task(dataclasses.replace(SETUP, objective=objective), task())
        for objective in ("validation_loss", parameters, lambda net, data: math.nan)
    ]
    assert outcomes[0].row.value == outcomes[0].row.validation_loss
    assert outcomes[1].row.value == 0  # small's data have a test part
    assert outcomes[2].row.status == "diverged"
    assert "a finite value, got nan" in outcomes[2].row.reason
    assert isinstance(outcomes[0].history, History)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("hidden", [False, True])
def test_what_ends_the_process_is_no_failure_of_the_trial(interrupt, hidden):
    class Breaks(Callback):
        def on_step_end(self, trainer):
            raise interrupt

        def on_fit_end(self, trainer):
            if hidden:
                raise RuntimeError("cannot clean up")

    def broken(configuration, data, rng):
        net = mlp(64, [4], 10, rng=rng)
        return Trainer(net, SGD(0.1), callbacks=[Breaks()], rng=rng)

    with pytest.raises(interrupt):
        run_task(dataclasses.replace(SETUP, build=broken), task())


class Float32(SoftmaxCrossEntropy):
    """Gives NumPy's numbers."""

    def forward(self, scores, targets, *, training):
        return np.float32(super().forward(scores, targets, training=training))


def test_rows_are_json_of_plain_numbers_whatever_a_users_code_gives():
    class Meddles(Callback):
        def on_epoch_end(self, trainer):
            trainer.history.epochs["train_accuracy"][-1] = np.float32(0.5)
            trainer.history.epochs["validation_accuracy"][-1] = np.nan

    def build(configuration, data, rng):
        net = Sequential(Standardize(8, 6), Flatten(), Affine(64, 10, rng=rng), Float32())
        return Trainer(net, SGD(0.1), callbacks=[Meddles()], rng=rng)

    setup = dataclasses.replace(
        SETUP, build=build, unit="epochs", objective=lambda net, data: np.float32(0.25)
    )
    row = run_task(setup, dataclasses.replace(task(lr=np.float64(0.1)), stop=1)).row
    assert row.status == "done", row
    stored = json.loads(row.to_json(), parse_constant=pytest.fail)
    assert stored["value"] == 0.25
    assert stored["curve"]["train_accuracy"] == [0.5]
    assert stored["curve"]["validation_accuracy"] == [None]
    assert {type(stored[name]) for name in FIGURES} == {float}
    assert Row.from_json(row.to_json()).train_loss == row.train_loss


def test_a_trial_that_diverges_while_a_ctrl_c_is_handled_is_a_row():
    from minidl.sweep import Grid, Sweep
    from tests.sweep.small import digits

    sweep = Sweep("mlp", Grid(hidden=[4], lr=[1e9]), digits(), steps=50)
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        (row,) = sweep.run(jobs=1).rows
    assert row.status == "diverged"
