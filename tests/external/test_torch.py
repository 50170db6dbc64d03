"""PyTorch as the judge of nets and layers: the same ones from the same parameters, by autograd."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minidl import L2, Affine, Flatten, ReLU, SoftmaxCrossEntropy, Standardize
from minidl.testing.strategies import nets, seeds
from tests.external.nets import input_gradient, recipes
from tests.external.torch_twins import (
    as_array,
    cross_entropy,
    judge,
    parameters_agree,
    statistics_agree,
    tensor,
    torch,
    twin_of,
)

SEEDS = st.integers(0, 2**32)
SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=4)

# ------------------------------------------------------------------- nets


@given(recipes())
def test_nets(recipe):
    net, x, labels = recipe.build()
    twin, inputs = twin_of(net), tensor(x)
    scores = twin(inputs)
    expected = cross_entropy(scores, torch.from_numpy(labels))
    expected.backward()
    judge.agrees(net(x), as_array(scores), "scores")
    judge.agrees(net.loss(x, labels), expected.item(), "loss")
    judge.agrees(net.predict_probabilities(x), as_array(scores.softmax(dim=1)), "probabilities")
    judge.agrees(net.loss_and_gradients(x, labels), expected.item(), "loss")
    parameters_agree(net, twin, "grad")
    net.parameters.gradients.fill(np.nan)
    judge.agrees(input_gradient(net, x, labels), inputs.grad.numpy(), "x.grad")
    parameters_agree(net, twin, "grad")
    judge.judged("nets")


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(nets(nested=3, max_layers=3, random=True, mixing=True, indices=True), seeds())
def test_graphs(recipe, seed):
    net, rng = recipe(), np.random.default_rng(seed)
    x = recipe.make_input(rng, (4, *recipe.input_shape))
    labels = rng.integers(recipe.num_classes, size=4)
    # A bias of exactly 0 hides that it was forgotten, and puts a ReLU behind a batch norm on its kink.
    for _, parameter in net.named_parameters():
        parameter.value[...] += 0.1 * rng.standard_normal(parameter.shape)
    twin = twin_of(net)

    def trained():
        """The twin's loss, and its gradients by the input, of which indices have none."""
        twin.zero_grad()
        inputs = torch.from_numpy(x) if recipe.vocabulary else tensor(x)
        loss = cross_entropy(twin(inputs), torch.from_numpy(labels))
        loss.backward()
        return loss.item(), inputs.grad

    expected, _ = trained()
    judge.agrees(net.loss_and_gradients(x, labels), expected, "loss")
    parameters_agree(net, twin, "grad")
    _, dx = trained()  # with other masks of a dropout than before
    found = input_gradient(net, x.astype(np.float64) if net.accepts == "float" else x, labels)
    if dx is not None:
        judge.agrees(found, dx.numpy(), "x.grad")
    parameters_agree(net, twin, "grad")
    statistics_agree(net, twin)
    with torch.no_grad():
        scores = twin.eval()(torch.from_numpy(x))
    judge.agrees(net(x), as_array(scores), "scores in inference")
    judge.judged("graphs")


@given(recipes(), st.floats(0, 10))
def test_l2(recipe, strength):
    net, x, labels = recipe.build()
    twin = twin_of(net)
    data_loss = cross_entropy(twin(tensor(x)), torch.from_numpy(labels))
    squares = [w.square().sum() for name, w in twin.named_parameters() if name.endswith("weight")]
    expected = data_loss + strength * sum(squares)
    expected.backward()
    loss = net.loss_and_gradients(x, labels)
    regularizer = L2(strength)
    judge.agrees(loss + regularizer.penalty(net.parameters), expected.item(), "loss and penalty")
    judge.agrees(loss + regularizer.add_gradients(net.parameters), expected.item(), "loss and penalty")
    parameters_agree(net, twin, "grad")
    judge.judged("penalties")


# ------------------------------------------------------------------- single parts


def vjp_agrees(layer, x, rng):
    """Forward, and the gradients for a random one by the output."""
    twin, inputs = twin_of(layer), tensor(x)
    y = twin(inputs)
    dy = rng.standard_normal(y.shape)
    y.backward(torch.from_numpy(dy))
    judge.agrees(layer.forward(x, training=False), as_array(y), "y in inference")
    judge.agrees(layer.forward(x, training=True), as_array(y), "y in training")
    judge.agrees(layer.backward(dy), inputs.grad.numpy(), "dx")
    parameters_agree(layer, twin, "grad")
    judge.judged("layers")


@given(SHAPES, SEEDS)
def test_relu(shape, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    x[..., 0] *= 0  # 0 and -0
    vjp_agrees(ReLU(), x, rng)


@given(SHAPES, st.booleans(), st.booleans(), st.sampled_from(["f8", "f4", "i8", "u1", "?"]), SEEDS)
def test_standardize(shape, one_mean, one_scale, dtype, seed):
    rng = np.random.default_rng(seed)
    mean = rng.standard_normal(() if one_mean else shape[1:])
    scale = rng.uniform(0.1, 10, () if one_scale else shape[1:])
    x = (100 * rng.random(shape)).astype(dtype)
    vjp_agrees(Standardize(mean, scale, dtype=np.float64), x, rng)


@given(SHAPES, SEEDS)
def test_flatten(shape, seed):
    rng = np.random.default_rng(seed)
    vjp_agrees(Flatten(), rng.standard_normal(shape), rng)


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 40), SEEDS)
def test_affine(batch, in_features, out_features, seed):
    rng = np.random.default_rng(seed)
    layer = Affine(in_features, out_features, rng=rng, dtype=np.float64)
    layer.bias.value[...] = rng.standard_normal(out_features)
    vjp_agrees(layer, rng.standard_normal((batch, in_features)), rng)


@given(st.integers(1, 50), st.integers(1, 50), st.sampled_from([1.0, 1e-3, 30.0, 1e4]), SEEDS)
def test_softmax_cross_entropy(samples, classes, scale, seed):
    rng = np.random.default_rng(seed)
    scores, labels = scale * rng.standard_normal((samples, classes)), rng.integers(classes, size=samples)
    inputs, loss = tensor(scores), SoftmaxCrossEntropy()
    expected = cross_entropy(inputs, torch.from_numpy(labels))
    expected.backward()
    judge.agrees(loss.forward(scores, labels, training=False), expected.item(), "loss in inference")
    judge.agrees(loss.forward(scores, labels, training=True), expected.item(), "loss in training")
    judge.agrees(loss.backward(), inputs.grad.numpy(), "dscores")
    judge.agrees(loss.probabilities(scores), as_array(inputs.softmax(dim=1)), "probabilities")
    judge.judged("losses")
