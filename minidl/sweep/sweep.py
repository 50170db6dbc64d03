"""`Sweep`: a trial for every configuration of a space, each once, whatever happens in between."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_callable, check_int, check_kind
from minidl.data import Splits
from minidl.errors import ConfigurationError
from minidl.files import as_path
from minidl.sweep.adaptive import Adaptive, distributions_in_words
from minidl.sweep.best import Best
from minidl.sweep.extension import numbered
from minidl.sweep.halving import Halving
from minidl.sweep.header import describe, describe_space
from minidl.sweep.journal import JOURNAL, Describe, Journal
from minidl.sweep.named import NamedModel
from minidl.sweep.objective import Objective, check_comparable, is_maximized, settle
from minidl.sweep.pool import open_pool
from minidl.sweep.results import Results
from minidl.sweep.row import Row
from minidl.sweep.run import OnResult, Run
from minidl.sweep.space import Space, plain_configurations
from minidl.sweep.trial import Build, Setup

if TYPE_CHECKING:
    import numpy.typing as npt


class Sweep:
    """A trial for every configuration of a space; the best net is kept.

    Every trial is a function of configuration and seed alone, and has one thread of the BLAS: on one
    kind of processor and with one BLAS the results are the same to the bit in any order, on any
    backend and with any number of workers.

    Parameters
    ----------
    model : str or callable
        "mlp", "conv", "resnet" or "table", with the keys of `minidl.recipes.Settings`: ``hidden`` (units;
        also a list of them, for several layers) and ``lr`` must be there, ``momentum`` is 0 by default,
        ``batch_size`` 200, ``reg`` (L2, in the place of ``prior``) 0; further keys are ``model``, in
        the place of the one given here, and ``seed``. The net begins with `Standardize`. "two_layer_net"
        is an "mlp" of one hidden layer. Or ``build(configuration, data, rng)``, which gives a
        `Sequential`, trained with the keys of the training (optimizer, schedule and the like), or a
        `Trainer`, which is used as it is; the function is a pure one that draws from `rng` only, and may
        ask for keys of its own. ``augment`` and ``batch_size`` are for all of these.
    space : Space
        Such as `Grid`, `Random` or `Adaptive`. The key ``seed`` is the trial's own instead of the sweep's;
        configurations that differ in it alone are compared by their means (see `Results.best`).
    data : Splits
        The trials see its training and validation part, never its test part.
    steps, epochs : int >= 1
        What a trial may spend; one of the two.
    objective : "validation_loss", "validation_METRIC", or callable ``(net, data) -> float``
        By default the first metric of the net's loss: "validation_accuracy", or for numbers
        "validation_r2". METRIC may be any other that the net's loss or its Trainer has, and for classes
        f1, precision, recall (means of the classes; weighted_f1 and the like: by their samples), auc or
        log_loss, for numbers mean_absolute_error or root_mean_squared_error. A loss or an error is
        minimized, all else maximized, what a function gives as well.
    seed : int >= 0
        Of every trial, so that they start alike and their differences are the configurations'.
    dtype : float32 or float64
        Of a model given by its name.
    halving : Halving, optional
        Stops the worst trials early; not for an `Adaptive` space.

    Raises
    ------
    ConfigurationError, DataError

    Examples
    --------
    >>> import minidl
    >>> from minidl.sweep import Grid, Sweep
    >>> data = minidl.data.load("digits")
    >>> sweep = Sweep("mlp", Grid(hidden=[16], lr=[0.001, 0.1]), data, steps=50)
    >>> sweep.run(jobs=1).best.configuration
    {'hidden': 16, 'lr': 0.1}
    """

    def __init__(
        self,
        model: str | Build,
        space: Space,
        data: Splits,
        *,
        steps: int | None = None,
        epochs: int | None = None,
        objective: Objective | None = None,
        seed: int = 0,
        dtype: npt.DTypeLike = np.float32,
        halving: Halving | None = None,
        **keys: Any,
    ) -> None:
        if keys:
            remedy = f"Grid({', '.join(f'{name}=[{value!r:.40}]' for name, value in keys.items())}, ...)"
            expected = f"{' and '.join(keys)} as a key of the space, whose values are lists"
            raise ConfigurationError.expected("Sweep", expected, "an argument of Sweep", remedy)
        if (steps is None) == (epochs is None):
            got = f"steps={steps!r:.50}, epochs={epochs!r:.50}"
            raise ConfigurationError.expected("Sweep", "one of steps and epochs", got)
        unit, budget = ("steps", steps) if epochs is None else ("epochs", epochs)
        remedy = "such as Grid(hidden=[50, 100], lr=[0.01, 0.1])"
        check_kind("Sweep", "space", space, Space, remedy=remedy)
        remedy = "such as minidl.data.load('digits'), or Splits('mine', train, validation)"
        check_kind("Sweep", "data", data, Splits, remedy=remedy)
        if halving is not None:
            check_kind("Sweep", "halving", halving, Halving, remedy="such as Halving(eta=3)")
        if not isinstance(model, str):
            check_callable("Sweep", "model, where it is no name,", model, "configuration", "data", "rng")
        self.adaptive = space if isinstance(space, Adaptive) else None
        self.configurations = plain_configurations("Sweep", space.configurations())
        self.trials = self.adaptive.count if self.adaptive else len(self.configurations)
        if halving and self.adaptive:
            remedy = "draw at random, or leave the halving out"
            expected = "a grid or random draws for halving"
            raise ConfigurationError.expected("Sweep", expected, repr(self.adaptive), remedy)
        self.halving = halving
        budget = check_int("Sweep", unit, budget, at_least=1)
        self.budgets = halving.budgets(budget, len(self.configurations)) if halving else [budget]
        build = NamedModel.of(model, data, dtype, self.configurations) if isinstance(model, str) else model
        seen = Splits(data.name, data.train, data.validation)
        seed = check_int("Sweep", "seed", seed, at_least=0)
        objective = settle(objective, model, data, self.configurations, seed)
        if isinstance(model, str):
            check_comparable(objective, self.configurations)
        self.maximize = is_maximized(objective)
        self.setup = Setup(build, seen, unit, objective, seed, self.budgets[-1])

    def run(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        jobs: int = -1,
        backend: str = "loky",
        scheduler: str | None = None,
        on_start: Callable[[Results], object] | None = None,
        on_result: OnResult | None = None,
        resume: bool = True,
        extend: bool = False,
    ) -> Results:
        """Run what the directory's journal does not hold yet; all of it without a directory.

        Parameters
        ----------
        directory : path-like, optional
            Gets ``journal.jsonl``, a line for each result as it comes, and the folder ``best`` with
            the best trial's net and history. Without it, results are in memory only.
        jobs : int
            Trials at a time; -1: as many as there are cores, -2: one less. With 1 they run in this
            process; with more, model and objective go to others, pickled.
        backend : "loky", "dask" or "ray"
            Processes on this machine, a `dask.distributed` cluster (which has its own number of
            jobs), or Ray.
        scheduler : str, optional
            Address of the dask scheduler or the Ray cluster; without it the one that this process
            is connected to, else one started here.
        on_start : callable ``(results)``
            Called before the first trial, when the directory is found to fit, with what it holds.
        on_result : callable ``(row, results)``
            Called for each new row.
        resume : bool
            Whether a journal that holds rows may be gone on with.
        extend : bool
            Whether it may be a journal of other configurations, or of shorter trials, too. What it
            holds stays: of this sweep's length as results, of another only in the file. It is gone on
            with by what is missing, and holds both then; the new trials have the numbers that are free.

        Raises
        ------
        ConfigurationError
            The directory's journal is of another sweep (also where `extend` is true: in more than
            that allows) or in use, or `resume` is false and it holds rows; directory or temporary
            folder cannot be written; model or objective cannot be pickled; the cluster cannot be
            reached.
        MissingExtraError
            The backend is not installed.
        StateError
            This process is only just importing the main program, which has no main guard; workers
            lack what the model is made of.
        """
        if on_start is not None:
            check_callable("Sweep", "on_start", on_start, "results")
        if on_result is not None:
            check_callable("Sweep", "on_result", on_result, "row", "results")
        folder = None if directory is None else as_path("Sweep.run", directory)
        with (
            # First, so that nothing is written where there is no such backend.
            open_pool(self.setup, len(self.configurations), jobs, backend, scheduler) as run_tasks,
            Journal(folder and folder / JOURNAL, self._header(), resume=resume, extend=extend) as journal,
        ):
            run = Run(self, journal, Best(folder), on_result)
            if on_start:
                on_start(run.results)
            for entrants, rung in run.rounds():
                for outcome in run_tasks(run.tasks(entrants, rung)):
                    run.take(outcome)
            for outcome in run_tasks(run.lost()):
                run.restore(outcome)
            return run.results

    def _header(self) -> Describe:
        """The journal's header, as a function of the rows from before it was extended."""
        if adaptive := self.adaptive:
            sampler = {"name": adaptive.sampler, "seed": adaptive.seed, "at_a_time": adaptive.at_a_time}
            space = [distributions_in_words(adaptive)]
            header = describe(self.setup, space, self.budgets[-1], None, sampler) | {"trials": self.trials}
            return lambda _: header
        header = describe(self.setup, self.configurations, self.budgets[-1], self.halving)

        def with_those_before(earlier: Sequence[Row]) -> dict[str, Any]:
            return header | describe_space(list(numbered(self.configurations, earlier).values()))

        return with_those_before
