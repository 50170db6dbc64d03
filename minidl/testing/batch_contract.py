"""The checkers of what takes batches beside the net: metrics and transforms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minidl.checks import check_callable, check_int, check_shape
from minidl.metrics import Metric
from minidl.testing.cases import MakeInput
from minidl.testing.clauses import METRIC_CLAUSES, TRANSFORM_CLAUSES
from minidl.testing.loss_cases import MakeTargets, MetricCase
from minidl.testing.reference import Reference
from minidl.testing.reports import ContractError, Report
from minidl.testing.suite import name_of, optional, run, scores_case, seed_of
from minidl.testing.transform_cases import TransformCase
from minidl.transforms import Transform
from minidl.types import Rng


def check_metric(
    factory: Callable[[], Metric],
    num_classes: int = 3,
    *,
    rng: Rng = 0,
    clauses: Sequence[str] | None = None,
    skip: Sequence[str] = (),
    make_targets: MakeTargets | None = None,
    reference: Reference | None = None,
) -> Report:
    """Check a metric: that batches add up, that weights count, what it forgets, its name.

    Parameters
    ----------
    factory : callable ``() -> Metric``
        The class itself, where it takes no arguments.
    num_classes : int
        Scores have the shape (batch, num_classes).
    make_targets : callable ``(rng, batch, num_classes) -> array``, optional
        For targets other than integer labels, such as numbers.
    reference : callable ``(scores, targets) -> float``, optional
        The number without weights, written elsewhere in plain NumPy.
    rng, clauses, skip
        As in `check_layer`; the names are those of `METRIC_CLAUSES`.

    Raises
    ------
    ContractError
        With every clause that failed.
    """
    case = scores_case(MetricCase, "check_metric", factory, num_classes, rng, make_targets, reference)
    return run(name_of(case.metric()), case, METRIC_CLAUSES, clauses, skip, ContractError)


def check_transform(
    factory: Callable[[], Transform],
    input_shape: Sequence[int],
    num_classes: int = 3,
    *,
    rng: Rng = 0,
    clauses: Sequence[str] | None = None,
    skip: Sequence[str] = (),
    make_input: MakeInput | None = None,
    make_targets: MakeTargets | None = None,
) -> Report:
    """Check a transform: what it gives, what it writes to, that it draws from `rng` alone.

    Parameters
    ----------
    factory : callable ``() -> Transform``
    input_shape : tuple of int
        One sample's.
    num_classes : int
        Labels are drawn below it.
    make_input : callable ``(rng, shape, dtype) -> array``, optional
        Draws features, `shape` with the batch; whole numbers from 0 to 255 by default.
    make_targets : callable ``(rng, batch, num_classes) -> array``, optional
        Draws targets other than labels.
    rng, clauses, skip
        As in `check_layer`; the names are those of `TRANSFORM_CLAUSES`.

    Raises
    ------
    ContractError
        With every clause that failed.
    """
    name = "check_transform"
    case = TransformCase(
        check_callable(name, "factory", factory),
        check_shape(name, "input_shape", input_shape),
        seed_of(rng),
        check_int(name, "num_classes", num_classes, at_least=1),
        make_input=optional(name, "make_input", make_input, "rng", "shape", "dtype"),
        make_targets=optional(name, "make_targets", make_targets, "rng", "batch", "num_classes"),
    )
    check_shape(name, "a batch", (case.batch, *case.input_shape))
    return run(name_of(case.transform()), case, TRANSFORM_CLAUSES, clauses, skip, ContractError)
