import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Accuracy, Callback, EarlyStopping, History
from minidl.callbacks import Average
from minidl.errors import CheckpointError, ConfigurationError, DivergedError
from tests.callbacks.runs import Script, Values, assert_equal, data, held, trainer_with

FIGURES = st.lists(
    st.one_of(st.sampled_from([0.0, 0.5, 1.0, math.nan, math.inf]), st.floats(-2, 2)), min_size=6, max_size=6
)
DATA = data()


def fit(trainer, epochs, **options):
    trainer.fit(DATA, epochs=epochs, batch_size=10, validation=DATA, **options)
    return trainer


def stopped_at(figures, patience, min_delta, sign):
    """After how many epochs training ends, and after how many it was best: the definition."""
    best, best_epoch = math.inf, 0
    for epoch, figure in enumerate(figures, 1):
        if sign * figure < best - min_delta:
            best, best_epoch = sign * figure, epoch
        elif epoch - best_epoch >= patience:
            return epoch, best_epoch
    return len(figures), best_epoch


@given(FIGURES, st.integers(1, 4), st.sampled_from([0.0, 0.25]), st.sampled_from([1, -1]))
def test_it_is_its_definition(figures, patience, min_delta, sign):
    column = "validation_loss" if sign == 1 else "train_accuracy"
    stopping = EarlyStopping(patience, column, min_delta=min_delta)
    values = Values()
    trainer = fit(trainer_with(Script(figures, column), values, stopping), 6)
    last, best = stopped_at(figures, patience, min_delta, sign)
    assert (trainer.epoch, stopping.best_epoch or 0) == (last, best)
    ended_it = last - best >= patience
    assert (trainer.stop_reason or "").startswith("EarlyStopping: ") == ended_it
    np.testing.assert_equal(held(trainer.net), values.epochs[(best or last) - 1])
    if best:
        assert stopping.best == figures[best - 1]


@given(FIGURES, st.integers(1, 5))
def test_fits_add_up_to_the_bit(figures, first):
    runs = [trainer_with(Script(figures), EarlyStopping(9)) for _ in range(2)]
    fit(runs[0], 6)
    fit(fit(runs[1], first), 6 - first)
    assert_equal(*runs)


def test_steps_add_up_to_the_bit():
    runs = [trainer_with(Script([2, 1, 3, 4, 5]), EarlyStopping(9)) for _ in range(2)]
    for trainer, parts in zip(runs, ([9], [3, 1, 4, 1]), strict=True):
        for steps in parts:
            trainer.fit(DATA, steps=steps, batch_size=10, validation=DATA)
    assert_equal(*runs)


def test_after_it_has_ended_a_fit_the_next_goes_on_from_the_best():
    values, stopping = Values(), EarlyStopping(2)
    trainer = fit(trainer_with(Script([2, 1, 3, 3, 3, 0.5, 1, 1, 1]), values, stopping), 9)
    assert trainer.epoch == 4
    assert trainer.stop_reason == (
        "EarlyStopping: validation_loss has not improved for 2 epochs, since 1 after epoch 2"
    )
    start = held(trainer.net)
    np.testing.assert_equal(start, values.epochs[1])
    twin = copy.deepcopy(trainer)
    twin.callbacks = []
    fit(trainer, 1)
    fit(twin, 1)  # from the best, with the optimizer's momentum as it was
    np.testing.assert_equal(values.epochs[-1], held(twin.net))
    assert stopping.waited == 1
    fit(trainer, 5)
    assert (trainer.epoch, stopping.best, stopping.best_epoch) == (8, 0.5, 6)


class Fails(Callback):
    def __init__(self, error):
        self.error = error

    def on_step_end(self, trainer):
        if trainer.step == 7 and self.error:
            error, self.error = self.error, None
            raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("no"), DivergedError("no")])
def test_the_best_is_there_however_the_fit_ended_and_the_next_goes_on_from_the_last(error):
    figures, runs = [2, 1, 3, 4, 5], []
    for each in (error, None):
        values = Values()
        runs.append(trainer_with(Script(figures), values, Fails(each), EarlyStopping(9)))
        if each:
            with pytest.raises(type(error)):
                fit(runs[0], 5)
            np.testing.assert_equal(held(runs[0].net), values.epochs[1])
            fit(runs[0], 2)
        else:
            fit(runs[1], 5)
    assert_equal(*runs)


def test_what_was_changed_between_two_fits_stays():
    trainer = fit(trainer_with(Script([1, 2, 3]), EarlyStopping(9)), 2)
    trainer.net.parameters["affine0.bias"].value[...] = 7
    twin = copy.deepcopy(trainer)
    twin.callbacks = []
    fit(trainer, 1)
    fit(twin, 1)
    np.testing.assert_equal(trainer.history.steps, twin.history.steps)


