"""What comes back from a checkpoint is what went in; where that cannot be, it is refused when it is saved."""

import collections
import os
import signal

import numpy as np
import pytest

import minidl
from minidl import SGD, Callback, Checkpoint, EarlyStopping, Trainer
from minidl.data import Dataset
from minidl.errors import ConfigurationError, StateError
from minidl.metrics import Metric
from minidl.storage.checkpoints import load_state, previous, state_from_bytes, state_to_bytes
from minidl.transforms import Transform
from tests.training.resumable import assert_same

SCALARS = ["bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint64"]


def samples():
    rng = np.random.default_rng(0)
    return Dataset(rng.standard_normal((30, 4), dtype=np.float32), rng.integers(3, size=30))


def arguments(rate=0.1):
    return minidl.mlp(4, 3, 3, rng=0), SGD(rate)


def fit(trainer, steps=7):
    trainer.fit(samples(), steps=steps, batch_size=10, validation=samples())
    return trainer


def there_and_back(value):
    return state_from_bytes(state_to_bytes({"value": value}))["value"]


@pytest.mark.parametrize("name", SCALARS)
def test_a_scalar_of_numpy_stays_one(name):
    dtype = np.dtype(name)
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype) if dtype.kind in "iu" else None
    numbers = [0, 1] if limits is None else [limits.min, limits.max, 0]
    numbers += [np.nan, -np.inf, -0.0, 1 / 3] if dtype.kind == "f" else []
    for number in map(dtype.type, numbers):
        back = there_and_back([number])[0]
        assert (type(back), back.tobytes()) == (type(number), number.tobytes())


@pytest.mark.parametrize(
    "value",
    [
        collections.defaultdict(list, a=[1]), collections.Counter("aa"), collections.OrderedDict(a=1),
        np.ma.array([1.0, 2.0], mask=[False, True]), {1}, collections.namedtuple("Pair", "a b")(1, 2),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_would_come_back_as_another_class_is_refused(value):
    with pytest.raises(StateError, match="a state of arrays, numbers"):
        state_to_bytes({"value": value})


def test_an_array_keeps_its_order_in_memory():
    class Holding(Callback):
        def __init__(self):
            self.array = np.asfortranarray(np.ones((2, 3)))

    assert Holding().state_dict()["array"].flags.f_contiguous
    assert there_and_back(Holding().array).flags.f_contiguous


# ---------------------------------------------------------------- attributes of later


class Late(Callback):
    """Sets attributes as it goes, one of which the class has, too."""

    last = None

    def on_fit_start(self, trainer):
        self.begun = getattr(self, "begun", 0) + 1

    def on_step_end(self, trainer):
        self.last = trainer.step


class LateMetric(Metric):
    name = "late"

    def reset(self):
        pass

    def update(self, scores, targets, weights=None):
        self.seen = getattr(self, "seen", 0) + len(scores)

    def compute(self):
        return float(self.seen)


def test_attributes_that_hooks_set_are_kept(tmp_path):
    trainer = fit(Trainer(*arguments(), callbacks=[Late()], metrics=[LateMetric()], rng=0))
    trainer.save(tmp_path / "run.npz")
    again = Trainer.resume(
        tmp_path / "run.npz", *arguments(), callbacks=[Late()], metrics=[LateMetric()], rng=5
    )
    assert vars(again.callbacks[0]) == {"begun": 1, "last": 7}
    assert_same(trainer.state_dict(), again.state_dict())


def test_a_refused_state_leaves_no_attributes_behind():
    trainer = fit(Trainer(*arguments(), callbacks=[Late()], metrics=[LateMetric()], rng=0))
    state = trainer.state_dict()
    other = Trainer(*arguments(), callbacks=[Late()], metrics=[LateMetric()], rng=1)
    with pytest.raises(StateError, match="step"):
        other.load_state_dict(state | {"step": -1})
    assert not vars(other.callbacks[0])
    assert not vars(other._tally.metrics[0])


@pytest.mark.parametrize("name", ["on_step_end", "state_dict", "__class__", "no name", "reset"])
def test_a_state_takes_the_place_of_no_method(name):
    class Resetting(Late):
        @property
        def reset(self):
            return 0

    one = Resetting()
    with pytest.raises(StateError, match=f"also {name}"):
        one.load_state_dict({name: 1})
    assert not vars(one)


# ---------------------------------------------------------------- where it is saved


def test_a_link_has_two_generations(tmp_path):
    real, link = tmp_path / "real.npz", tmp_path / "links" / "run.npz"
    link.parent.mkdir()
    link.symlink_to(real)
    fit(Trainer(*arguments(), callbacks=[Checkpoint(link, 4)], rng=0))
    assert link.is_symlink()
    real.write_bytes(b"damaged")
    found = load_state(link)
    assert found.state["step"] == 4
    assert found.fallback


def test_the_path_stays_where_the_program_changes_its_directory(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)

    class Moving(Callback):
        state_names = ()

        def on_step_end(self, trainer):
            os.chdir(tmp_path / "other")

    fit(Trainer(*arguments(), callbacks=[Moving(), Checkpoint("run.npz")], rng=0))
    assert load_state(tmp_path / "run.npz").state["step"] == 7
    assert not list((tmp_path / "other").iterdir())


def test_a_file_that_is_no_checkpoint_is_not_overwritten(tmp_path):
    path = tmp_path / "net.npz"
    minidl.save(arguments()[0], path)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="which holds something else"):
        fit(Trainer(*arguments(), callbacks=[Checkpoint(path)], rng=0))
    assert [file.name for file in tmp_path.iterdir()] == ["net.npz"]
    assert path.read_bytes() == before
    fit(Trainer(*arguments(), callbacks=[Checkpoint(path, overwrite=True)], rng=0))
    assert load_state(path).state["step"] == 7


def test_a_damaged_checkpoint_of_its_own_run_is_replaced(tmp_path):
    path = tmp_path / "run.npz"
    fit(Trainer(*arguments(), callbacks=[Checkpoint(path, 4)], rng=0))
    path.write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="the one before"):
        again = Trainer.resume(path, *arguments(), callbacks=[Checkpoint(path)], rng=0)
    fit(again, 3)
    assert load_state(path).state["step"] == 7
    assert load_state(previous(path)).state["step"] == 4


