"""A study's trials are a sweep's, pruned and resumed by Optuna."""

import numpy as np
import pytest

from minidl import Dataset
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
    rows = Sweep("mlp", Grid(**VALUES), digits, **options).run(jobs=1).rows
    objective = OptunaObjective("mlp", CHOICES, digits, **options)
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
        "mlp", lambda trial: {"hidden": [16, 8], "lr": rates[trial.number]}, digits, epochs=4
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
    with pytest.raises(optuna.TrialPruned):
        trainer.fit(part, epochs=1)  # it stays pruned: a hook that raised is called once more
    assert trainer.epoch == 1
    other = make_trainer(callbacks=[PruningCallback(study.ask())])
    other.fit(part, epochs=1)  # without a validation set there is nothing to prune by


def test_what_goes_wrong_does_not_end_the_study(digits):
    def suggest(trial):
        return [{"hidden": 8, "lr": 1e9}, {"hidden": 0, "lr": 0.1}, {"hidden": 8, "lr": 0.1}][trial.number]

    objective = OptunaObjective("mlp", suggest, digits, steps=5)
    study = study_of(objective)
    study.optimize(objective, n_trials=3)
    assert [trial.state.name for trial in study.trials] == ["PRUNED", "FAIL", "COMPLETE"]
    assert "expected a finite" in study.trials[0].user_attrs["reason"]
    assert "hidden" in study.trials[1].user_attrs["reason"]


def test_a_study_goes_on_from_its_file(digits, tmp_path):
    path = tmp_path / "study.journal"
    objective = OptunaObjective("mlp", CHOICES, digits, steps=20)
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
    objective = OptunaObjective("mlp", distributions, digits, steps=5)
    study = study_of(objective)
    study.optimize(objective, n_trials=2)
    assert all(trial.distributions == distributions for trial in study.trials)


def test_errors_say_what_to_do(digits):
    objective = OptunaObjective("mlp", CHOICES, digits, steps=5)
    with pytest.raises(ConfigurationError, match=r"got minimize; create_study\(direction='maximize'\)"):
        optuna.create_study().optimize(objective, n_trials=1)
    with pytest.raises(ConfigurationError, match="one of steps and epochs"):
        OptunaObjective("mlp", CHOICES, digits)
    with pytest.raises(ConfigurationError, match="a study to maximize, got maximize, minimize; create_study"):
        optuna.create_study(directions=["maximize", "minimize"]).optimize(objective, n_trials=1)
    with pytest.raises(ConfigurationError, match="a trial of a study, got None; give the objective to"):
        objective(None)
    for suggest in (None, "lr", [1], {1: None}):
        with pytest.raises(ConfigurationError, match="a dict of names and distributions, or a function of"):
            OptunaObjective("mlp", suggest, digits, steps=5)
    with pytest.raises(ConfigurationError, match="lr to be a float, int or categorical distribution"):
        OptunaObjective("mlp", {"lr": object()}, digits, steps=5)


@pytest.mark.parametrize("suggested", [None, 3, "lr", ["hidden", 8], [("hidden", 8)], {1: 2}, np.ones(2)])
def test_a_function_suggests_a_dict(digits, suggested):
    objective = OptunaObjective("mlp", lambda trial: suggested, digits, steps=5)
    with pytest.raises(ConfigurationError, match="expected a configuration as a dict of names"):
        study_of(objective).optimize(objective, n_trials=1)


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution:UserWarning")
def test_numpys_values_among_the_choices_become_pythons(digits, tmp_path):
    choices = {"hidden": [np.int64(4), [np.int64(8), np.int32(4)]], "lr": list(np.array([0.1, 0.2])),
               "batch_size": np.array([50, 100])}  # fmt: skip
    distributions = {name: optuna.distributions.CategoricalDistribution(of) for name, of in choices.items()}
    objective = OptunaObjective("mlp", distributions, digits, steps=2)
    for _ in range(2):  # begun, and gone on with
        study = open_study(tmp_path / "study", sampler=optuna.samplers.RandomSampler(seed=0))
        study.optimize(objective, n_trials=4)
    assert [trial.state.name for trial in open_study(tmp_path / "study").trials] == ["COMPLETE"] * 8
    for trial in study.trials:
        assert trial.params == trial.user_attrs["configuration"]
        assert {type(trial.params[name]) for name in ("lr", "batch_size")} == {float, int}


def test_errors_of_the_callback(make_trainer):
    with pytest.raises(ConfigurationError, match="PruningCallback: expected a trial of a study, got 'trial'"):
        PruningCallback("trial")
    part = Dataset(np.eye(6), np.arange(6) % 4)
    for column in ("accuracy", 3, ["validation_loss"]):
        trainer = make_trainer(callbacks=[PruningCallback(optuna.create_study().ask(), column)])
        with pytest.raises(ConfigurationError, match="column to be one of .*validation_accuracy.*, got"):
            trainer.fit(part, epochs=1, validation=part)


def test_a_study_that_cannot_be_opened(tmp_path):
    (tmp_path / "file").write_text("no journal\n")
    for path in (tmp_path / "none/study", tmp_path, tmp_path / "file"):
        with pytest.raises(ConfigurationError, match=f"open_study: expected a study in {path}, got"):
            open_study(path)
    for options in ({"direction": "up"}, {"name": 3}, {"sampling": None}):
        with pytest.raises(ConfigurationError, match="open_study: expected"):
            open_study(tmp_path / "study", **options)
