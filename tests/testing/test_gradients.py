"""Gradient checks: right gradients pass within 1e-7, and a slip is named by parameter and index."""

import copy
import itertools

import numpy as np
import pytest

import minidl
from minidl import L2, Affine, Flatten, Layer, ReLU, Sequential, SoftmaxCrossEntropy, Standardize
from minidl.errors import ConfigurationError, DTypeError
from minidl.layers import Dropout, Softmax, Tanh
from minidl.testing import GradientError, check_gradients, check_loss_gradients, check_net_gradients
from minidl.testing.differences import derivative
from tests.testing.correct import BatchNorm, Embedding, LayerNorm, Residual

D = np.float64


def gaussian(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def net(*sizes):
    parts = []
    for rng, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        parts += [Affine(fan_in, fan_out, rng=rng, dtype=D), ReLU()]
    return Sequential(*parts[:-1])


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Affine(3, 2, rng=0, dtype=D), (5, 3)),
        (Affine(1, 1, rng=0, dtype=D), (1, 1)),
        (ReLU(), (5, 4)),
        (Flatten(), (3, 2, 2)),
        (Standardize([1.0, 2.0], [3.0, 0.5], dtype=D), (5, 2)),
        (net(3, 4, 2), (5, 3)),
        (Sequential(net(3, 4), Tanh(), net(4, 2)), (5, 3)),
        (Tanh(), (5, 4)),
        (Softmax(), (4, 3)),
        (BatchNorm(3, dtype=D), (6, 3)),
        (LayerNorm(3, dtype=D), (2, 4, 3)),
        (Residual(Affine(3, 3, rng=0, dtype=D)), (5, 3)),
        (Dropout(0.4, rng=0), (5, 3)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Layer) else None,
)
def test_right_layers_agree_closely(layer, shape):
    before = {name: parameter.value.copy() for name, parameter in layer.named_parameters()}
    report = check_gradients(layer, gaussian(*shape))
    assert report.by_element
    assert report.worst < 1e-7
    assert report.compared == np.prod(shape) + sum(value.size for value in before.values())
    assert set(report.errors) == {"x", *before}
    for name, parameter in layer.named_parameters():
        assert parameter.value.tobytes() == before[name].tobytes()


def test_numbers_of_every_magnitude():
    layer = Affine(3, 2, rng=0, dtype=D)
    layer.weight.value[...] *= [[1e-8], [1.0], [1e6]]
    assert check_gradients(layer, gaussian(4, 3) * [1e6, 1e-6, 1.0]).worst < 1e-7


class Scaled(Affine):
    """Multiplies one gradient by a constant."""

    factor, which = 1.001, "x"

    def backward(self, dy):
        dx = super().backward(dy)
        if self.which != "x":
            getattr(self, self.which).grad[...] *= self.factor
        return dx * self.factor if self.which == "x" else dx


@pytest.mark.parametrize("which", ["x", "weight", "bias"])
@pytest.mark.parametrize("factor", [1.001, 1.00001, 0.9999, -1.0, 0.0])
@pytest.mark.parametrize("size", [3, 300])
def test_a_factor_near_one_is_caught_and_named(which, factor, size):
    layer = Scaled(size, 4, rng=0, dtype=D)
    layer.which, layer.factor = which, factor
    with pytest.raises(
        GradientError, match=rf"{which}\[\d.*backward gives .*differences give .*relative error"
    ):
        check_gradients(layer, gaussian(5, size))


class TakesUpstreamForInput(Layer):
    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return x * x

    def backward(self, dy):
        self.recall()
        return 2 * dy * dy


def test_the_upstream_gradient_is_not_drawn_as_the_input_was():
    x = np.random.default_rng(0).standard_normal((4, 3))
    for rng in (0, np.random.default_rng(0)):
        with pytest.raises(GradientError, match="gradients wrong"):
            check_gradients(TakesUpstreamForInput(), x, rng=rng)


class OneWrong(Affine):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[123, 2] += 1e-3
        return dx


def test_one_wrong_element_of_a_large_layer_is_found():
    with pytest.raises(GradientError, match=r"weight\[123, 2\]"):
        check_gradients(OneWrong(300, 4, rng=0, dtype=D), gaussian(5, 300))


def test_worst_first_in_few_lines():
    layer = Scaled(3, 4, rng=0, dtype=D)
    with pytest.raises(GradientError) as caught:
        check_gradients(layer, gaussian(5, 3))
    head, *lines = str(caught.value).splitlines()
    assert head == "Scaled: 15 of 31 gradients wrong"
    assert 1 <= len(lines) <= 3
    sizes = [abs(float(line.split("backward gives ")[1].split(",")[0])) for line in lines]
    assert sizes == sorted(sizes, reverse=True)
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, minidl.MinidlError)


