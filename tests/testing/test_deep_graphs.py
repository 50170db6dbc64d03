"""A residual net of 30 layers, and one of three nested levels of branches."""

import numpy as np
import pytest

from minidl import Affine, ReLU, Sequential, SoftmaxCrossEntropy
from minidl.layers import Add, BatchNorm2d, Concat, Conv2d, GlobalAvgPool2d, Residual, SiLU, Tanh
from minidl.testing import check_net_gradients
from minidl.testing.differences import derivative
from tests.deep import deep

STAGES = ((2, 1, 5), (3, 2, 5), (4, 2, 4))  # channels, stride and blocks of two convolutions
DTYPE = {"dtype": np.float64}
SHAPE, CLASSES = (1, 4, 4), 3


def convolution(taken, given, size, rng, **options):
    return [Conv2d(taken, given, size, bias=False, rng=rng, **options, **DTYPE), BatchNorm2d(given, **DTYPE)]


def block(taken, given, stride, rng):
    """PyTorch's resnet's: two convolutions with batch norm, and a way past them."""
    row = convolution(taken, given, 3, rng, stride=stride, padding=1)
    row += [ReLU(), *convolution(given, given, 3, rng, padding=1)]
    past = Sequential(*convolution(taken, given, 1, rng, stride=stride)) if taken != given else None
    return Sequential(Residual(*row, shortcut=past), ReLU())


def resnet():
    rng = np.random.default_rng(0)
    channels = STAGES[0][0]
    parts = [("stem", Sequential(*convolution(1, channels, 3, rng, padding=1), ReLU()))]
    for number, (given, stride, blocks) in enumerate(STAGES, 1):
        first = block(channels, given, stride, rng)
        rest = [block(given, given, 1, rng) for _ in range(blocks - 1)]
        parts.append((f"stage{number}", Sequential(first, *rest)))
        channels = given
    last = Affine(channels, CLASSES, rng=rng, **DTYPE)
    return Sequential(*parts, GlobalAvgPool2d(), last, SoftmaxCrossEntropy())


def branches():
    """An `Add` of a `Concat` of residuals, the innermost of which adds two layers."""
    rng = np.random.default_rng(1)

    def affine(taken, given):
        return Affine(taken, given, rng=rng, **DTYPE)

    inner = Residual(Add(affine(3, 3), Sequential(Tanh(), affine(3, 3))), ReLU())
    joined = Concat(inner, Sequential(affine(3, 2), SiLU()), ("as_it_is", Residual(Tanh())))
    return Sequential(Add(joined, affine(3, 8)), ReLU(), affine(8, CLASSES), SoftmaxCrossEntropy())


def batch(shape, size=4):
    rng = np.random.default_rng(2)
    return rng.standard_normal((size, *shape)), rng.integers(CLASSES, size=size)


def along(net, x, labels, directions):
    """Pairs of numeric and analytic derivatives of the loss, as the parameters move along `directions`."""
    values = net.parameters.values
    net.loss_and_gradients(x, labels)
    start, gradients = values.copy(), net.parameters.gradients.copy()
    for direction in directions:

        def loss(t, direction=direction):
            values[...] = start + t * direction
            return np.asarray(net.head.forward(net.forward(x, training=True), labels, training=True))

        numeric = derivative(loss, loss(0.0), np.ones(()), 1.0, 1e-10)
        values[...] = start
        assert numeric.smooth
        yield numeric.value, gradients @ direction


def test_the_resnet_is_30_layers_deep():
    depth = sum(isinstance(module, (Conv2d, Affine)) for _, module in resnet().named_modules())
    shortcuts = sum(stage[0] != before for stage, before in zip(STAGES, (2, 2, 3), strict=True))
    assert depth - shortcuts == 30


def test_gradients_of_the_resnet():
    net = resnet()
    rng = np.random.default_rng(3)
    directions = rng.standard_normal((2, net.parameters.values.size))
    for numeric, analytic in along(net, *batch(SHAPE), directions):
        assert numeric == pytest.approx(analytic, rel=1e-5)


@deep
def test_gradients_of_each_of_the_resnets_parameters():
    net, rng = resnet(), np.random.default_rng(4)
    start = net.parameters.values.copy()
    directions = []
    for parameter in dict(net.named_parameters()).values():
        net.parameters.values[...] = 0
        parameter.value[...] = rng.standard_normal(parameter.shape)
        directions.append(net.parameters.values.copy())
    net.parameters.values[...] = start
    scale = np.abs(net.parameters.gradients).max()
    for numeric, analytic in along(net, *batch(SHAPE), directions):
        assert numeric == pytest.approx(analytic, rel=1e-5, abs=1e-7 * max(scale, 1))


def test_gradients_of_three_levels_of_branches():
    net = branches()
    report = check_net_gradients(net, *batch((3,)))
    assert report.compared == net.parameters.count


@pytest.mark.parametrize(("make", "shape"), [(resnet, SHAPE), (branches, (3,))])
def test_summary(make, shape):
    net = make()
    table = [line.split() for line in net.summary(shape).splitlines()]
    assert [row[0] for row in table[1:-1]] == [path for path, _ in net.named_modules()][1:]
    assert table[-1] == ["total", f"{net.parameters.count:,}"]
