"""The checker with functions of PyTorch and JAX, which differentiate themselves."""

import numpy as np
import pytest

from minidl import Affine, MeanSquaredError, ReLU, SoftmaxCrossEntropy
from minidl.layers import Tanh
from minidl.testing import LayerContractError, check_layer, check_loss
from tests.external.judging import summon

CLAUSES = ["reference", "reference_gradients"]
torch, _ = summon("torch", "PyTorch")
jax, _ = summon("jax", "JAX")


def numbers(rng, batch, width):
    return rng.standard_normal((batch, width))


def affine(rng, dtype):
    return Affine(3, 2, rng=rng, dtype=dtype)


def seen(report):
    return [(result.status, result.detail) for result in report.results]


@pytest.mark.parametrize(
    ("factory", "functions", "gradients"),
    [
        (
            affine,
            [lambda x, w, b: torch.nn.functional.linear(x, w.T, b), lambda x, w, b: jax.numpy.dot(x, w) + b],
            3,
        ),
        (lambda rng, dtype: Tanh(), [torch.tanh, torch.nn.Tanh(), jax.numpy.tanh, jax.jit(jax.nn.tanh)], 1),
    ],
)
def test_layers_with_their_gradients(factory, functions, gradients):
    for function in functions:
        report = check_layer(factory, (3,), clauses=CLAUSES, reference=function)
        assert seen(report) == [("ok", "3 batches"), ("ok", f"{gradients} gradients")]


class StraightThrough(ReLU):
    """Another convention than that of the reference, which differences would call a fault."""

    def backward(self, dy):
        self.recall()
        return dy.copy()


@pytest.mark.parametrize("function", [torch.relu, jax.nn.relu])
def test_gradients_that_differ_are_seen(function):
    with pytest.raises(LayerContractError, match="reference_gradients: dx.* beside the reference") as caught:
        check_layer(lambda rng, dtype: StraightThrough(), (3,), clauses=CLAUSES, reference=function)
    assert [result.clause for result in caught.value.report.failed] == ["reference_gradients"]


def test_losses_with_their_gradients():
    def of_jax(scores, labels):
        return -jax.nn.log_softmax(scores)[np.arange(len(labels)), labels].mean()

    for function in (torch.nn.functional.cross_entropy, of_jax):
        report = check_loss(SoftmaxCrossEntropy, 4, clauses=["loss_reference"], reference=function)
        assert seen(report) == [("ok", "3 batches and their gradients")]
    report = check_loss(
        MeanSquaredError,
        clauses=["loss_reference"],
        make_targets=numbers,
        reference=torch.nn.functional.mse_loss,
    )
    assert seen(report) == [("ok", "3 batches and their gradients")]
