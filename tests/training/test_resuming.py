"""A training that was broken off, saved and resumed equals one that was not, to the bit."""

import errno
import functools
import os
import signal
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import (
    Affine,
    Callback,
    Checkpoint,
    EarlyStopping,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Trainer,
)
from minidl.callbacks import Average, CSVLog
from minidl.data import Dataset
from minidl.errors import CheckpointError, ConfigurationError, StateError
from minidl.layers import Dropout, Standardize, Tanh
from minidl.optimizers import LBFGS, SGD, Adam
from minidl.storage.checkpoints import load_state, previous
from tests.deep import deep
from tests.training.resumable import BATCH, EPOCHS, RUNS, assert_same, digits, fit, resume, run

HOOKS = ("on_epoch_start", "on_gradients", "on_step_end", "on_epoch_end")
STEPS = 5 * EPOCHS


class Breaking(Callback):
    """At the hook and step given, calls `action` with the Trainer, once."""

    state_names = ()

    def __init__(self, hook, step, action):
        self.hook, self.step, self.action = hook, step, action

    def _call(self, hook, trainer):
        if (hook, trainer.step) == (self.hook, self.step) and self.action:
            action, self.action = self.action, None
            action(trainer)


for _hook in HOOKS:
    setattr(
        Breaking, _hook, functools.partialmethod(lambda self, hook, trainer: self._call(hook, trainer), _hook)
    )


class BrokenOffError(Exception):
    pass


def idle():
    """In the place of one that breaks."""
    return Breaking("", 0, None)


@functools.cache
def whole(kind):
    """What a run that nothing breaks off comes to."""
    return fit(run(kind, [idle()]), kind).state_dict()