class AllOnes(Layer):
    """A softmax without its Jacobian: right for an upstream gradient of ones, and for no other."""

    def forward(self, x, *, training):
        y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
        if training:
            self.remember(y.copy())
        return y

    def backward(self, dy):
        self.recall()
        return np.zeros_like(dy)


def test_upstream_gradient_is_random():
    with pytest.raises(GradientError):
        check_gradients(AllOnes(), gaussian(2, 3))


def test_large_layers_along_directions():
    report = check_gradients(net(100, 40, 10), gaussian(20, 100))
    assert not report.by_element
    assert report.compared >= 8 + 5  # joint ones, and some of each array
    assert report.worst < 1e-6


def test_kinks_are_met_and_resampled():
    report = check_gradients(ReLU(), np.zeros((3, 4)))
    assert report.kinks >= 1
    assert report.worst < 1e-7
    assert check_gradients(ReLU(), gaussian(3, 4)).kinks == 0


class WrongAtKink(ReLU):
    def backward(self, dy):
        return 2 * super().backward(dy)


def test_kinks_do_not_hide_a_slip():
    with pytest.raises(GradientError, match="gradients wrong"):
        check_gradients(WrongAtKink(), np.zeros((3, 4)))


class Sawtooth(Layer):
    """Kinks closer together than any step."""

    def forward(self, x, *, training):
        if training:
            self.remember(x.shape)
        return np.abs((x * 1e9) % 1 - 0.5)

    def backward(self, dy):
        self.recall()
        return dy


def test_kinks_everywhere_fail():
    with pytest.raises(GradientError, match="kinks everywhere"):
        check_gradients(Sawtooth(), gaussian(3, 4))


class Unreplayable(Dropout):
    def forward(self, x, *, training):
        if training:
            self.generator.bit_generator.state = np.random.default_rng().bit_generator.state
        return super().forward(x, training=training)


def test_draws_that_no_copy_replays_are_refused():
    with pytest.raises(GradientError, match="keep the Generator as an attribute"):
        check_gradients(Unreplayable(0.5), gaussian(3, 40))


class WrongDropout(Dropout):
    def backward(self, dy):
        (mask,) = self.recall()
        return dy * (mask > 0)


def test_a_slip_in_dropout_is_caught():
    with pytest.raises(GradientError, match=r"x\["):
        check_gradients(WrongDropout(0.5, rng=0), gaussian(3, 4))


class Unwritten(Affine):
    def backward(self, dy):
        before = self.bias.grad.copy()
        dx = super().backward(dy)
        self.bias.grad[...] = before
        return dx


def test_an_unwritten_gradient_is_named():
    with pytest.raises(GradientError, match=r"bias\[0\].*does not assign"):
        check_gradients(Unwritten(3, 2, rng=0, dtype=D), gaussian(4, 3))


class ShortCut(Affine):
    def backward_parameters(self, dy):
        super().backward_parameters(dy)
        self.bias.grad[1] = 0

    def backward(self, dy):
        Affine.backward_parameters(self, dy)
        return dy @ self.weight.value.T


def test_backward_parameters_must_agree():
    with pytest.raises(GradientError, match=r"bias\[1\]: backward_parameters gives 0, backward"):
        check_gradients(ShortCut(3, 2, rng=0, dtype=D), gaussian(4, 3))


class Narrow(Affine):
    def backward(self, dy):
        return super().backward(dy)[:, :1]


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(GradientError, match=r"shape \(4, 3\), that of x, got \(4, 1\)"):
        check_gradients(Narrow(3, 2, rng=0, dtype=D), gaussian(4, 3))


def test_float32_is_refused_with_the_remedy():
    with pytest.raises(DTypeError, match=r"parameter weight.*build the layer with dtype=np\.float64"):
        check_gradients(Affine(3, 2, rng=0), gaussian(4, 3))
    with pytest.raises(DTypeError, match="input"):
        check_gradients(ReLU(), gaussian(4, 3).astype(np.float32))
    with pytest.raises(DTypeError, match="layer's dtype"):
        check_gradients(Standardize(0, 1), gaussian(4, 3))
    with pytest.raises(DTypeError):
        check_loss_gradients(SoftmaxCrossEntropy(), np.ones((2, 3), np.float32), [0, 1])
    with pytest.raises(DTypeError):
        check_net_gradients(minidl.two_layer_net(3, 4, 2, rng=0), gaussian(2, 3), [0, 1])


def test_an_output_that_is_not_finite_is_refused():
    with pytest.raises(GradientError, match="NaN or infinity"):
        check_gradients(ReLU(), np.full((2, 2), np.nan))


