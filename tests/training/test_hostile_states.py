"""A state with something wrong in it is refused, and nothing has changed then; or a fit can go on with it."""

import functools
import random
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Callback
from minidl.callbacks import CSVLog
from minidl.errors import MinidlError, StateError
from minidl.metrics import AUC, F1, R2, Accuracy, LogLoss, RootMeanSquaredError, TopKAccuracy
from minidl.transforms import GaussianNoise, RandomCrop
from tests.deep import deep
from tests.training.resumable import BATCH, RUNS, assert_same, digits, fit, run
from tests.training.state_fuzz import mutated

WHEN = [("on_gradients", 0), ("on_gradients", 6), ("on_step_end", 3), ("on_step_end", 5), ("on_epoch_end", 5)]


class Taking(Callback):
    """Takes the Trainer's state at a hook, and stops."""

    state_names = ()

    def __init__(self, hook="", step=0):
        self.when, self.state = (hook, step), None

    def on_gradients(self, trainer):
        self.take("on_gradients", trainer)

    def on_step_end(self, trainer):
        self.take("on_step_end", trainer)

    def on_epoch_end(self, trainer):
        self.take("on_epoch_end", trainer)

    def take(self, hook, trainer):
        if (hook, trainer.step) == self.when:
            self.state, self.when = trainer.state_dict(), None
            trainer.stop("it is taken")


@functools.cache
def state_at(kind, hook, step):
    taking = Taking(hook, step)
    fit(run(kind, [taking]), kind)
    return taking.state


@deep
@given(kind=st.sampled_from(list(RUNS)), when=st.sampled_from(WHEN), seed=st.integers(0, 2**32))
def test_a_state_with_something_wrong(kind, when, seed):
    refuse_or_go_on(kind, mutated(state_at(kind, *when), seed))


def refuse_or_go_on(kind, state):
    trainer = run(kind, [Taking()])
    before = trainer.state_dict()
    try:
        trainer.load_state_dict(state)
    except StateError:
        after = trainer.state_dict()
        assert_same(before, after)
        assert before["run"] == after["run"]
        return
    train, validation = digits(flat=kind == "two layers")
    transform = None if kind == "two layers" else RandomCrop(1) | GaussianNoise(0.1)
    options = {"batch_size": BATCH, "validation": validation, "transform": transform}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the parameters may be huge
        try:
            trainer.fit(train, steps=1, **options)
            trainer.fit(train, epochs=1, **options)
        except MinidlError:
            pass


def other(state, *path, value):
    """`state` with `value` at `path`."""
    first, *rest = path
    made = list(state) if isinstance(state, (list, tuple)) else dict(state)
    made[first] = other(made[first], *rest, value=value) if rest else value
    return tuple(made) if isinstance(state, tuple) else made


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("gradients",), "no", "gradients 'no'"),
        (("computed",), None, "actions that are due at this step"),
        (("computed", 0, 1), "1", "computed"),
        (("computed", 0, 2), random, "computed"),
        (("due", 0), ["Average 0", "__init__"], "actions that are due at this step"),
        (("due", 0), ["Trainer", "on_step_end"], "actions that are due at this step"),
        (("due", 0), ["Average 0", "on_epoch_end"], "actions that are due at this step"),
        (("step",), 10**40, "step"),
        (("seconds",), "1", "seconds '1'"),
        (("run",), None, "run None"),
        (("batches",), 3, "batches 3"),
        (("batches", "batches"), {}, "batch_size None, sampling None"),
        (("callbacks", "EarlyStopping 0", "best"), [], r"EarlyStopping: .*best \[\]"),
        (("callbacks", "EarlyStopping 0", "_values"), (1, 2), r"_values \(1, 2\)"),
        (("callbacks", "Average 0", "_count"), "1", "_count '1'"),
        (("callbacks", "ReduceOnPlateau 0", "_waited"), -1, "_waited -1"),
        (("metrics", "weight"), "1", "weight '1'"),
        (("metrics", "metrics", "accuracy", "total"), "1", "total '1'"),
        (("optimizer", "steps"), 10**40, "steps"),
        (("optimizer", "missed", 0), -1, "missed from 0 to steps"),
        (("optimizer", "class"), ["Adam"], "the state of Adam"),
    ],
)
def test_what_is_wrong_is_named(path, value, words):
    state = state_at("everything", "on_gradients", 6)
    if path[:2] == ("optimizer", "missed"):
        path, value = path[:2], state["optimizer"]["missed"] - 1
    trainer = run("everything", [Taking()])
    before = trainer.state_dict()
    with pytest.raises(StateError, match=words):
        trainer.load_state_dict(other(state, *path, value=value))
    assert_same(before, trainer.state_dict())


@pytest.mark.parametrize(
    ("callback", "name"), [("EarlyStopping 0", "_values"), ("Average 0", "_mean")], ids=lambda name: name
)
def test_values_of_another_net_are_refused_by_the_fit(callback, name):
    state = state_at("everything", "on_gradients", 6)
    value = state["callbacks"][callback][name]
    value = tuple(part[1:] for part in value) if name == "_values" else value[1:]
    trainer = run("everything", [Taking()])
    trainer.load_state_dict(other(state, "callbacks", callback, name, value=value))
    with pytest.raises(StateError, match=name):
        fit(trainer, "everything")
    assert trainer.step == 6


@pytest.mark.parametrize("metric", [Accuracy, TopKAccuracy, F1, LogLoss, AUC, RootMeanSquaredError, R2])
def test_sums_of_metrics(metric):
    one, another = metric(), metric()
    another.load_state_dict(one.state_dict())
    for name in one.state_forms:
        with pytest.raises(StateError, match=name):
            another.load_state_dict(
                {**one.state_dict(), name: "no"} if name not in ("average",) else {name: 1}
            )
        assert_same(one.state_dict(), another.state_dict())


def test_the_place_in_a_log(tmp_path):
    log = CSVLog(tmp_path / "log.csv")
    for wrong in (3, ([], -1), ("no", 1), ([], 1, 2)):
        with pytest.raises(StateError, match="_written"):
            log.load_state_dict({"_written": wrong})
