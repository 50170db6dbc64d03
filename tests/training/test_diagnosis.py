import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl import SGD, Dataset, History, Standardize, StepDecay, Trainer
from minidl.plots import smooth
from minidl.recipes import mlp


def names(findings):
    return {finding.name for finding in findings}


def train(data, hidden=(50,), *, lr=0.05, epochs=20, momentum=0.9, train=None, batch_size=32, seed=0):
    rng = np.random.default_rng(seed)
    standardize = Standardize.fit(data.train.features, shared_scale=True)
    net = mlp(64, hidden, 10, standardize=standardize, rng=rng)
    trainer = Trainer(net, SGD(lr, momentum), scheduler=StepDecay(0.95), rng=rng)
    part = data.train if train is None else train
    history = trainer.fit(part, epochs=epochs, batch_size=batch_size, validation=data.validation)
    return history, net


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_nothing_is_invented_where_the_curves_are_fine(seed, momentum, digits):
    history, net = train(digits, momentum=momentum, seed=seed)
    assert history.diagnose(net, digits.train.features) == []


def test_an_empty_history_says_nothing():
    assert History().diagnose() == []


@pytest.mark.parametrize("lr", [3e-5, 3e-6])
def test_a_rate_too_small(lr, digits):
    findings = train(digits, lr=lr, momentum=0, epochs=5)[0].diagnose()
    assert "rate too small" in names(findings)
    assert any("larger" in finding.advice for finding in findings)


@pytest.mark.parametrize("lr", [0.7, 1.0])
def test_a_rate_too_large(lr, digits):
    assert "rate too large" in names(train(digits, lr=lr, epochs=3)[0].diagnose())


def test_a_model_too_small(digits):
    findings = train(digits, hidden=(1,), epochs=30)[0].diagnose()
    assert names(findings) == {"model too small"}


def test_overfitting(digits):
    few = digits.train[:40]
    noisy = Dataset(few.features, np.roll(few.targets, 1), target_names=digits.train.target_names)
    findings = train(digits, train=noisy, epochs=60)[0].diagnose()
    assert "overfitting" in names(findings)
    assert "points apart" in next(f.evidence for f in findings if f.name == "overfitting")


def losses_of(column, *, train_loss, accuracies=None):
    """A history of epochs with these validation losses."""
    history = History()
    for loss in column:
        row = {"step": 1, "train_loss": train_loss, "validation_loss": loss, "lr": 0.1, "seconds": 1.0}
        if accuracies is not None:
            row["train_accuracy"], row["validation_accuracy"] = accuracies
        history.record_epoch(**row)
    return history


def fallen_and_risen(end, scatter=0.01, seed=0):
    noise = scatter * np.random.default_rng(seed).uniform(-1, 1, 30)
    return np.concatenate([np.linspace(2, 0.5, 10), np.linspace(0.5, end, 20)]) + noise


@pytest.mark.parametrize("accuracies", [None, (1.0, 0.947)])
def test_a_validation_loss_that_rises_from_its_lowest_is_overfitting(accuracies):
    """Also where the accuracies are less than ten points apart, and where there are none."""
    (finding,) = losses_of(fallen_and_risen(0.7), train_loss=0.01, accuracies=accuracies).diagnose()
    assert finding.name == "overfitting"
    assert "the validation loss was lowest around epoch 1" in finding.evidence
    for remedy in ("early stopping", "augmentation", "dropout"):
        assert remedy in finding.advice


@pytest.mark.parametrize(
    ("end", "train_loss", "accuracies"),
    [
        (0.52, 0.01, None),  # within the scatter
        (0.7, 0.6, None),  # the training loss is no lower: of penalties or dropout
        (0.7, 0.01, (1.0, 0.99)),  # too sure of a few errors
        (0.7, 0.6, (0.95, 0.9)),
    ],
)
def test_a_validation_loss_that_rises_without_overfitting(end, train_loss, accuracies):
    assert losses_of(fallen_and_risen(end), train_loss=train_loss, accuracies=accuracies).diagnose() == []


@pytest.mark.parametrize("seed", range(20))
def test_a_validation_loss_that_scatters_widely_does_not_rise(seed):
    """Of many means the lowest is always below the last."""
    assert losses_of(fallen_and_risen(0.5, scatter=0.1, seed=seed), train_loss=0.01).diagnose() == []


def test_validation_past_its_best():
    history = History()
    rising, falling = np.linspace(0.5, 0.8, 10), np.linspace(0.79, 0.74, 10)
    for accuracy in [*rising, *falling]:
        history.record_epoch(
            step=1, train_loss=0.5, train_accuracy=float(accuracy) + 0.02, validation_loss=0.5,
            validation_accuracy=float(accuracy), lr=0.1, seconds=1.0,
        )  # fmt: skip
    (finding,) = history.diagnose()
    assert finding.name == "validation past its best"
    assert finding.advice == "stop after about 11 epochs"
    assert "best around epoch 11 of 20 at 79.1%, and is 74.6% at the end" in finding.evidence


