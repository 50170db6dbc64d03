"""The contract checkers: one call tells the author of a layer, with evidence, whether it is right.

In a test suite, each clause its own test::

    @pytest.mark.parametrize("clause", minidl.testing.CLAUSES)
    def test_my_layer(clause):
        minidl.testing.check_layer(make_my_layer, (3,), clauses=[clause])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minidl.checks import check_bool, check_callable, check_int, check_list, check_shape
from minidl.losses import Loss
from minidl.testing.cases import LayerCase, LayerFactory, MakeInput
from minidl.testing.clauses import CLAUSES, LOSS_CLAUSES, NET_CLAUSES
from minidl.testing.loss_cases import LossCase, MakeTargets
from minidl.testing.net_cases import NetCase
from minidl.testing.reference import Reference
from minidl.testing.reports import ContractError, LayerContractError, Report
from minidl.testing.suite import name_of, optional, reference_of, run, scores_case, seed_of
from minidl.types import Rng


def check_layer(
    factory: LayerFactory,
    input_shape: Sequence[int],
    *,
    rng: Rng = 0,
    clauses: Sequence[str] | None = None,
    skip: Sequence[str] = (),
    batch: int = 5,
    min_batch: int = 1,
    batch_independent: bool = True,
    allocation: bool = False,
    make_input: MakeInput | None = None,
    custom: Sequence[Callable[..., Any]] = (),
    reference: Reference | None = None,
    training_reference: Reference | None = None,
) -> Report:
    """Check a layer against the whole contract.

    Parameters
    ----------
    factory : callable ``(rng, dtype) -> Layer``
        Makes a fresh layer; all it draws, now and in training, comes from `rng`.
    input_shape : tuple of int
        One sample's.
    rng : Generator, seed or None
        Seeds layers and inputs.
    clauses : sequence of str, optional
        Names among `CLAUSES`; all by default.
    skip : sequence of str
        Names to leave out.
    batch : int >= 1
        Samples in the usual batch.
    min_batch : int >= 1
        The fewest samples that training takes: 2 for a normalization of features over the batch.
    batch_independent : bool
        False for a layer whose samples see each other in training (normalization over the batch);
        ``rows_alone`` then compares inference alone.
    allocation : bool
        Whether to demand that warm training allocates no activation-sized array.
    make_input : callable ``(rng, shape, dtype) -> array``, optional
        Draws inputs, `shape` with the batch, for a layer with a domain of its own; Gaussian by
        default.
    custom : sequence of classes and functions
        What `minidl.load` needs to know besides the classes found in the layer.
    reference : callable ``(x, *parameters, *states) -> y``, optional
        What inference computes, written elsewhere: a function of arrays in float64, the input and the values
        of the layer's parameters and states in their order, in plain NumPy or SciPy; or of PyTorch's tensors
        or JAX's arrays, whose gradients are then compared as well. Or a module of PyTorch's with parameters
        and buffers of the same names: its training passes are compared, too.
    training_reference : callable ``(x, *parameters, *states) -> (y, *states)``, optional
        What a training pass computes, where that is something else, and the states that it leaves, such
        as running statistics. In NumPy, SciPy or PyTorch.

    Returns
    -------
    Report

    Raises
    ------
    LayerContractError
        With every clause that failed, at the smallest case found.

    Examples
    --------
    >>> from minidl import Affine
    >>> report = check_layer(lambda rng, dtype: Affine(3, 2, rng=rng, dtype=dtype), (3,))
    >>> len(report.failed)
    0
    """
    least = check_int("check_layer", "min_batch", min_batch, at_least=1)
    case = LayerCase(
        check_callable("check_layer", "factory", factory, "rng", "dtype"),
        check_shape("check_layer", "input_shape", input_shape),
        seed_of(rng),
        max(check_int("check_layer", "batch", batch, at_least=1), least),
        make_input=optional("check_layer", "make_input", make_input, "rng", "shape", "dtype"),
        custom=check_list("check_layer", "custom", custom, Callable, "classes and functions"),
        batch_independent=check_bool("check_layer", "batch_independent", batch_independent),
        allocation=check_bool("check_layer", "allocation", allocation),
        reference=reference_of("check_layer", reference),
        training_reference=reference_of("check_layer", training_reference),
        min_batch=least,
    )
    check_shape("check_layer", "a batch", (case.batch, *case.input_shape))
    return run(name_of(case.raw()), case, CLAUSES, clauses, skip, LayerContractError)


def check_net(
    factory: LayerFactory,
    input_shape: Sequence[int],
    num_classes: int,
    *,
    rng: Rng = 0,
    clauses: Sequence[str] | None = None,
    skip: Sequence[str] = (),
    make_input: MakeInput | None = None,
    make_targets: MakeTargets | None = None,
) -> Report:
    """Check what a net with a loss adds to its layers; `check_layer` checks its body.

    Parameters
    ----------
    factory : callable ``(rng, dtype) -> Net``
        Makes a fresh net that ends with a loss and is a layer as well, such as a `Sequential`.
    input_shape : tuple of int
        One sample's.
    num_classes : int
        Labels are drawn below it.
    make_targets : callable ``(rng, batch, num_classes) -> array``, optional
        Draws targets other than labels, as in `check_loss`.
    rng, clauses, skip, make_input
        As in `check_layer`; the names are those of `NET_CLAUSES`.

    Raises
    ------
    ContractError
        With every clause that failed.
    """
    case = NetCase(
        check_callable("check_net", "factory", factory, "rng", "dtype"),
        check_shape("check_net", "input_shape", input_shape),
        seed_of(rng),
        make_input=optional("check_net", "make_input", make_input, "rng", "shape", "dtype"),
        num_classes=check_int("check_net", "num_classes", num_classes, at_least=1),
        make_targets=optional("check_net", "make_targets", make_targets, "rng", "batch", "num_classes"),
    )
    return run(name_of(case.net()), case, NET_CLAUSES, clauses, skip, ContractError)


def check_loss(
    factory: Callable[[], Loss],
    num_classes: int = 3,
    *,
    rng: Rng = 0,
    clauses: Sequence[str] | None = None,
    skip: Sequence[str] = (),
    make_targets: MakeTargets | None = None,
    reference: Reference | None = None,
) -> Report:
    """Check a loss: its gradient, mean, targets, weights, numerics, metrics and state.

    Parameters
    ----------
    factory : callable ``() -> Loss``
    num_classes : int
        Scores have the shape (batch, num_classes).
    make_targets : callable ``(rng, batch, num_classes) -> array``, optional
        For targets other than integer labels, such as numbers; leaves out the clauses on labels.
    reference : callable ``(scores, targets) -> float``, optional
        The loss without weights, written elsewhere, as in `check_layer`.
    rng, clauses, skip
        As in `check_layer`; the names are those of `LOSS_CLAUSES`.

    Raises
    ------
    ContractError
        With every clause that failed.
    """
    case = scores_case(LossCase, "check_loss", factory, num_classes, rng, make_targets, reference)
    return run(name_of(case.loss()), case, LOSS_CLAUSES, clauses, skip, ContractError)