# ---------------------------------------------------------------- going on


def test_killed_after_a_callback_has_stopped_the_fit(tmp_path):
    path = tmp_path / "run.npz"

    def begin():
        callbacks = [EarlyStopping(1), Checkpoint(path, "1 epoch")]
        return Trainer.resume(path, *arguments(30.0), callbacks=callbacks, rng=0, missing_ok=True)

    def go_on(trainer):
        epochs = 50 - trainer.epoch
        trainer.fit(samples(), epochs=epochs, batch_size=10, validation=samples())
        return trainer

    killed = begin()
    killed.callbacks[-1].on_fit_end = lambda trainer: None
    go_on(killed)
    again = go_on(begin())
    assert again.stop_reason
    assert_same(killed.state_dict(), again.state_dict())


class Calling(Transform):
    """Whose code shows where in memory the function lies."""

    def __init__(self, function):
        self.function = function

    def __call__(self, features, targets, rng):
        return self.function(features), targets


def doubling():
    return Calling(lambda x: 2 * x)  # a function of its own each time, as in another process


def test_a_transform_that_holds_a_function_is_known_again(tmp_path):
    trainers = [Trainer(*arguments(), rng=0), Trainer(*arguments(), rng=0)]
    for place, trainer in enumerate(trainers):
        with pytest.raises(ZeroDivisionError):
            trainer.callbacks, transform = [Doing(lambda: 1 / 0)], doubling()
            trainer.fit(samples(), steps=7, batch_size=10, transform=transform)
        if place:
            transform = doubling()
            trainer.save(tmp_path / "run.npz")
            trainer = trainers[1] = Trainer.resume(tmp_path / "run.npz", *arguments())
        trainer.callbacks = []
        trainer.fit(samples(), steps=5, batch_size=10, transform=transform)
    assert_same(*(trainer.state_dict() for trainer in trainers))


def test_a_resumed_trainer_can_be_searched_for_a_rate(tmp_path):
    trainer = Trainer(*arguments(), callbacks=[Doing(lambda: 1 / 0)], rng=0)
    with pytest.raises(ZeroDivisionError):
        fit(trainer)
    trainer.save(tmp_path / "run.npz")
    again = Trainer.resume(tmp_path / "run.npz", *arguments(), callbacks=[Doing(lambda: None)])
    curves = [minidl.training.find_lr(one, samples(), steps=10) for one in (trainer, again)]
    assert curves[0].losses == curves[1].losses
    assert_same(trainer.state_dict(), again.state_dict())


# ---------------------------------------------------------------- signals


class Doing(Callback):
    """Calls `action` at the end of its second step."""

    state_names = ()

    def __init__(self, action):
        self.action = action

    def on_step_end(self, trainer):
        if trainer.step == 2:
            self.action()


def test_a_signal_ends_the_fit_within_a_fit(tmp_path):
    inner = Trainer(*arguments(), callbacks=[Doing(lambda: os.kill(os.getpid(), signal.SIGINT))], rng=0)
    path = tmp_path / "run.npz"
    outer = Trainer(*arguments(), callbacks=[Doing(lambda: fit(inner)), Checkpoint(path)], rng=0)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(outer)
    assert signal.getsignal(signal.SIGINT) == before
    assert (inner.step, outer.step, load_state(path).state["step"]) == (2, 2, 2)


def test_a_handler_that_a_hook_sets_stays(monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    try:
        fit(Trainer(*arguments(), callbacks=[Doing(lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))]))
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