def test_chosen_arrays_only():
    layer = Scaled(3, 2, rng=0, dtype=D)
    assert set(check_gradients(layer, gaussian(4, 3), wrt=["bias"]).errors) == {"bias"}
    with pytest.raises(ConfigurationError, match="wrt among x, weight, bias"):
        check_gradients(layer, gaussian(4, 3), wrt=["weights"])
    with pytest.raises(ConfigurationError, match="directions"):
        check_gradients(layer, gaussian(4, 3), directions=4)


def test_integer_input_has_no_gradient():
    report = check_gradients(Embedding(5, 2, rng=0, dtype=D), np.array([[0, 4], [1, 1]]))
    assert set(report.errors) == {"table"}


def test_losses():
    report = check_loss_gradients(SoftmaxCrossEntropy(), gaussian(5, 3), [0, 2, 1, 1, 0])
    assert report.compared == 15
    assert report.worst < 1e-7


class Summed(SoftmaxCrossEntropy):
    def backward(self):
        dscores = super().backward()
        return dscores * len(dscores)


def test_a_loss_without_its_mean_is_caught():
    with pytest.raises(GradientError, match=r"scores\["):
        check_loss_gradients(Summed(), gaussian(5, 3), [0, 2, 1, 1, 0])


def test_nets_with_a_penalty():
    made = minidl.two_layer_net(3, 4, 2, rng=0, dtype=D)
    report = check_net_gradients(made, gaussian(5, 3), [0, 1, 1, 0, 1], regularizer=L2(0.1))
    assert set(report.errors) == set(made.parameters)
    assert report.worst < 1e-7


class Halved(L2):
    """Has the penalty's gradient of another convention."""

    def add_gradients(self, parameters):
        before = parameters.gradients.copy()
        penalty = super().add_gradients(parameters)
        parameters.gradients[...] = (parameters.gradients + before) / 2
        return penalty


def test_a_wrong_penalty_is_caught():
    made = minidl.two_layer_net(3, 4, 2, rng=0, dtype=D)
    with pytest.raises(GradientError, match="weight"):
        check_net_gradients(made, gaussian(5, 3), [0, 1, 1, 0, 1], regularizer=Halved(0.1))


def test_a_net_with_dropout_replays_its_draws():
    made = Sequential(
        Affine(3, 6, rng=0, dtype=D), Dropout(0.5, rng=1), Affine(6, 2, rng=2, dtype=D), SoftmaxCrossEntropy()
    )
    other = copy.deepcopy(made)
    assert check_net_gradients(made, gaussian(5, 3), [0, 1, 1, 0, 1]).worst < 1e-7
    other["dropout0"].__class__ = WrongDropout
    with pytest.raises(GradientError, match="affine0"):
        check_net_gradients(other, gaussian(5, 3), [0, 1, 1, 0, 1])


def slope(function):
    return derivative(function, function(0.0), np.ones(1), 1.0, 0.0)


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (np.exp, 1.0, np.e),
        (np.sin, 0.3, np.cos(0.3)),
        (np.cbrt, 1e-3, 1e-3 ** (-2 / 3) / 3),
        (np.log, 1e-4, 1e4),
    ],
)
def test_the_numeric_derivative_knows_its_error(function, at, expected):
    with np.errstate(all="ignore"):
        found = slope(lambda t: np.array([function(at + t)]))
    assert found.smooth
    assert abs(found.value - expected) <= found.error <= 1e-5 * abs(expected)


@pytest.mark.parametrize("distance", [0.0, 1e-9, 1e-8])
def test_a_kink_at_the_point_is_no_derivative(distance):
    assert not slope(lambda t: np.maximum(np.array([t - distance]), 0)).smooth


@pytest.mark.parametrize("distance", [1e-5, 1e-4, 1e-3, 3e-3, 5e-3, 7e-3])
def test_a_kink_beside_the_point_is_stepped_around(distance):
    found = slope(lambda t: np.abs(np.array([t - distance])))
    assert found.smooth
    assert found.value == pytest.approx(-1, rel=1e-7)


def test_frozen_parameters_are_left_out():
    made = minidl.two_layer_net(3, 4, 2, rng=0, dtype=D)
    made["affine0"].freeze()
    report = check_net_gradients(made, gaussian(5, 3), [0, 1, 1, 0, 1], regularizer=L2(0.1))
    assert report.worst < 1e-7
    assert report.compared == 4 * 2 + 2
    layer = Affine(3, 2, rng=0, dtype=D)
    layer.weight.frozen = True
    assert check_gradients(layer, gaussian(4, 3)).compared == 4 * 3 + 2
    with pytest.raises(ConfigurationError, match="wrt among x, bias"):
        check_gradients(layer, gaussian(4, 3), wrt=["weight"])
