"""Forward judged by a function from elsewhere, which the gradients cannot see."""

import numpy as np
import pytest
from scipy.special import erf

from minidl import SGD, Affine, MeanSquaredError, ReLU, SoftmaxCrossEntropy, StepDecay
from minidl.errors import ConfigurationError
from minidl.layers import BatchNorm1d, Dropout, Tanh
from minidl.testing import (
    ContractError,
    LayerContractError,
    check_layer,
    check_loss,
    check_optimizer,
    check_scheduler,
)
from tests.testing.references import batch_norm_training, sgd

CLAUSES = ["reference", "reference_gradients"]


def affine(rng, dtype):
    return Affine(3, 2, rng=rng, dtype=dtype)


def line(x, weight, bias):
    return x @ weight + bias


def cross_entropy(scores, labels):
    own = scores[np.arange(len(scores)), labels]
    return np.mean(np.log(np.exp(scores - scores.max(1)[:, None]).sum(1)) + scores.max(1) - own)


def statuses(report):
    return [result.status for result in report.results]


@pytest.mark.parametrize(
    ("factory", "function"),
    [
        (affine, line),
        (lambda rng, dtype: ReLU(), lambda x: np.where(x > 0, x, 0)),
        (lambda rng, dtype: Dropout(0.5, rng=rng), lambda x: x),
        (lambda rng, dtype: Tanh(), np.tanh),
    ],
)
def test_what_is_right_passes(factory, function):
    report = check_layer(factory, (3,), clauses=CLAUSES, reference=function)
    assert statuses(report) == ["ok", "skipped"]


class NotQuiteGelu(Tanh):
    """Right in itself: only what it is called is wrong."""


@pytest.mark.parametrize(
    ("factory", "function", "shape"),
    [
        (lambda rng, dtype: NotQuiteGelu(), lambda x: x * (1 + erf(x / np.sqrt(2))) / 2, (3,)),
        (affine, lambda x, weight, bias: x @ weight, (3,)),
        (lambda rng, dtype: ReLU(), lambda x: x[:, :1], (3,)),
    ],
)
def test_another_function_is_seen_by_its_reference_alone(factory, function, shape):
    assert not check_layer(factory, shape).failed
    with pytest.raises(LayerContractError) as caught:
        check_layer(factory, shape, reference=function)
    assert [result.clause for result in caught.value.report.failed] == ["reference"]
    assert "beside the reference, expected" in str(caught.value)


def test_losses():
    report = check_loss(SoftmaxCrossEntropy, 4, clauses=["loss_reference"], reference=cross_entropy)
    assert statuses(report) == ["ok"]

    def numbers(rng, batch, width):
        return rng.standard_normal((batch, width))

    def half(scores, targets):
        return np.mean((scores - targets) ** 2) / 2

    with pytest.raises(ContractError, match="1 of 28 clauses failed\n  loss_reference: the loss is"):
        check_loss(MeanSquaredError, make_targets=numbers, reference=half)


def test_a_reference_that_is_none_or_fails():
    with pytest.raises(ConfigurationError, match="reference to be a function, got 3"):
        check_layer(affine, (3,), reference=3)
    with pytest.raises(LayerContractError, match=r"1 positional argument .*\n.* with \(x, weight, bias\)"):
        check_layer(affine, (3,), clauses=["reference"], reference=lambda x: x)


def norm(momentum):
    return lambda rng, dtype: BatchNorm1d(3, momentum=momentum, dtype=dtype)


def test_the_states_that_training_leaves():
    options = {
        "clauses": ["shapes", "input_gradient", "batch_sizes", "training_reference"],
        "batch_independent": False,
        "training_reference": batch_norm_training,
        "min_batch": 2,
    }
    assert statuses(check_layer(norm(0.1), (3,), batch=1, **options)) == ["ok"] * 4
    with pytest.raises(LayerContractError, match=r"1 of 4 .*\n  training_reference: running_mean\[\d\] is"):
        check_layer(norm(0.2), (3,), **options)
    with pytest.raises(LayerContractError, match=r"1 of 4 .*; the others were not run\n.*\n    min_batch=2"):
        check_layer(norm(0.1), (3,), **options | {"min_batch": 1})
    none = {"training_reference": lambda *given: batch_norm_training(*given)[:1]}
    with pytest.raises(LayerContractError, match="the reference gives 0 states, expected 2"):
        check_layer(norm(0.1), (3,), **options | none)
    alone = {"training_reference": lambda *given: batch_norm_training(*given)[0]}
    with pytest.raises(LayerContractError, match=r"gives a ndarray of shape .*, expected \(y, \*states\)"):
        check_layer(norm(0.1), (3,), **options | alone)


def test_a_module_of_pytorch_with_the_same_names():
    torch = pytest.importorskip("torch")
    clauses = ["reference", "training_reference", "reference_gradients"]
    options = {"clauses": clauses, "batch_independent": False, "min_batch": 2}
    report = check_layer(norm(0.1), (3,), reference=torch.nn.BatchNorm1d(3), **options)
    assert statuses(report) == ["ok"] * 3
    with pytest.raises(LayerContractError, match="training_reference: running_mean"):
        check_layer(norm(0.1), (3,), reference=torch.nn.BatchNorm1d(3, momentum=0.2), **options)
    with pytest.raises(LayerContractError, match="reference: the output"):
        check_layer(norm(0.1), (3,), reference=torch.nn.BatchNorm1d(3, eps=1e-3), **options)


def test_optimizers_and_schedulers():
    assert not check_optimizer(lambda: SGD(0.1, momentum=0.5), reference=sgd(0.1, 0.5)).failed
    with pytest.raises(ContractError, match="1 of .*\n  optimizer_reference: the vector.* after 2 steps"):
        check_optimizer(lambda: SGD(0.1, momentum=0.5), reference=sgd(0.1))
    report = check_scheduler(lambda: StepDecay(0.5, 2), reference=lambda epoch, _: 0.5 ** (epoch // 2))
    assert not report.failed
    with pytest.raises(ContractError, match="1 of .*\n  scheduler_reference: factor.1000, 1000. is .*"):
        check_scheduler(lambda: StepDecay(0.5, 2), reference=lambda epoch, _: 0.5**epoch)
