import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Constant, Scheduler, StepDecay
from minidl.errors import ConfigurationError
from minidl.schedulers import (
    CosineDecay,
    ExponentialDecay,
    Join,
    LinearWarmup,
    OneCycle,
    PiecewiseConstant,
    PolynomialDecay,
)
from minidl.testing.strategies import schedules

counts, times, floors = st.integers(1, 40), st.integers(0, 60), st.floats(0, 1)
units = st.sampled_from(["epochs", "steps"])


def at(scheduler, unit, time):
    """The factor at a time of one unit; the other is far off, and should not matter."""
    return scheduler.factor(time, 777) if unit == "epochs" else scheduler.factor(777, time)


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


@given(st.floats(0.1, 2), units, counts, times)
def test_exponential_decay_multiplies_by_gamma_over_every_span(gamma, unit, span, time):
    scheduler = ExponentialDecay(gamma, **{unit: span})
    assert at(scheduler, unit, 0) == 1
    assert at(scheduler, unit, 3 * span) == pytest.approx(gamma**3)
    ratio = at(scheduler, unit, time + span) / at(scheduler, unit, time)
    assert ratio == pytest.approx(gamma)


def test_exponential_decay_is_by_epochs_unless_told_otherwise():
    assert ExponentialDecay(0.9).factor(3, 50) == pytest.approx(0.9**3)
    assert ExponentialDecay(1e300).factor(9, 0) == math.inf  # which the Trainer refuses


@given(units, counts, times, floors)
def test_cosine_decay_falls_along_a_cosine(unit, span, time, final):
    scheduler = CosineDecay(**{unit: span}, final=final)
    share = min(time / span, 1)
    expected = math.cos(math.pi * share / 2) ** 2 + final * math.sin(math.pi * share / 2) ** 2
    assert at(scheduler, unit, time) == pytest.approx(expected)
    assert at(scheduler, unit, 0) == 1
    assert at(scheduler, unit, span) == at(scheduler, unit, 3 * span) == final


@given(st.sampled_from([0.5, 1.0, 2.0, 3.0]), units, counts, times, floors)
def test_polynomial_decay_falls_along_a_power(power, unit, span, time, final):
    scheduler = PolynomialDecay(power, **{unit: span}, final=final)
    left = max(span - time, 0) ** power / span**power
    assert at(scheduler, unit, time) == pytest.approx(left + final * (1 - left))
    assert at(scheduler, unit, 0) == 1
    assert at(scheduler, unit, span) == at(scheduler, unit, 3 * span) == final


@given(units, counts, times, floors)
def test_linear_warmup_rises_by_equal_amounts_and_stays_at_1(unit, span, time, start):
    scheduler = LinearWarmup(**{unit: span}, start=start)
    assert at(scheduler, unit, 0) == start
    assert at(scheduler, unit, span) == at(scheduler, unit, span + time) == 1
    rise = at(scheduler, unit, time + 1) - at(scheduler, unit, time)
    assert rise == pytest.approx((1 - start) / span if time < span else 0, abs=1e-12)


@given(units, st.integers(10, 50), st.sampled_from([0.2, 0.3, 0.5]), st.floats(2, 30), st.floats(1, 1e4))
def test_one_cycle_goes_up_and_down(unit, span, pct_start, div_factor, final_div_factor):
    scheduler = OneCycle(
        **{unit: span}, pct_start=pct_start, div_factor=div_factor, final_div_factor=final_div_factor
    )
    curve = [at(scheduler, unit, time) for time in range(span + 3)]
    top = pct_start * span - 1
    assert curve[0] == pytest.approx(1 / div_factor)
    for time, value in enumerate(curve[:span]):
        up = time < top
        low = 1 / div_factor if up else 1 / (div_factor * final_div_factor)
        share = time / top if up else 1 - (time - top) / (span - 1 - top)  # of the way to the top
        assert value == pytest.approx(low + (1 - low) * math.sin(math.pi * share / 2) ** 2)
    assert max(curve) <= 1
    assert curve[span - 1 :] == [pytest.approx(1 / (div_factor * final_div_factor))] * 4


@pytest.mark.parametrize("span", [1, 2, 3])
@pytest.mark.parametrize("pct_start", [0, 0.3, 0.99])
def test_one_cycle_of_a_few_steps_ends_where_it_should(span, pct_start):
    scheduler = OneCycle(steps=span, pct_start=pct_start)
    assert scheduler.factor(0, span - 1) == pytest.approx(1 / (25 * 1e4))


@given(units, st.lists(counts, min_size=1, max_size=4, unique=True).map(sorted), times)
def test_piecewise_constant_changes_at_its_boundaries(unit, bounds, time):
    factors = [10.0 + i for i in range(len(bounds) + 1)]
    scheduler = PiecewiseConstant(factors, **{unit: bounds})
    assert at(scheduler, unit, time) == 10 + sum(time >= bound for bound in bounds)


class Counts(Scheduler):
    """Tells what it is asked."""

    def factor(self, epoch, step):
        return epoch + step / 1000