@settings(deadline=None)
@given(st.integers(1, 60), st.floats(0.1, 0.99), st.floats(0, 0.02), st.integers(0, 999))
def test_scatter_about_a_level_is_no_fall(epochs, level, scatter, seed):
    rng = np.random.default_rng(seed)
    history = History()
    for accuracy in level + scatter * rng.uniform(-1, 1, epochs):
        history.record_epoch(
            step=1, train_loss=0.5, train_accuracy=level, validation_loss=0.5,
            validation_accuracy=float(accuracy), lr=0.1, seconds=1.0,
        )  # fmt: skip
    assert "validation past its best" not in names(history.diagnose())


def test_dead_units(digits):
    history, net = train(digits)
    net["affine0"].bias.value[:20] = -1e3
    (finding,) = history.diagnose(net, digits.train.features)
    assert finding.name == "dead units"
    assert "20 of 50 hidden units (40%) behind ReLU 'relu0' never fire" in finding.evidence
    assert str(finding) == f"dead units: {finding.evidence}; {finding.advice}"


@settings(deadline=None)
@given(
    st.integers(40, 3000), st.floats(0.5, 10), st.floats(0, 0.4), st.floats(0.02, 0.25), st.integers(0, 99)
)
def test_a_curve_that_falls_and_levels_off_is_fine(steps, start, floor, pace, seed):
    fraction = np.arange(steps) / steps
    noise = 1 + 0.05 * np.random.default_rng(seed).standard_normal(steps)
    history = History()
    history.steps["loss"] = list(start * (floor + (1 - floor) * np.exp(-fraction / pace)) * noise)
    assert history.diagnose() == []


def losses(values, lr=0.1):
    history = History()
    for value in values:
        history.record_step(loss=value, lr=lr)
    return history


@settings(deadline=None)
@given(st.integers(100, 3000), st.floats(0.1, 10), st.floats(1.0, 1.8), st.integers(0, 999))
def test_batches_of_which_a_few_are_far_above_the_others_are_no_rise(steps, level, tail, seed):
    """Of small batches in a regression, at a level that the first steps have reached."""
    rng = np.random.default_rng(seed)
    values = level * (1 + 3 * np.exp(-np.arange(steps) / (0.05 * steps)))
    found = losses(values * np.exp(0.3 * tail * rng.standard_normal(steps))).diagnose()
    assert "rate too large" not in names(found)


@pytest.mark.parametrize("end", [0.05, 0.5])
def test_a_hump_is_forgiven_where_the_run_ends_well(end):
    steps = np.arange(100)
    values = end + (2.5 - end) * np.exp(-steps / 10) + 20 * np.exp(-(((steps - 4) / 3) ** 2))
    assert losses(values).diagnose() == []
    assert names(losses(values + 2 * steps / 100).diagnose()) == {"rate too large"}


@pytest.mark.parametrize("steps", [6, 19, 20, 300])
@pytest.mark.parametrize("top", [1e3, 1e29])
def test_a_loss_that_left_all_bounds_but_is_finite_names_the_rate(steps, top):
    for values in (np.geomspace(2.3, top, steps), np.r_[2.3, np.geomspace(top, top / 2, steps)]):
        (finding,) = losses(values, lr=0.12).diagnose()
        assert finding.name == "rate too large"
        assert finding.evidence.startswith("the loss ")
        assert finding.advice == "try a learning rate 3 to 10 times smaller than 0.12"


@given(st.lists(st.floats(-9, 9), min_size=20, max_size=60))
def test_losses_of_any_sign_have_no_ratios_that_fail(values):
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        losses(values).diagnose()
    assert losses(np.linspace(-1, -1.5, 60)).diagnose() == []


@settings(deadline=None)
@given(st.integers(100, 3000), st.floats(0.5, 10), st.floats(0.55, 0.8), st.integers(0, 99))
def test_a_straight_line_is_a_rate_too_small(steps, start, end, seed):
    noise = 1 + 0.01 * np.random.default_rng(seed).standard_normal(steps)
    history = History()
    history.steps["loss"] = list(start * np.linspace(1, end, steps) * noise)
    assert names(history.diagnose()) == {"rate too small"}


def test_a_straight_line_is_told_from_scatter_about_a_level():
    line, level = np.linspace(4.15, 3.73, 200), 1 + 0.4 * np.exp(-np.arange(800) / 60)
    found = np.zeros(2)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        runs = line + 0.2 * rng.standard_normal(200), level * rng.chisquare(4, 800) / 4
        found += ["straight line" in str(losses(values).diagnose()) for values in runs]
    assert found[0] > 24
    assert found[1] < 5


@given(
    st.lists(st.floats(-9, 9) | st.sampled_from([np.nan, np.inf]), max_size=60),
    st.integers(1, 20),
    st.booleans(),
)
def test_smooth_is_a_running_mean_of_what_is_finite(values, window, keeps_start):
    for index, mean in enumerate(smooth(values, window, keeps_start=keeps_start)):
        half = window // 2
        ahead = min(half, index) if keeps_start else half
        near = np.array(values[max(index - half, 0) : index + ahead + 1])
        near = near[np.isfinite(near)]
        assert mean == pytest.approx(near.mean() if near.size else np.nan, abs=1e-9, nan_ok=True)
