"""Draws that learn from the results so far, by Optuna's samplers. Needs the extra ``tune``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from minidl.advice import shown
from minidl.checks import check_choice, check_int
from minidl.errors import CheckpointError, ConfigurationError, MissingExtraError
from minidl.sweep.row import Row
from minidl.sweep.space import Configuration, Space, choices_of, named_values, refuse_unnamed

if TYPE_CHECKING:
    from optuna import Study

SAMPLERS = ("tpe", "cma")


class Adaptive(Space):
    """`count` draws, those that follow from where the earlier ones were good.

    `at_a_time` configurations are drawn before the first of their results is known, so that they
    can be trained side by side. All that a draw depends on are the seed and the results before it:
    the same seed gives the same search, with any number of jobs and after any interruption.

    Parameters
    ----------
    count : int >= 1
    sampler : "tpe" or "cma"
        Tree-structured Parzen estimators (Bergstra et al. 2011, "Algorithms for hyper-parameter
        optimization"), after ten draws at random; or the evolution strategy CMA-ES (Hansen and
        Ostermeier 2001), which learns about ranges only, of which it needs two, and draws from
        sequences at random.
    seed : int >= 0
    at_a_time : int >= 1
        More keep more workers busy, fewer learn more from each result.
    **distributions : sequence or optuna distribution
        Such as ``lr=FloatDistribution(1e-3, 0.3, log=True)``, or ``hidden=[50, 100]``; a sequence of
        one value is a constant.

    Raises
    ------
    ConfigurationError
    MissingExtraError
        Optuna, or for "cma" the package cmaes, is not installed.
    """

    def __init__(
        self,
        count: int,
        *given: object,
        sampler: str = "tpe",
        seed: int = 0,
        at_a_time: int = 4,
        **distributions: Any,
    ) -> None:
        unnamed = given or ([count] if isinstance(count, Mapping) else [])
        refuse_unnamed(unnamed, "Adaptive", "Adaptive(20, **values)")
        self.count = check_int("Adaptive", "count", count, at_least=1)
        self.sampler = check_choice("Adaptive", "sampler", sampler, SAMPLERS)
        self.seed = check_int("Adaptive", "seed", seed, at_least=0)
        self.at_a_time = check_int("Adaptive", "at_a_time", at_a_time, at_least=1)
        optuna = import_optuna("an adaptive search")
        self.distributions = {
            name: _checked(optuna, name, column) for name, column in named_values("Adaptive", distributions)
        }
        if sampler == "cma":
            self._check_cma()

    def configurations(self) -> list[Configuration]:
        """Those that are drawn before there is any result."""
        rows: dict[int, Row] = {}
        return list(next(draw(self, rows.__getitem__, maximize=True)).values())

    def completed(self, drawn: Configuration) -> Configuration:
        """The configuration of a trial, given what was drawn: that, unless a subclass adds to it."""
        return drawn

    def __repr__(self) -> str:
        options = f"sampler={self.sampler!r}, seed={self.seed}"
        return f"Adaptive({self.count}, {options}, {', '.join(self.distributions)})"

    def _check_cma(self) -> None:
        ranges = [name for name, given in self.distributions.items() if not isinstance(given, list)]
        if len(ranges) < 2:
            got = ", ".join(ranges) or "none"
            raise ConfigurationError.expected("Adaptive by cma", "two ranges or more", got, "or take tpe")
        if find_spec("cmaes") is None:
            raise MissingExtraError.for_extra("the sampler cma", "cmaes", "tune")


def draw(
    space: Adaptive, row_of: Callable[[int], Row], *, maximize: bool
) -> Iterator[dict[int, Configuration]]:
    """The configurations by the number of their trial, as many as are drawn at a time.

    Where the next are asked for, `row_of` must give the rows of those before.
    """
    optuna = import_optuna("an adaptive search")
    with _quiet(optuna):
        study = optuna.create_study(
            direction="maximize" if maximize else "minimize", sampler=_new_sampler(space, optuna)
        )
    for first in range(0, space.count, space.at_a_time):
        with _quiet(optuna):
            numbers = range(first, min(first + space.at_a_time, space.count))
            trials = [study.ask(_free(space, optuna)) for _ in numbers]
        drawn = {trial.number: space.completed(_configuration(space, trial.params)) for trial in trials}
        yield drawn
        with _quiet(optuna):
            for number, configuration in drawn.items():
                _tell(optuna, study, row_of(number), configuration)


def distributions_in_words(space: Adaptive) -> Configuration:
    """What is drawn from, in the form of a configuration."""
    return {name: repr(given) for name, given in space.distributions.items()}


def _new_sampler(space: Adaptive, optuna: Any) -> Any:
    seed = space.seed % 2**32  # Optuna takes no larger one
    if space.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    independent = optuna.samplers.RandomSampler(seed=seed)
    options = {"independent_sampler": independent, "warn_independent_sampling": False}
    return optuna.samplers.CmaEsSampler(seed=seed, **options)


def _free(space: Adaptive, optuna: Any) -> dict[str, Any]:
    """What Optuna is to draw: of a sequence the position, since its values may be of any kind."""
    return {
        name: optuna.distributions.CategoricalDistribution(range(len(given)))
        if isinstance(given, list)
        else given
        for name, given in space.distributions.items()
        if not isinstance(given, list) or len(given) > 1
    }


def _configuration(space: Adaptive, drawn: Mapping[str, Any]) -> Configuration:
    return {
        name: given[drawn.get(name, 0)] if isinstance(given, list) else drawn[name]
        for name, given in space.distributions.items()
    }


def _tell(optuna: Any, study: Study, row: Row, configuration: Configuration) -> None:
    if row.configuration != configuration:
        expected, got = f"{row.configuration} to be drawn as trial {row.trial}", configuration
        remedy = "go on with the version of Optuna that the sweep was begun with"
        raise CheckpointError.expected("Adaptive, going on with a journal", expected, got, remedy)
    if row.value is not None:
        study.tell(row.trial, row.value)
    else:  # a trial that diverged teaches where not to look; one that failed, nothing
        states = optuna.trial.TrialState
        study.tell(row.trial, state=states.PRUNED if row.status == "diverged" else states.FAIL)


def import_optuna(feature: str) -> Any:
    """Optuna; `MissingExtraError` without it."""
    try:
        import optuna
    except ImportError:
        raise MissingExtraError.for_extra(feature, "Optuna", "tune") from None
    return optuna


def _checked(optuna: Any, name: str, given: Any) -> Any:
    distributions = optuna.distributions
    if isinstance(given, (distributions.FloatDistribution, distributions.IntDistribution)):
        return given
    if isinstance(given, distributions.BaseDistribution):
        given = given.choices
    if hasattr(given, "rvs"):
        remedy = "such as FloatDistribution(1e-4, 0.1, log=True) of optuna.distributions"
        expected = f"a distribution of Optuna for {name!r}"
        raise ConfigurationError.expected("Adaptive", expected, shown(given), remedy)
    return choices_of("Adaptive", name, given)


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Without Optuna's news, and its warnings that an option is new."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
