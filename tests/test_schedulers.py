import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Constant, StepDecay
from minidl.errors import ConfigurationError


@given(st.floats(0.1, 1), st.integers(1, 5), st.integers(0, 20))
def test_step_decay_multiplies_after_every_so_many_epochs(gamma, every, epochs):
    factor = 1.0
    scheduler = StepDecay(gamma, every)
    for epoch in range(epochs):
        if epoch and epoch % every == 0:
            factor *= gamma
        assert scheduler.factor(epoch, 17 * epoch) == pytest.approx(factor)


def test_products():
    product = StepDecay(0.5) * Constant(0.25) * StepDecay(0.1, every=2)
    assert product.factor(3, 0) == pytest.approx(0.5**3 * 0.25 * 0.1)
    assert Constant().factor(5, 5) == 1
    with pytest.raises(TypeError):
        StepDecay() * 2


@pytest.mark.parametrize(("gamma", "every"), [(0, 1), (-1, 1), (float("nan"), 1), (0.5, 0), (0.5, 1.5)])
def test_hyperparameters_are_checked(gamma, every):
    with pytest.raises(ConfigurationError, match="StepDecay: expected"):
        StepDecay(gamma, every)
