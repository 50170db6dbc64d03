"""JAX as the judge: the same nets written down as functions in float64, differentiated by JAX."""

import numpy as np
import pytest
from hypothesis import given, settings

from minidl import Affine, Flatten, ReLU, Sequential, Standardize
from tests.external.judging import summon
from tests.external.nets import input_gradient, recipes

jax, judge = summon("jax", "JAX")


@pytest.fixture(autouse=True, scope="module")
def float64_on_the_cpu():
    """For this file alone: the setting is the whole process's."""
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    with jax.default_device(jax.devices("cpu")[0]):
        yield
    jax.config.update("jax_enable_x64", before)


def scores_of(layer, parameters, x):
    """What `layer` makes of `x`, taking its parameters from the iterator `parameters`."""
    match layer:
        case Sequential():
            for part in layer:
                x = scores_of(part, parameters, x)
            return x
        case Affine():
            return x @ next(parameters) + next(parameters)
        case ReLU():
            return jax.nn.relu(x)
        case Flatten():
            return x.reshape(len(x), -1)
        case Standardize():
            arguments = layer.config()
            return (x - arguments["mean"]) / arguments["scale"]
    raise AssertionError(f"no function for {layer!r}")


# A net compiles for a fifth of a second.
@settings(max_examples=max(1, settings.default.max_examples // 3))
@given(recipes())
def test_nets(recipe):
    net, x, labels = recipe.build()

    def loss_and_scores(parameters, x):
        scores = scores_of(net, iter(parameters), x)
        log_probabilities = jax.nn.log_softmax(scores)
        return -log_probabilities[np.arange(len(x)), labels].mean(), scores

    function = jax.jit(jax.value_and_grad(loss_and_scores, argnums=(0, 1), has_aux=True))
    values = [parameter.value for _, parameter in net.parameters.items()]
    (loss, scores), (gradients, dx) = function(values, x.astype(np.float64))
    judge.agrees(net(x), scores, "scores")
    judge.agrees(net.loss(x, labels), loss, "loss")
    judge.agrees(net.loss_and_gradients(x, labels), loss, "loss")
    for (name, parameter), expected in zip(net.parameters.items(), gradients, strict=True):
        judge.agrees(parameter.grad, expected, f"{name}.grad")
    judge.agrees(input_gradient(net, x, labels), dx, "x.grad")
    judge.judged("nets")