@pytest.mark.parametrize("kind", RUNS)
@given(hook=st.sampled_from(HOOKS), step=st.integers(0, STEPS))
def test_broken_off_anywhere(kind, hook, step, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run.npz"

    def save_and_break(trainer):
        trainer.save(path, note={"at": step})
        raise BrokenOffError

    trainer = run(kind, [Breaking(hook, step, save_and_break)])
    try:
        fit(trainer, kind)
    except BrokenOffError:
        assert load_state(path).note == {"at": step}
        trainer = fit(resume(path, kind, [idle()]), kind)
    assert_same(whole(kind), trainer.state_dict())


@pytest.mark.parametrize("kind", RUNS)
@given(steps=st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_saved_between_fits(kind, steps, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "run.npz"
    train, validation = digits(flat=kind == "two layers")
    ways = [run(kind), run(kind)]
    for count in steps:
        for place, trainer in enumerate(ways):
            trainer.fit(train, steps=count, batch_size=BATCH, validation=validation)
            if place:
                trainer.save(path)
                ways[place] = resume(path, kind)
    assert_same(*(trainer.state_dict() for trainer in ways))


def test_a_saved_trainer_is_saved_alike(tmp_path):
    trainer = run("everything")
    train, _ = digits(flat=False)
    trainer.callbacks = [one for one in trainer.callbacks if not isinstance(one, EarlyStopping)][:2]
    trainer.fit(train, steps=9, batch_size=BATCH)
    trainer.save(tmp_path / "one.npz")
    again = Trainer(*RUNS["everything"]()[0], callbacks=trainer.callbacks, rng=99)
    again.load_state_dict(load_state(tmp_path / "one.npz").state)
    assert_same(trainer.state_dict(), again.state_dict())
    again.save(tmp_path / "two.npz")
    assert_same(load_state(tmp_path / "one.npz").state, load_state(tmp_path / "two.npz").state)


def test_streams_that_are_spawned_later_are_kept(tmp_path):
    train, _ = digits(flat=False)
    first = run("everything")
    options = {"batch_size": BATCH, "validation": digits(flat=False)[1]}
    from minidl.transforms import GaussianNoise

    first.fit(train, steps=2, transform=GaussianNoise(0.1), **options)
    first.save(tmp_path / "run.npz")
    second = resume(tmp_path / "run.npz", "everything")
    for trainer in (first, second):  # for each new transform, numbers are drawn from a new stream
        trainer.fit(train, steps=2, transform=GaussianNoise(0.2), **options)
    assert_same(first.state_dict(), second.state_dict())


# ---------------------------------------------------------------- signals


@pytest.mark.parametrize(
    ("number", "ending", "code"),
    [
        (signal.SIGINT, KeyboardInterrupt, None),
        (signal.SIGTERM, SystemExit, 143),
        (signal.SIGHUP, SystemExit, 129),
    ],
)
def test_a_signal_finishes_the_step_and_saves(number, ending, code, tmp_path):
    path = tmp_path / "run.npz"
    breaking = Breaking("on_gradients", 9, lambda trainer: os.kill(os.getpid(), number))
    trainer = run("two layers", [breaking], saving=[Checkpoint(path, every=1000)])
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with pytest.raises(ending) as caught:
        fit(trainer, "two layers")
    assert code is None or caught.value.code == code
    assert {each: signal.getsignal(each) for each in handlers} == handlers
    again = resume(path, "two layers", [idle()], saving=[Checkpoint(path)])
    assert_same(trainer.state_dict(), again.state_dict())
    assert_same(whole("two layers"), fit(again, "two layers").state_dict())


def test_a_second_signal_leaves_at_once_and_keeps_what_was_saved(tmp_path):
    path = tmp_path / "run.npz"

    def twice(trainer):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    trainer = run("two layers", [Breaking("on_gradients", 9, twice)], saving=[Checkpoint(path, every=4)])
    with pytest.raises(KeyboardInterrupt):
        fit(trainer, "two layers")
    with pytest.raises(StateError, match="a step that is whole"):
        trainer.save(path)
    again = resume(path, "two layers", [idle()], saving=[Checkpoint(path)])
    assert again.step == 8
    assert_same(whole("two layers"), fit(again, "two layers").state_dict())


# ---------------------------------------------------------------- the callback


@pytest.mark.parametrize(
    ("every", "saved"),
    [
        (10, [0, 10, 15]),
        ("4 steps", [0, 4, 8, 12, 15]),
        ("1 epoch", [0, 5, 10, 15, 15]),
        ("2 epochs", [0, 10, 15]),
        ("1 minute", [0, 5, 10, 15, 15]),
        ("60 seconds", [0, 5, 10, 15, 15]),
        ("1 hour", [0, 15]),
    ],
)
def test_when_a_checkpoint_is_written(every, saved, tmp_path):
    steps = []

    class Counting(Checkpoint):
        now = 0.0

        def _clock(self):
            return self.now

        def on_step_end(self, trainer):
            self.now += 12.0
            super().on_step_end(trainer)

        def _save(self, trainer):
            steps.append(trainer.step)
            super()._save(trainer)

    fit(run("two layers", saving=[Counting(tmp_path / "run.npz", every)]), "two layers")
    assert steps == saved


@pytest.mark.parametrize(
    "every", [0, -1, 2.5, True, None, "", "5", "0 epochs", "ten minutes", "5 days", "5epochs", "-1 steps"]
)
def test_every_of_no_kind(every, tmp_path):
    with pytest.raises(ConfigurationError, match="Checkpoint: expected every"):
        Checkpoint(tmp_path / "run.npz", every)


def test_the_checkpoint_of_another_run_is_not_overwritten(tmp_path):
    path = tmp_path / "run.npz"
    fit(run("two layers", saving=[Checkpoint(path)]), "two layers", 1)
    before = path.read_bytes()
    other = run("two layers", saving=[Checkpoint(path)])
    with pytest.raises(
        ConfigurationError, match=r"holds one of another run; go on with it by Trainer\.resume"
    ):
        fit(other, "two layers")
    assert path.read_bytes() == before
    assert other.step == 0
    fit(run("two layers", saving=[Checkpoint(path, overwrite=True)]), "two layers", 1)
    assert path.read_bytes() != before
    assert load_state(previous(path)).state["run"] == load_state(path).state["run"]  # the other's is gone


def test_a_full_disk_ends_no_training(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    saving, save = Checkpoint(path, "1 epoch"), Trainer.save

    def fail(trainer, *arguments, **options):
        if trainer.epoch == 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(trainer, *arguments, **options)

    monkeypatch.setattr(Trainer, "save", fail)
    with pytest.warns(UserWarning, match=r"not written at step 10 .*No space left.*; the training goes on"):
        trainer = fit(run("two layers", [idle()], saving=[saving]), "two layers")
    assert_same(whole("two layers"), trainer.state_dict())
    assert_same(trainer.state_dict(), load_state(path).state)


def test_what_cannot_be_kept_shows_before_the_first_step(tmp_path):
    class Holding(Callback):
        def __init__(self):
            self.file = object()

    trainer = run("two layers", [Holding()], saving=[Checkpoint(tmp_path / "run.npz")])
    with pytest.raises(StateError, match=r"a state of arrays, .*callbacks\.Holding 0\.file"):
        fit(trainer, "two layers")
    assert trainer.step == 0
    assert not list(tmp_path.iterdir())


def test_attributes_of_a_callback_are_its_state(tmp_path):
    class Norms(Callback):
        def __init__(self, scale=1.0):
            self.scale, self.norms, self.last = scale, [], None

        def on_step_end(self, trainer):
            self.last = trainer.net.parameters.values[:3].copy()
            self.norms.append(self.scale * float(np.abs(self.last).max()))

    first = fit(run("two layers", [Norms()], saving=[Checkpoint(tmp_path / "run.npz")]), "two layers", 2)
    again = resume(tmp_path / "run.npz", "two layers", [Norms()], saving=[Checkpoint(tmp_path / "run.npz")])
    assert again.callbacks[0].norms == first.callbacks[0].norms
    assert np.array_equal(again.callbacks[0].last, first.callbacks[0].last)


def test_callbacks_without_a_state_may_be_others(tmp_path):
    fit(run("everything", [idle()]), "everything", 1).save(tmp_path / "run.npz")
    assert resume(tmp_path / "run.npz", "everything", saving=[Checkpoint(tmp_path / "run.npz")]).epoch == 1
    with pytest.raises(CheckpointError, match="EarlyStopping 1"):
        resume(tmp_path / "run.npz", "everything", [EarlyStopping(2)])


def test_a_log_goes_on_where_the_checkpoint_was_made(tmp_path):
    path, log = tmp_path / "run.npz", tmp_path / "log.csv"

    def break_off(trainer):
        raise BrokenOffError

    trainer = run(
        "two layers",
        [CSVLog(log), Breaking("on_step_end", 13, break_off)],
        saving=[Checkpoint(path, "2 epochs")],
    )
    trainer.callbacks[-1].on_fit_end = lambda trainer: None  # as if it were killed
    with pytest.raises(BrokenOffError):
        fit(trainer, "two layers")
    assert len(log.read_text().splitlines()) == 3
    again = resume(path, "two layers", [CSVLog(log), idle()], saving=[Checkpoint(path)])
    assert again.epoch == 2
    fit(again, "two layers")
    rows = [line.split(",") for line in log.read_text().splitlines()]
    assert [row[0] for row in rows] == ["step", "5", "10", "15"]


# ---------------------------------------------------------------- what does not fit


def test_all_that_differs_is_told_and_nothing_has_changed(tmp_path):
    path = tmp_path / "run.npz"
    fit(run("two layers"), "two layers", 1).save(path)
    net = Sequential(
        ("affine0", Affine(64, 9, rng=1)), ("more", Affine(9, 10, rng=2)), Dropout(0.5), SoftmaxCrossEntropy()
    )
    trainer = Trainer(net, Adam(0.1), metrics=[], callbacks=[Average()], rng=1)
    before = trainer.state_dict()
    with pytest.raises(StateError) as caught:
        trainer.load_state_dict(load_state(path).state)
    for words in (
        "affine0.weight of (64, 8) float32 and not (64, 9) float32", "no more.weight",
        "affine1.weight, which the net does not have", "no dropout0.generator",
        "expected the state of Adam, got that of SGD", "metrics: expected a state with nothing", "accuracy",
        "callbacks: expected a state with Average 0, got none of Average 0",
    ):  # fmt: skip
        assert words in str(caught.value), words
    assert_same(before, trainer.state_dict())
    with pytest.raises(CheckpointError, match="run.npz"):
        Trainer.resume(path, net, SGD(0.1))


def test_a_net_of_other_layers_is_refused(tmp_path):
    def build(scale=6, activation=ReLU):
        parts = Standardize(8, scale), Affine(64, 8, rng=1), activation(), Affine(8, 10, rng=2)
        return Sequential(*parts, SoftmaxCrossEntropy())

    trainer = Trainer(build(), SGD(0.1), rng=0)
    trainer.fit(digits(flat=True)[0], steps=3)
    trainer.save(tmp_path / "run.npz")
    assert Trainer.resume(tmp_path / "run.npz", build(), SGD(0.1)).step == 3
    for net, words in (
        (
            build(activation=Tanh),
            r"tanh0 made as None and not as Tanh\(\); relu0 made as ReLU\(\)",
        ),
        (
            build(scale=2),
            r"standardize0 made as Standardize\(.* and not as .*; build the net as",
        ),
    ):
        with pytest.raises(CheckpointError, match=words):
            Trainer.resume(tmp_path / "run.npz", net, SGD(0.1))
    with pytest.raises(CheckpointError, match=r"a checkpoint: go on with it by Trainer\.resume"):
        minidl.load(tmp_path / "run.npz")


def test_what_a_callback_changes_of_a_layer_is_no_other_net(tmp_path):
    class Falling(Callback):
        state_names = ()

        def on_epoch_start(self, trainer):
            trainer.net["dropout0"].p = 0.5 / (1 + trainer.epoch)

    fit(run("everything", [Falling()]), "everything", 2).save(tmp_path / "run.npz")
    again = fit(resume(tmp_path / "run.npz", "everything", [Falling()]), "everything")
    assert_same(fit(run("everything", [Falling()]), "everything").state_dict(), again.state_dict())


def test_a_resumed_fit_goes_on_with_its_own_data(tmp_path):
    path = tmp_path / "run.npz"
    trainer = run("two layers", [Breaking("on_step_end", 3, lambda trainer: trainer.save(path))])
    fit(trainer, "two layers")
    train, _ = digits(flat=True)
    other = Dataset(train.features + 1, train.targets, weights=train.weights)
    for data, options, words in (
        (other, {"batch_size": BATCH}, "the data that it was trained on, got others"),
        (train, {"batch_size": 10}, "batch_size 20, got batch_size 10"),
        (train, {"batch_size": BATCH, "sampling": "replacement"}, "sampling 'shuffle', got sampling 'repl"),
    ):
        again = resume(path, "two layers", [idle()])
        with pytest.raises(StateError, match=words):
            again.fit(data, epochs=1, **options)
        assert again.step == 3
        assert_same(whole("two layers"), fit(again, "two layers").state_dict())
    trainer.save(path)  # its fit has come to its end: other data may follow
    again = resume(path, "two layers", [idle()])
    for each in (trainer, again):
        each.fit(other, epochs=1, batch_size=10)
    assert_same(trainer.state_dict(), again.state_dict())


def test_a_missing_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match="run.npz"):
        resume(tmp_path / "run.npz", "two layers")
    assert resume(tmp_path / "run.npz", "two layers", missing_ok=True).step == 0


def test_a_damaged_one_falls_back_to_the_one_before(tmp_path):
    path = tmp_path / "run.npz"
    fit(run("two layers", [idle()], saving=[Checkpoint(path, "1 epoch")]), "two layers", 2)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.warns(UserWarning, match=r"gone back to .*run\.previous\.npz, the one before"):
        again = resume(path, "two layers", [idle()], saving=[Checkpoint(path)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(whole("two layers"), fit(again, "two layers").state_dict())
        resume(path, "two layers", [idle()])
    previous(path).write_bytes(b"no checkpoint")
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="and the one before"):
        resume(path, "two layers", [idle()])


def test_a_minimizer_goes_on_as_after_any_fit(tmp_path):
    train, _ = digits(flat=True)
    one, another = (
        Trainer(Sequential(Affine(64, 10, rng=0), SoftmaxCrossEntropy()), LBFGS(), rng=1) for _ in range(2)
    )
    one.fit(train, epochs=3)
    one.save(tmp_path / "run.npz")
    another.load_state_dict(load_state(tmp_path / "run.npz").state)
    for trainer in (one, another):
        trainer.fit(train, epochs=3)
    assert_same(one.state_dict(), another.state_dict())


# ---------------------------------------------------------------- the end of a fit


def test_every_callback_ends_and_the_first_error_is_told(tmp_path):
    ended = []

    class Ending(Callback):
        def __init__(self, error=None):
            self.error = error

        def on_fit_end(self, trainer):
            ended.append(self.error)
            if self.error:
                raise self.error

    def fail(trainer):
        raise BrokenOffError("first")

    errors = [ValueError("second"), None, ValueError("third"), None]
    trainer = run("two layers", [Breaking("on_step_end", 2, fail), *map(Ending, errors)])
    with pytest.raises(BrokenOffError, match="first") as caught:
        fit(trainer, "two layers")
    assert ended == errors
    assert [
        note for note in caught.value.__notes__ if "Ending.on_fit_end raised, too" in note
    ] == caught.value.__notes__
    assert len(caught.value.__notes__) == 2
    ended.clear()
    with pytest.raises(ValueError, match="second"):
        fit(run("two layers", [*map(Ending, errors)]), "two layers", 1)
    assert ended == errors


@deep
@pytest.mark.parametrize("kind", RUNS)
def test_every_step_and_hook(kind, tmp_path):
    for hook in HOOKS:
        for step in range(STEPS + 1):
            test_broken_off_anywhere.hypothesis.inner_test(
                kind, hook, step, type("Folder", (), {"mktemp": lambda self, name: tmp_path})()
            )
