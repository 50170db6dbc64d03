"""Forward judged by a function from elsewhere, which the gradients cannot see."""

import numpy as np
import pytest
from scipy.special import erf

from minidl import Affine, MeanSquaredError, ReLU, SoftmaxCrossEntropy
from minidl.errors import ConfigurationError
from minidl.layers import Dropout, Tanh
from minidl.testing import ContractError, LayerContractError, check_layer, check_loss

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
    with pytest.raises(LayerContractError, match="reference: raises TypeError.*takes 1 positional argument"):
        check_layer(affine, (3,), clauses=["reference"], reference=lambda x: x)
