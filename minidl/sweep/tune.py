"""Trials of a sweep as the objective of an Optuna study, for more than a grid. Needs the extra ``tune``."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minidl.advice import shown
from minidl.callbacks import Callback
from minidl.callbacks.callback import Training
from minidl.checks import check_kind
from minidl.data import Splits
from minidl.errors import ConfigurationError
from minidl.files import as_path
from minidl.sweep.adaptive import import_optuna
from minidl.sweep.figures import FIGURES
from minidl.sweep.objective import Objective, watched
from minidl.sweep.space import Configuration, Space, plain_configurations
from minidl.sweep.sweep import Sweep
from minidl.sweep.trial import Build, Task, make_trainer, run_task
from minidl.training import Trainer

if TYPE_CHECKING:
    import numpy.typing as npt
    import optuna
    from optuna import Study
    from optuna.distributions import BaseDistribution

Suggest: TypeAlias = "Mapping[str, BaseDistribution] | Callable[[optuna.Trial], Configuration]"


class OptunaObjective:
    """What `Study.optimize` calls: a trial as `Sweep` runs it, its configuration from the study.

    The value is a sweep's, to the bit, for the same configuration. The trial's user attributes get
    the configuration and the figures, or the ``reason`` of one that diverged (pruned, so that the
    study keeps away from there) or failed.

    Parameters
    ----------
    model, data, steps, epochs, objective, seed, dtype : as `Sweep` takes them
    suggest : dict of str to optuna distribution, or callable ``(optuna trial) -> configuration``
        NumPy's values among the choices of a categorical distribution become Python's, which every
        storage of Optuna can hold.

    Attributes
    ----------
    direction : "maximize" or "minimize"
        What the study must be made with.

    Raises
    ------
    MissingExtraError
        Optuna is not installed.
    ConfigurationError, DataError
        As from `Sweep`; `suggest` is neither of the two.
    """

    def __init__(
        self,
        model: str | Build,
        suggest: Suggest,
        data: Splits,
        *,
        steps: int | None = None,
        epochs: int | None = None,
        objective: Objective | None = None,
        seed: int = 0,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        import_optuna("minidl.sweep.tune")
        options: dict[str, Any] = {"objective": objective, "seed": seed, "dtype": dtype}
        sweep = Sweep(model, _Suggested(), data, steps=steps, epochs=epochs, **options)
        self.direction = "maximize" if sweep.maximize else "minimize"
        self._setup, self._budget = sweep.setup, sweep.budgets[-1]
        self._suggest = _checked(suggest)

    def __call__(self, trial: optuna.Trial) -> float:
        """Train and measure; NaN, which Optuna counts as failed, where an error came.

        Raises
        ------
        optuna.TrialPruned
            The study's pruner said so, or training diverged.
        ConfigurationError
            The study's direction is the other one, or what it suggests is no configuration.
        """
        optuna = import_optuna("minidl.sweep.tune")
        study = getattr(trial, "study", None)
        if not isinstance(study, optuna.Study):
            remedy = "give the objective to study.optimize"
            raise ConfigurationError.expected("OptunaObjective", "a trial of a study", shown(trial), remedy)
        found = ", ".join(direction.name.lower() for direction in study.directions)
        if found != self.direction:
            remedy = f"create_study(direction={self.direction!r})"
            raise ConfigurationError.expected(
                "OptunaObjective", f"a study to {self.direction}", found, remedy
            )
        configuration = self._configuration(trial)
        trial.set_user_attr("configuration", configuration)
        setup = self._setup
        pruning: PruningCallback | None = None

        def build(configuration: Configuration, data: Splits, rng: np.random.Generator) -> Trainer:
            nonlocal pruning
            trainer = make_trainer(setup, configuration)  # from a generator of its own, equal to `rng`
            pruning = PruningCallback(trial, watched(setup.objective, list(trainer.history.epochs)))
            trainer.callbacks.append(pruning)
            return trainer

        task = Task(trial.number, configuration, 0, 0, self._budget, last=True)
        row = run_task(dataclasses.replace(setup, build=build), task).row
        figures = {name: getattr(row, name) for name in ("steps", "reason", *FIGURES)} | row.metrics
        for name, figure in figures.items():
            trial.set_user_attr(name, figure)
        if (pruning and pruning.pruned) or row.status == "diverged":
            raise optuna.TrialPruned(row.reason)
        return float("nan") if row.value is None else row.value

    def _configuration(self, trial: optuna.Trial) -> Configuration:
        if callable(self._suggest):
            suggested = self._suggest(trial)
        else:
            suggested = {name: _draw(trial, name, given) for name, given in self._suggest.items()}
        (configuration,) = plain_configurations("OptunaObjective", [suggested])
        return configuration


class PruningCallback(Callback):
    """Reports a column of the history to an Optuna trial after each epoch, and ends what it prunes.

    Parameters
    ----------
    trial : optuna.Trial
    column : str
        Of ``history.epochs``.

    Raises
    ------
    optuna.TrialPruned
        From the `Trainer.fit` under way, where the study's pruner says so.
    """

    def __init__(self, trial: optuna.Trial, column: str = "validation_accuracy") -> None:
        if not hasattr(trial, "report") or not hasattr(trial, "should_prune"):
            raise ConfigurationError.expected("PruningCallback", "a trial of a study", shown(trial))
        self.pruned = False
        self._trial, self._column = trial, column

    def on_epoch_end(self, trainer: Training) -> None:
        """Report, and ask."""
        columns = trainer.history.epochs
        if not isinstance(self._column, str) or self._column not in columns:
            expected = f"column to be one of {', '.join(columns)}"
            raise ConfigurationError.expected("PruningCallback", expected, shown(self._column))
        value = columns[self._column][-1]
        if value is None:  # there is no validation set
            return
        self._trial.report(value, trainer.epoch)
        if self._trial.should_prune():
            self.pruned = True
            raise import_optuna("minidl.sweep.tune").TrialPruned(f"pruned after epoch {trainer.epoch}")


def open_study(
    path: str | os.PathLike[str], *, name: str = "minidl", direction: str = "maximize", **options: Any
) -> Study:
    """The study in a journal file, begun there or gone on with; several processes may share it.

    Parameters
    ----------
    path : path-like
        The file of Optuna's journal storage, made if it is not there.
    name : str
        Of the study in it.
    direction : "maximize" or "minimize"
        An `OptunaObjective` says which.
    **options
        Such as `sampler` and `pruner`: see `optuna.create_study`. They are not in the file.
    """
    optuna = import_optuna("minidl.sweep.tune")
    from optuna.storages.journal import JournalFileBackend, JournalStorage

    path = as_path("open_study", path)
    check_kind("open_study", "name", name, str)
    check_kind("open_study", "direction", direction, str)
    options = {"study_name": name, "direction": direction, "load_if_exists": True, **options}
    if path.exists() and not path.is_file():
        raise ConfigurationError.expected("open_study", f"a study in {path}", "no regular file")
    try:
        storage = JournalStorage(JournalFileBackend(str(path)))
        study: Study = optuna.create_study(storage=storage, **options)
    except Exception as error:  # of a file that Optuna did not write, whatever its reader comes upon
        got = f"{type(error).__name__}: {error}"
        raise ConfigurationError.expected("open_study", f"a study in {path}", got) from error
    return study


class _Suggested(Space):
    """The configurations come one by one, from the study."""

    def configurations(self) -> list[Configuration]:
        return []


def _checked(suggest: object) -> Suggest:
    if callable(suggest):
        return suggest
    if not isinstance(suggest, Mapping) or not all(isinstance(name, str) for name in suggest):
        expected = "suggest to be a dict of names and distributions, or a function of the trial"
        raise ConfigurationError.expected("OptunaObjective", expected, shown(suggest))
    return {name: _plain(name, given) for name, given in suggest.items()}


def _plain(name: str, given: object) -> BaseDistribution:
    """A distribution whose values JSON gives back as they are."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(given, CategoricalDistribution):
        (plain,) = plain_configurations("OptunaObjective", [{name: given.choices}])
        return CategoricalDistribution(plain[name])
    if not isinstance(given, FloatDistribution | IntDistribution):
        expected = f"{name} to be a float, int or categorical distribution"
        raise ConfigurationError.expected("OptunaObjective", expected, shown(given))
    return given


def _draw(trial: optuna.Trial, name: str, given: Any) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if isinstance(given, CategoricalDistribution):
        return trial.suggest_categorical(name, given.choices)
    draw = trial.suggest_float if isinstance(given, FloatDistribution) else trial.suggest_int
    return draw(name, given.low, given.high, step=given.step, log=given.log)