def test_a_fit_that_is_refused_keeps_the_last_values():
    runs = [trainer_with(Script([1, 2, 3, 4]), EarlyStopping(9)) for _ in range(2)]
    fit(runs[0], 4)
    fit(runs[1], 2)
    with pytest.raises(ConfigurationError, match="validation=data.validation"):
        runs[1].fit(DATA, epochs=1, batch_size=10)
    fit(runs[1], 2)
    assert_equal(*runs)


def test_a_fit_that_another_callback_refuses_keeps_the_last_values():
    class Refuses(Callback):
        refusing = False

        def on_fit_start(self, trainer):
            if self.refusing:
                raise RuntimeError("no")

    refuses = Refuses()
    runs = [trainer_with(refuses, Script([1, 2, 3, 4]), EarlyStopping(9)) for _ in range(2)]
    fit(runs[0], 4)
    fit(runs[1], 2)
    refuses.refusing = True
    with pytest.raises(RuntimeError):
        fit(runs[1], 2)
    refuses.refusing = False
    fit(runs[1], 2)
    assert_equal(*runs)


def test_the_last_values_stay_without_restore():
    values = Values()
    trainer = fit(trainer_with(Script([1, 2, 3]), values, EarlyStopping(9, restore=False)), 3)
    np.testing.assert_equal(held(trainer.net), values.epochs[-1])


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda trainer: pickle.loads(pickle.dumps(trainer))])
def test_copies_go_on_likewise(copied):
    trainer = fit(trainer_with(Script([1, 2, 3, 4]), EarlyStopping(9)), 2)
    assert_equal(fit(copied(trainer), 2), fit(trainer, 2))


def test_with_another_trainer_it_begins_anew():
    stopping = EarlyStopping(1)
    fit(trainer_with(Script([0, 1]), stopping), 2)
    again = fit(trainer_with(Script([2, 1, 3]), stopping), 3)
    assert (again.epoch, stopping.best, stopping.best_epoch) == (3, 1, 2)


@pytest.mark.parametrize(
    ("monitor", "mode", "expected"),
    [
        ("validation_loss", None, "min"),
        ("train_mean_absolute_error", None, "min"),
        ("validation_accuracy", None, "max"),
        ("train_r2", None, "max"),
        ("train_loss", "max", "max"),
        ("seconds", "min", "min"),
    ],
)
def test_the_name_says_whether_it_is_to_fall(monitor, mode, expected):
    assert EarlyStopping(1, monitor, mode=mode).mode == expected


def test_a_column_that_is_not_there_is_refused_before_the_first_step():
    trainer = trainer_with(EarlyStopping(1, "validation_f1"), metrics=[Accuracy()])
    with pytest.raises(ConfigurationError, match=r"step, train_loss, .*got 'validation_f1'"):
        fit(trainer, 1)
    assert trainer.step == 0
    trainer = trainer_with(EarlyStopping(1))
    with pytest.raises(ConfigurationError, match=r"a validation set to measure .* give fit one: validation="):
        trainer.fit(DATA, epochs=1)
    assert trainer.step == 0


def test_the_history_says_which_epoch_the_net_is_of(tmp_path):
    script = Script([3.0, 1.0, 2.0, 2.0, 0.5, 2.0, 2.0, 2.0])
    trainer = trainer_with(script, EarlyStopping(2))
    history = fit(trainer, 8).history
    assert (trainer.epoch, history.kept_epoch) == (4, 2)
    accuracy = history.epochs["train_accuracy"][1]
    assert f", kept epoch 2: train accuracy {accuracy:.1%}, validation accuracy" in repr(history)
    history.save(tmp_path / "history.json")
    assert History.load(tmp_path / "history.json").kept_epoch == 2
    text = (tmp_path / "history.json").read_text()
    for wrong in ("5", "0", '"2"', "1.5", "[2]"):
        (tmp_path / "wrong.json").write_text(text.replace('"kept_epoch": 2', f'"kept_epoch": {wrong}'))
        with pytest.raises(CheckpointError):
            History.load(tmp_path / "wrong.json")
    fit(trainer, 1)
    assert history.kept_epoch == 5
    assert "kept" not in repr(history)  # it is the last

    class Looks(Callback):
        def on_step_end(self, trainer):
            assert trainer.history.kept_epoch is None

    trainer.callbacks.append(Looks())
    fit(trainer, 1)
    assert history.kept_epoch == 5


@pytest.mark.parametrize(("make", "kept"), [
    (lambda: [EarlyStopping(9), Average()], None),
    (lambda: [Average(), EarlyStopping(9)], 2),
    (lambda: [EarlyStopping(9, restore=False)], None),
])  # fmt: skip
def test_the_last_to_change_the_net_says_so(make, kept):
    trainer = trainer_with(Script([3.0, 1.0, 2.0]), *make())
    assert fit(trainer, 3).history.kept_epoch == kept
