"""The contract checkers: what is right passes every clause, a slip is caught by the one that names it."""

import subprocess
import sys

import numpy as np
import pytest

import minidl.testing
from minidl import (
    SGD,
    Affine,
    Constant,
    Flatten,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Standardize,
    StepDecay,
    two_layer_net,
)
from minidl.errors import ConfigurationError, StructureError
from minidl.layers import Dropout, Softmax, Tanh
from minidl.testing import (
    CLAUSES,
    ContractError,
    LayerContractError,
    check_layer,
    check_loss,
    check_net,
    check_optimizer,
    check_scheduler,
)
from minidl.testing.state import changes, snapshot
from tests.deep import first_only
from tests.testing.correct import (
    Adam,
    BatchNorm,
    Embedding,
    LayerNorm,
    Linear,
    MaxPool,
    Residual,
    Scale,
    SquaredError,
    WarmCosine,
)
from tests.testing.wrong import WRONG_LAYERS, WRONG_LOSSES, WRONG_NETS, WRONG_OPTIMIZERS, WRONG_SCHEDULERS
from tests.testing.wrong.layers import bare, of
from tests.testing.wrong.numbers import Dense, FirstRowsOnly, NearlyRight, WritesToInput
from tests.testing.wrong.optimizers import NarrowStep


def nested(rng, dtype):
    inner = Sequential(Affine(4, 4, rng=rng, dtype=dtype), ReLU())
    return Sequential(
        Standardize(0.5, 2.0, dtype=dtype),
        Flatten(),
        Affine(6, 4, rng=rng, dtype=dtype),
        ("inner", inner),
        Affine(4, 3, rng=rng, dtype=dtype),
        SoftmaxCrossEntropy(),
    )


OWN = {
    "affine": (lambda rng, dtype: Affine(3, 2, rng=rng, dtype=dtype), (3,)),
    "affine of one": (lambda rng, dtype: Affine(1, 1, rng=rng, dtype=dtype), (1,)),
    "relu": (lambda rng, dtype: ReLU(), (3,)),
    "relu of images": (lambda rng, dtype: ReLU(), (2, 3, 2)),
    "flatten": (lambda rng, dtype: Flatten(), (2, 3)),
    "flatten of vectors": (lambda rng, dtype: Flatten(), (3,)),
    "standardize": (lambda rng, dtype: Standardize(2.0, 3.0, dtype=dtype), (2, 3)),
    "standardize by feature": (lambda rng, dtype: Standardize([1, 2, 3], [1, 4, 9], dtype=dtype), (3,)),
    "sequential": (nested, (2, 3)),
}


@pytest.mark.parametrize("clause", CLAUSES)
@pytest.mark.parametrize("name", OWN)
def test_own_layers(name, clause):
    factory, shape = OWN[name]
    check_layer(factory, shape, clauses=[clause], allocation=True)


def deep(rng, dtype):
    inner = Residual(Sequential(Affine(3, 3, rng=rng, dtype=dtype), Tanh(), Dropout(0.5, rng=rng)))
    return Sequential(inner, Residual(BatchNorm(3, dtype=dtype)), Softmax())


INTEGERS = {"make_input": lambda rng, shape, dtype: rng.integers(0, 7, shape)}
CORRECT = [
    (lambda rng, dtype: Tanh(), (3,), {"allocation": True}),
    (lambda rng, dtype: Scale(dtype=dtype), (3, 2), {}),
    (lambda rng, dtype: Linear(3, 2, rng=rng, dtype=dtype), (3,), {}),
    (lambda rng, dtype: Softmax(), (3,), {}),
    (lambda rng, dtype: MaxPool(), (2, 3), {}),
    (lambda rng, dtype: Dropout(0.4, rng=rng), (3,), {}),
    (lambda rng, dtype: BatchNorm(3, dtype=dtype), (3,), {"batch_independent": False}),
    (lambda rng, dtype: LayerNorm(3, dtype=dtype), (2, 3), {}),
    (lambda rng, dtype: Residual(Affine(3, 3, rng=rng, dtype=dtype)), (3,), {"allocation": True}),
    (lambda rng, dtype: Embedding(7, 3, rng=rng, dtype=dtype), (2,), INTEGERS),
    (deep, (3,), {"batch_independent": False}),
]


@pytest.mark.parametrize("seed", first_only(0, 1, 2, 3, 4))
@pytest.mark.parametrize(("factory", "shape", "options"), CORRECT)
def test_correct_layers_raise_no_alarm(factory, shape, options, seed):
    report = check_layer(factory, shape, rng=seed, **options)
    assert not report.failed
    assert len(report.results) == len(CLAUSES)


@pytest.mark.parametrize(
    ("clause", "factory", "shape"), WRONG_LAYERS, ids=[f"{f.__name__}-{c}" for c, f, _ in WRONG_LAYERS]
)
def test_wrong_layers_are_caught_by_the_clause_that_names_the_slip(clause, factory, shape):
    with pytest.raises(LayerContractError) as caught:
        check_layer(factory, shape, allocation=clause == "allocation")
    named = [name for name, other, _ in WRONG_LAYERS if other.__name__ == factory.__name__]
    require_named(caught.value, clause, named)
    assert len(str(caught.value).splitlines()) <= 12


