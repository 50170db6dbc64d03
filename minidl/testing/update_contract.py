"""The checkers of what changes parameters: optimizers, and the schedulers of their rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minidl.checks import check_bool, check_callable
from minidl.optimizers import Optimizer
from minidl.schedulers import Scheduler
from minidl.testing.clauses import OPTIMIZER_CLAUSES, SCHEDULER_CLAUSES
from minidl.testing.optimizer_cases import OptimizerCase, SchedulerCase
from minidl.testing.reference import Reference
from minidl.testing.reports import ContractError, Report
from minidl.testing.suite import name_of, reference_of, run, seed_of
from minidl.types import Rng


def check_optimizer(
    factory: Callable[[], Optimizer],
    *,
    rng: Rng = 0,
    clauses: Sequence[str] | None = None,
    skip: Sequence[str] = (),
    elementwise: bool = True,
    reference: Reference | None = None,
) -> Report:
    """Check an optimizer: that it descends, what it writes to, what its state holds.

    Parameters
    ----------
    factory : callable ``() -> Optimizer``
        With a rate of a size that suits a well-scaled quadratic.
    elementwise : bool
        False for one whose step looks at more than one number at a time; leaves out
        ``every_number``.
    reference : callable ``(values, gradients) -> values``, optional
        Where the steps lead, written elsewhere in plain NumPy: the first values, the list of every step's
        gradients, the values after the last.
    rng, clauses, skip
        As in `check_layer`; the names are those of `OPTIMIZER_CLAUSES`.

    Raises
    ------
    ContractError
        With every clause that failed.
    """
    check_callable("check_optimizer", "factory", factory)
    check_bool("check_optimizer", "elementwise", elementwise)
    judge = reference_of("check_optimizer", reference)
    case = OptimizerCase(factory, seed_of(rng), elementwise=elementwise, reference=judge)
    return run(name_of(case.optimizer()), case, OPTIMIZER_CLAUSES, clauses, skip, ContractError)


def check_scheduler(
    factory: Callable[[], Scheduler],
    *,
    clauses: Sequence[str] | None = None,
    skip: Sequence[str] = (),
    reference: Reference | None = None,
) -> Report:
    """Check a scheduler: closed form, finite and not negative, without state, composing.

    Parameters
    ----------
    factory : callable ``() -> Scheduler``
    reference : callable ``(epoch, step) -> factor``, optional
        The closed form, written elsewhere.
    clauses, skip
        As in `check_layer`; the names are those of `SCHEDULER_CLAUSES`.

    Raises
    ------
    ContractError
        With every clause that failed.
    """
    judge = reference_of("check_scheduler", reference)
    case = SchedulerCase(check_callable("check_scheduler", "factory", factory), reference=judge)
    return run(name_of(case.scheduler()), case, SCHEDULER_CLAUSES, clauses, skip, ContractError)
