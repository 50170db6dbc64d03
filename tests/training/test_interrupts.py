"""A fit that was broken off and gone on with equals one that was not, to the bit."""

import signal

import numpy as np
import pytest
from hypothesis import settings

from minidl import L2, Callback, ClipNorm, Dataset, ReLU, StepDecay
from minidl.errors import StateError
from minidl.training.interrupts import Interrupts
from tests.interrupting import interrupted

EPOCHS = 3
HOOKS = ("on_epoch_start", "on_gradients", "on_step_end", "on_epoch_end")
MOMENTS = 500 if settings.default.max_examples >= 200 else 50


class Log(Callback):
    """Writes down every call of a hook; in `at`, a hook's name and call, it raises once instead."""

    def __init__(self, at=None):
        self.calls, self.at, self.seen = [], at, 0


def _logging(hook):
    def call(self, trainer):
        if self.at is not None and self.at[0] == hook:
            self.seen += 1
            if self.seen == self.at[1]:
                self.at = None
                raise RuntimeError(hook)
        if hook in HOOKS:  # a run that was broken off has more fits
            self.calls.append((hook, trainer.epoch, trainer.step))

    return call


for _hook in ("on_fit_start", *HOOKS, "on_fit_end"):
    setattr(Log, _hook, _logging(_hook))


@pytest.fixture(autouse=True)
def interrupts_as_python_has_them():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def dataset(make_batch):
    return Dataset(*make_batch(37), weights=np.linspace(0.1, 2, 37))


@pytest.fixture(params=["shuffle", "replacement"])
def fit(request, dataset):
    def train(trainer, epochs):
        return trainer.fit(dataset, epochs=epochs, batch_size=8, sampling=request.param, validation=dataset)

    return train


@pytest.fixture
def build(make_trainer):
    def make(*callbacks):
        return make_trainer(scheduler=StepDecay(0.9), regularizer=L2(1e-2), callbacks=callbacks)

    return make


CALLBACKS = {"bare": lambda: (), "called": lambda: (Log(), ClipNorm(0.5), Log())}


def all_of(trainer):
    epochs = {name: column for name, column in trainer.history.epochs.items() if name != "seconds"}
    calls = [callback.calls for callback in trainer.callbacks if isinstance(callback, Log)]
    return trainer.net.parameters.values, trainer.optimizer.state_dict(), trainer.history.steps, epochs, calls


def assert_equal(trainer, whole):
    for one, other in zip(all_of(trainer), all_of(whole), strict=True):
        np.testing.assert_equal(one, other)


def whole_run(trainer, fit):
    fit(trainer, EPOCHS)
    fit(trainer, 1)  # what is left undone at an epoch's end would show here
    return trainer


def go_on(trainer, fit):
    if trainer.epoch < EPOCHS:
        fit(trainer, EPOCHS - trainer.epoch)
    fit(trainer, 1)


@pytest.mark.parametrize("callbacks", CALLBACKS)
def test_going_on_after_ctrl_c_at_any_moment_is_as_if_nothing_had_been(callbacks, build, fit):
    make = CALLBACKS[callbacks]
    whole = whole_run(build(*make()), fit)
    last = interrupted(lambda: fit(build(*make()), EPOCHS), [])
    left = 0
    moments = np.random.default_rng(0).integers(1, last + 1, MOMENTS // 4)
    for moment in [1, last, *moments.tolist()]:
        trainer = build(*make())
        interrupted(lambda: fit(trainer, EPOCHS), [moment])  # noqa: B023
        left += trainer.epoch < EPOCHS
        if trainer.epoch < EPOCHS:  # and once more, in what is missing
            rest = EPOCHS - trainer.epoch
            interrupted(lambda: fit(trainer, rest), [last - moment + 1])  # noqa: B023
        go_on(trainer, fit)
        assert_equal(trainer, whole)
    assert left > len(moments) // 2  # most did break a fit off


@pytest.mark.parametrize("callbacks", CALLBACKS)
def test_a_second_ctrl_c_leaves_at_once_and_a_torn_step_is_refused(callbacks, build, fit):
    make = CALLBACKS[callbacks]
    whole = whole_run(build(*make()), fit)
    last = interrupted(lambda: fit(build(*make()), EPOCHS), [])
    rng = np.random.default_rng(0)
    found = {"refused": 0, "equal": 0}
    for _ in range(MOMENTS // 2):
        trainer = build(*make())
        first = int(rng.integers(1, last))
        second = first + int(rng.integers(1, 400))
        count = interrupted(lambda: fit(trainer, EPOCHS), [first, second])  # noqa: B023
        assert count <= second + 120  # the way out: no further step, no measuring
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        try:
            go_on(trainer, fit)
        except StateError as error:
            assert "last step is whole" in str(error) and "second Ctrl-C" in str(error)
            found["refused"] += 1
        else:
            assert_equal(trainer, whole)
            found["equal"] += 1
    assert min(found.values()) > 2, found


def test_no_handler_stays_whenever_ctrl_c_comes():
    def enter_and_leave():
        with Interrupts():
            pass

    numbers = [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)]
    before = [signal.getsignal(number) for number in numbers]
    last = interrupted(enter_and_leave, [])
    pairs = np.random.default_rng(0).integers(1, last + 1, (200, 2))
    for moments in [*([moment] for moment in range(1, last + 1)), *np.sort(pairs).tolist()]:
        interrupted(enter_and_leave, moments)
        assert [signal.getsignal(number) for number in numbers] == before, moments


@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("hook", ["on_fit_start", *HOOKS, "on_fit_end"])
def test_going_on_after_a_callback_that_raised(hook, call, build, fit):
    if call == 2 and hook.startswith("on_fit"):
        pytest.skip("called once a fit")
    callbacks = Log(), ClipNorm(0.5), Log(at=(hook, call)), Log()
    trainer = build(*callbacks)
    with pytest.raises(RuntimeError, match=hook):
        fit(trainer, EPOCHS)
    go_on(trainer, fit)
    assert_equal(trainer, whole_run(build(Log(), ClipNorm(0.5), Log(), Log()), fit))


def test_going_on_after_a_layer_that_raised(build, fit, monkeypatch):
    whole = whole_run(build(), fit)
    forward, seen = ReLU.forward, []

    def failing(self, x, *, training):
        seen.append(training)
        if seen.count(True) == 7 and training:
            raise RuntimeError("no")
        return forward(self, x, training=training)

    monkeypatch.setattr(ReLU, "forward", failing)
    trainer = build()
    with pytest.raises(RuntimeError, match="no"):
        fit(trainer, EPOCHS)
    go_on(trainer, fit)
    assert_equal(trainer, whole)


def test_another_handler_is_its_programs_business(build, fit):
    taken = []

    class Interrupting(Callback):
        def on_step_end(self, trainer):
            if trainer.step == 2:
                signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, lambda *_: taken.append(True))
    try:
        fit(trainer := build(Interrupting()), EPOCHS)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert (taken, trainer.epoch) == ([True], EPOCHS)