def require_named(error, clause, named):
    """The clause failed, and before all others one that names the slip."""
    failed = [result.clause for result in error.report.failed]
    assert clause in failed
    assert failed[0] in named


def test_the_plain_layer_of_the_slips_is_right():
    assert not check_layer(of(Dense), (3,)).failed


@pytest.mark.parametrize(("clause", "factory"), WRONG_LOSSES, ids=[f.__name__ for _, f in WRONG_LOSSES])
def test_wrong_losses_are_caught(clause, factory):
    with pytest.raises(ContractError) as caught:
        check_loss(factory)
    require_named(caught.value, clause, [name for name, other in WRONG_LOSSES if other is factory])


@pytest.mark.parametrize(
    ("clause", "factory"), WRONG_OPTIMIZERS, ids=[f"{type(f()).__name__}-{c}" for c, f in WRONG_OPTIMIZERS]
)
def test_wrong_optimizers_are_caught(clause, factory):
    with pytest.raises(ContractError) as caught:
        check_optimizer(factory)
    kind = type(factory())
    require_named(caught.value, clause, [name for name, other in WRONG_OPTIMIZERS if type(other()) is kind])


@pytest.mark.parametrize(
    ("clause", "factory"), WRONG_SCHEDULERS, ids=[f"{f.__name__}-{c}" for c, f in WRONG_SCHEDULERS]
)
def test_wrong_schedulers_are_caught(clause, factory):
    with pytest.raises(ContractError) as caught:
        check_scheduler(factory)
    require_named(caught.value, clause, [name for name, other in WRONG_SCHEDULERS if other is factory])


@pytest.mark.parametrize("num_classes", [2, 3, 10])
def test_own_loss(num_classes):
    assert not check_loss(SoftmaxCrossEntropy, num_classes).failed


def test_a_loss_of_other_targets():
    report = check_loss(
        SquaredError, make_targets=lambda rng, batch, classes: rng.standard_normal((batch, classes))
    )
    assert {r.clause for r in report.results if r.status == "skipped"} == {
        "wrong_labels_refused",
        "kinds_of_labels",
        "probabilities",
        "loss_reference",
    }


OPTIMIZERS = [
    lambda: SGD(0.1),
    lambda: SGD(0.1, momentum=0.9),
    lambda: SGD(0.1, momentum=0.9, nesterov=True),
    lambda: Adam(0.05),
]


@pytest.mark.parametrize("factory", OPTIMIZERS)
def test_optimizers(factory):
    assert not check_optimizer(factory).failed


@pytest.mark.parametrize(
    "factory",
    [
        Constant,
        StepDecay,
        lambda: StepDecay(0.5, 3) * Constant(0.1),
        lambda: WarmCosine(5, 100),
        lambda: Constant(0),
    ],
)
def test_schedulers(factory):
    assert not check_scheduler(factory).failed


def test_more_classes_than_a_small_integer_holds():
    assert not check_loss(SoftmaxCrossEntropy, 130).failed


@pytest.mark.parametrize("lr", [0.1, 1e-6])
def test_a_step_rounded_to_float32_is_seen_at_any_rate(lr):
    assert not check_optimizer(lambda: SGD(lr), clauses=["precision"]).failed
    with pytest.raises(ContractError, match="precision"):
        check_optimizer(lambda: NarrowStep(lr), clauses=["precision"])


def test_nets():
    assert not check_net(nested, (2, 3), 3).failed
    assert not check_net(lambda rng, dtype: two_layer_net(4, 5, 3, rng=rng, dtype=dtype), (4,), 3).failed


def regression(rng, dtype):
    return Sequential(Affine(4, 2, rng=rng, dtype=dtype), SquaredError())


def test_a_net_of_other_targets():
    def numbers(rng, batch, width):
        return rng.standard_normal((batch, width))

    report = check_net(regression, (4,), 2, make_targets=numbers)
    assert all(result.status == "ok" for result in report.results)
    with pytest.raises(ContractError, match="targets of shape"):
        check_net(regression, (4,), 3, make_targets=numbers)
    with pytest.raises(ConfigurationError, match="make_targets"):
        check_net(regression, (4,), 2, make_targets=numbers(np.random.default_rng(0), 5, 2))


@pytest.mark.parametrize(("clause", "cls"), WRONG_NETS, ids=[f"{cls.__name__}-{c}" for c, cls in WRONG_NETS])
def test_wrong_nets_are_caught(clause, cls):
    def factory(rng, dtype):
        return cls(Affine(4, 3, rng=rng, dtype=dtype), SoftmaxCrossEntropy())

    with pytest.raises(ContractError) as caught:
        check_net(factory, (4,), 3)
    require_named(caught.value, clause, [name for name, other in WRONG_NETS if other is cls])


