"""The rates are judged by PyTorch, in tests/external; here is what the Trainer adds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import StepDecay
from minidl.callbacks import ReduceOnPlateau
from minidl.errors import ConfigurationError
from tests.callbacks.runs import Script, assert_equal, data, trainer_with

DATA = data()


def fit(trainer, epochs):
    trainer.fit(DATA, epochs=epochs, batch_size=10, validation=DATA)
    return trainer


@given(st.lists(st.sampled_from([1.0, 2.0, 0.5]), min_size=6, max_size=6), st.integers(1, 5))
def test_fits_add_up_to_the_bit(figures, first):
    runs = [trainer_with(Script(figures), ReduceOnPlateau(0.5, 1, cooldown=1)) for _ in range(2)]
    fit(runs[0], 6)
    fit(fit(runs[1], first), 6 - first)
    assert_equal(*runs)


def test_a_schedule_multiplies_what_it_leaves():
    trainer = trainer_with(
        Script([1, 1, 1, 1]), ReduceOnPlateau(0.5, 0), lr=0.8, scheduler=StepDecay(0.5, every=2)
    )
    fit(trainer, 4)
    assert trainer.history.epochs["lr"] == [0.8, 0.8, 0.2, 0.1]
    assert trainer.optimizer.lr == pytest.approx(0.1)


def test_with_another_trainer_it_begins_anew():
    plateau = ReduceOnPlateau(0.5, 0)
    fit(trainer_with(Script([0]), plateau), 1)
    assert fit(trainer_with(Script([2, 1]), plateau, lr=0.1), 2).optimizer.lr == 0.1


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(ConfigurationError, match="ReduceOnPlateau: expected a validation set"):
        trainer_with(ReduceOnPlateau()).fit(DATA, epochs=1)
    with pytest.raises(ConfigurationError, match="got 'loss'"):
        fit(trainer_with(ReduceOnPlateau(monitor="loss")), 1)