@given(units, st.lists(counts, min_size=1, max_size=3, unique=True).map(sorted), times)
def test_join_lets_each_part_count_from_where_it_begins(unit, bounds, time):
    parts = [Counts() * Constant(10.0**i) for i in range(len(bounds) + 1)]
    scheduler = Join(parts, **{unit: bounds})
    index = sum(time >= bound for bound in bounds)
    since = time - (bounds[index - 1] if index else 0)
    expected = (since + 0.777 if unit == "epochs" else 777 + since / 1000) * 10**index
    assert at(scheduler, unit, time) == pytest.approx(expected)


def test_join_refuses_parts_that_could_not_know_their_time():
    warmup = LinearWarmup(steps=5)
    assert Join([warmup, Constant(0.5)], epochs=3).factor(0, 0) == pytest.approx(0.1)
    later = (warmup, warmup * Constant(0.5), Join([warmup, Constant()], steps=9))
    for part in later:
        with pytest.raises(ConfigurationError, match="Join: expected schedulers that count epochs behind"):
            Join([StepDecay(), part], epochs=3)
    with pytest.raises(ConfigurationError, match="multiply schedulers of different units"):
        Join([warmup, StepDecay()], steps=3)
    both = Join([warmup, CosineDecay(epochs=2)], epochs=3)
    assert both.units() == {"epochs", "steps"}


@given(schedules())
def test_a_repr_is_the_code_that_makes_it(recipe):
    import minidl.schedulers

    scheduler = recipe()
    again = eval(
        repr(scheduler), {name: getattr(minidl.schedulers, name) for name in minidl.schedulers.__all__}
    )
    for time in [(0, 0), (3, 21), (17, 150), (1000, 9000)]:
        assert again.factor(*time) == pytest.approx(scheduler.factor(*time))


def test_reprs():
    assert repr(CosineDecay(epochs=3)) == "CosineDecay(epochs=3, final=0.0)"
    assert repr(ExponentialDecay(0.9)) == "ExponentialDecay(0.9, epochs=1)"
    joined = Join([LinearWarmup(steps=2), PolynomialDecay(2, steps=4)], steps=2)
    assert repr(joined) == (
        "Join([LinearWarmup(steps=2, start=0.1), PolynomialDecay(2.0, steps=4, final=0.0)], steps=[2])"
    )


@pytest.mark.parametrize(("gamma", "every"), [(0, 1), (-1, 1), (float("nan"), 1), (0.5, 0), (0.5, 1.5)])
def test_hyperparameters_are_checked(gamma, every):
    with pytest.raises(ConfigurationError, match="StepDecay: expected"):
        StepDecay(gamma, every)


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        (CosineDecay, {}, "CosineDecay: expected one of epochs and steps, got epochs=None, steps=None"),
        (LinearWarmup, {"epochs": 1, "steps": 1}, "LinearWarmup: expected one of epochs and steps"),
        (CosineDecay, {"epochs": 0}, "CosineDecay: expected epochs to be a whole number >= 1, got 0"),
        (OneCycle, {"steps": 2.5}, "OneCycle: expected steps to be a whole number >= 1, got 2.5"),
        (CosineDecay, {"epochs": 2, "final": -1}, "final to be a finite number >= 0"),
        (PolynomialDecay, {"power": 0, "epochs": 2}, "power to be a finite number > 0"),
        (ExponentialDecay, {"gamma": 0}, "gamma to be a finite number > 0"),
        (LinearWarmup, {"steps": 2, "start": math.nan}, "start to be a finite number >= 0"),
        (OneCycle, {"steps": 2, "pct_start": 1}, "pct_start to be a finite number >= 0 and < 1"),
        (OneCycle, {"steps": 2, "div_factor": 0}, "div_factor to be a finite number >= 1"),
        (OneCycle, {"steps": 2, "final_div_factor": 0.5}, "final_div_factor to be a finite number >= 1"),
        (PiecewiseConstant, {"factors": [1, 2], "epochs": [3, 3]}, "epochs that rise"),
        (PiecewiseConstant, {"factors": [1], "epochs": [3]}, "expected 2 factors around 1 boundaries, got 1"),
        (PiecewiseConstant, {"factors": [1, -1], "epochs": 3}, "each factor to be a finite number >= 0"),
        (PiecewiseConstant, {"factors": 1, "epochs": 3}, "expected a sequence of factors, got 1"),
        (Join, {"schedulers": [StepDecay()], "epochs": 3}, "expected 2 schedulers around 1 boundaries"),
        (Join, {"schedulers": [StepDecay(), 0.1], "epochs": 3}, "a list of objects of class Scheduler"),
    ],
)
def test_arguments_are_checked(kind, options, text):
    with pytest.raises(ConfigurationError) as error:
        kind(**options)
    assert text in str(error.value)


@pytest.mark.parametrize("time", [-1, 0.5, "now", None])
def test_a_time_that_is_none_is_refused(time):
    parts = [Constant(), StepDecay()]
    made = (
        CosineDecay(epochs=2), LinearWarmup(epochs=2), OneCycle(epochs=9), Join(parts, epochs=3),
    )  # fmt: skip
    for scheduler in made:
        with pytest.raises(ConfigurationError, match="expected epoch to be a whole number >= 0"):
            scheduler.factor(time, 0)
