"""A study's trials are a sweep's, pruned and resumed by Optuna."""

import numpy as np
import pytest

from minidl.errors import ConfigurationError
from minidl.sweep import Grid, Sweep

optuna = pytest.importorskip("optuna", reason="Optuna is not installed: pip install 'minidl[tune]'")
pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")

from minidl.sweep.tune import OptunaObjective, PruningCallback, open_study  # noqa: E402

VALUES = {"hidden": [8, 16], "lr": [0.01, 0.1, 0.3]}
CHOICES = {name: optuna.distributions.CategoricalDistribution(values) for name, values in VALUES.items()}


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def study_of(objective, **options):
    return optuna.create_study(direction=objective.direction, **options)


@pytest.mark.parametrize("measured", ["validation_accuracy", "validation_loss"])
def test_values_are_those_of_a_sweep(digits, measured):
    options = {"epochs": 2, "objective": measured, "seed": 3}
    rows = Sweep("dense_net", Grid(**VALUES), digits, **options).run(jobs=1).rows
    objective = OptunaObjective("dense_net", CHOICES, digits, **options)
    options = {"sampler": optuna.samplers.GridSampler(VALUES), "pruner": optuna.pruners.NopPruner()}
    study = study_of(objective, **options)
    study.optimize(objective)
    values = {tuple(trial.params.items()): trial.value for trial in study.trials}
    assert values == {tuple(row.configuration.items()): row.value for row in rows}
    for trial in study.trials:
        (row,) = (row for row in rows if row.configuration == trial.user_attrs["configuration"])
        assert trial.user_attrs["train_loss"] == row.train_loss
        assert trial.user_attrs["steps"] == row.steps
        assert list(trial.intermediate_values) == [1, 2]
        if measured == "validation_accuracy":
            assert list(trial.intermediate_values.values()) == row.curve[measured]


def test_a_pruner_ends_trials_early(digits):
    rates = [0.1, 1e-5]
    objective = OptunaObjective(
        "dense_net", lambda trial: {"hidden": [16, 8], "lr": rates[trial.number]}, digits, epochs=4
    )
    study = study_of(objective, pruner=optuna.pruners.MedianPruner(n_startup_trials=1))
    study.optimize(objective, n_trials=2)
    good, bad = study.trials
    assert good.state.name == "COMPLETE"
    assert len(good.intermediate_values) == 4
    assert bad.state.name == "PRUNED"
    assert list(bad.intermediate_values) == [1]
    assert bad.user_attrs["steps"] * 4 == good.user_attrs["steps"]


def test_the_callback_serves_any_trainer(digits, make_trainer):
    trainer = make_trainer()
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.ThresholdPruner(lower=1.1))
    trainer.callbacks.append(PruningCallback(study.ask()))
    rng = np.random.default_rng(0)
    part = type(digits.train)(rng.standard_normal((40, 6)), rng.integers(4, size=40))
    with pytest.raises(optuna.TrialPruned):
        trainer.fit(part, epochs=3, validation=part)
    assert trainer.epoch == 1
    trainer.fit(part, epochs=1)  # without a validation set there is nothing to prune by


def test_what_goes_wrong_does_not_end_the_study(digits):
    def suggest(trial):
        return [{"hidden": 8, "lr": 1e9}, {"hidden": 0, "lr": 0.1}, {"hidden": 8, "lr": 0.1}][trial.number]

    objective = OptunaObjective("dense_net", suggest, digits, steps=5)
    study = study_of(objective)
    study.optimize(objective, n_trials=3)
    assert [trial.state.name for trial in study.trials] == ["PRUNED", "FAIL", "COMPLETE"]
    assert "expected a finite" in study.trials[0].user_attrs["reason"]
    assert "out_features" in study.trials[1].user_attrs["reason"]


def test_a_study_goes_on_from_its_file(digits, tmp_path):
    path = tmp_path / "study.journal"
    objective = OptunaObjective("dense_net", CHOICES, digits, steps=20)
    for count in (2, 4):
        study = open_study(path, direction=objective.direction, sampler=optuna.samplers.GridSampler(VALUES))
        assert len(study.trials) == count - 2 if count == 2 else 2
        study.optimize(objective, n_trials=count)
    assert [trial.number for trial in open_study(path).trials] == list(range(6))
    assert len({tuple(trial.params.items()) for trial in open_study(path).trials}) == 6
    assert open_study(path).best_value == max(trial.value for trial in study.trials)


def test_every_kind_of_distribution(digits):
    distributions = {
        "hidden": optuna.distributions.IntDistribution(4, 16, step=4),
        "lr": optuna.distributions.FloatDistribution(1e-3, 1e-1, log=True),
        "momentum": optuna.distributions.CategoricalDistribution([0.0, 0.9]),
    }
    objective = OptunaObjective("dense_net", distributions, digits, steps=5)
    study = study_of(objective)
    study.optimize(objective, n_trials=2)
    assert all(trial.distributions == distributions for trial in study.trials)


def test_errors_say_what_to_do(digits):
    objective = OptunaObjective("dense_net", CHOICES, digits, steps=5)
    with pytest.raises(ConfigurationError, match=r"got minimize; create_study\(direction='maximize'\)"):
        optuna.create_study().optimize(objective, n_trials=1)
    with pytest.raises(ConfigurationError, match="one of steps and epochs"):
        OptunaObjective("dense_net", CHOICES, digits)
    other = OptunaObjective("dense_net", {"lr": object()}, digits, steps=5)
    with pytest.raises(ConfigurationError, match="lr to be a float, int or categorical distribution"):
        study_of(other).optimize(other, n_trials=1)