@pytest.mark.parametrize(
    ("clauses", "slips"),
    [
        (CLAUSES, WRONG_LAYERS),
        (minidl.testing.LOSS_CLAUSES, WRONG_LOSSES),
        (minidl.testing.OPTIMIZER_CLAUSES, WRONG_OPTIMIZERS),
        (minidl.testing.SCHEDULER_CLAUSES, WRONG_SCHEDULERS),
        (minidl.testing.NET_CLAUSES, WRONG_NETS),
    ],
)
def test_every_clause_can_fail(clauses, slips):
    elsewhere = {"wrong_targets_refused"}  # needs targets of its own: tests/mutants has a slip
    elsewhere |= {clause for clause in clauses if "reference" in clause}  # in test_reference.py
    assert set(clauses) - elsewhere == {clause for clause, *_ in slips}


def test_the_failure_shows_the_smallest_case_in_few_lines():
    with pytest.raises(LayerContractError) as caught:
        check_layer(of(NearlyRight), (3,))
    text = str(caught.value)
    assert len(text.splitlines()) <= 12
    assert "input_gradient" in text
    assert "x[0, " in text
    assert "at a batch of 1, x = [[-3., -1., -2.]]" in text
    with pytest.raises(LayerContractError, match="at a batch of 5"):  # needs more than three rows to fail
        check_layer(of(FirstRowsOnly), (3,))


class Crashes(Affine):
    def forward(self, x, *, training):
        return x.no_such_method()


def test_a_layer_that_crashes_is_reported_with_its_line():
    with pytest.raises(LayerContractError) as caught:
        check_layer(of(Crashes, 3, 2), (3,))
    text = str(caught.value)
    assert "raises AttributeError" in text
    assert "test_contract.py, line" in text
    assert len(text.splitlines()) <= 12


def test_of_several_failures_the_first_is_to_be_mended_first():
    with pytest.raises(LayerContractError) as caught:
        check_layer(bare(WritesToInput), (3,))
    first, second, *_ = str(caught.value).splitlines()
    assert first.endswith("clauses failed; mend the first one first, for others may follow from it")
    assert second.strip() == "arguments_kept: inference writes to x, which it was lent to read"
    with pytest.raises(LayerContractError) as caught:
        check_layer(of(NearlyRight), (3,))
    assert str(caught.value).splitlines()[0].endswith("clauses failed")


def test_clauses_can_be_chosen_and_skipped():
    report = check_layer(of(NearlyRight), (3,), clauses=["dtype", "shapes"])
    assert [result.clause for result in report.results] == ["shapes", "dtype"]
    report = check_layer(of(NearlyRight), (3,), skip=["input_gradient"])
    assert "input_gradient" not in [result.clause for result in report.results]
    with pytest.raises(ConfigurationError, match=r"got 'dtypes'; did you mean 'dtype'\?"):
        check_layer(of(Dense), (3,), clauses=["dtypes"])
    with pytest.raises(ConfigurationError, match=r"names among shapes, .*got 'speed'"):
        check_layer(of(Dense), (3,), skip=["speed"])


def test_what_is_no_layer_is_refused():
    with pytest.raises(StructureError, match="factory that returns a Layer"):
        check_layer(lambda rng, dtype: SoftmaxCrossEntropy(), (3,))
    with pytest.raises(StructureError, match="ends? with a loss|net with a loss"):
        check_net(lambda rng, dtype: Sequential(ReLU()), (3,), 3)


def test_the_report_is_a_table():
    lines = str(check_layer(*OWN["affine"])).splitlines()
    assert len(lines) == len(CLAUSES) + 1
    assert lines[0].split()[:2] == ["shapes", "ok"]
    assert lines[-1] == f"Affine(3, 2, dtype='float64'): {len(CLAUSES) - 4} ok, 0 failed, 4 skipped"


def test_every_clause_says_what_it_demands():
    for clauses in (
        CLAUSES,
        minidl.testing.LOSS_CLAUSES,
        minidl.testing.NET_CLAUSES,
        minidl.testing.OPTIMIZER_CLAUSES,
        minidl.testing.SCHEDULER_CLAUSES,
    ):
        assert all(clause.__doc__ and clause.__name__ == name for name, clause in clauses.items())


def test_the_snapshot_sees_what_changes():
    layer = Sequential(Affine(3, 3), BatchNorm(3), Dropout(0.5), SoftmaxCrossEntropy())
    layer.notes = {"a": [1, np.nan]}
    before = snapshot(layer)
    assert not changes(before, snapshot(layer))
    layer["dropout0"].generator.random()
    layer["batchnorm0"].running_mean.value[0] += 1
    layer["affine0"].weight.value[0, 0] += 1
    layer.notes["a"].append(2)
    layer.new = None
    parts = {"affine0.weight.value", "batchnorm0.running_mean.value", "dropout0.generator"}
    assert set(changes(before, snapshot(layer))) == {*parts, "notes", "new"}


def test_importing_it_loads_neither_hypothesis_nor_pytest():
    code = (
        "import sys, minidl; assert 'minidl.testing' not in sys.modules; import minidl.testing;"
        "assert not {'hypothesis', 'pytest', 'scipy', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
