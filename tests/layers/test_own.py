"""What a layer of one's own says of itself is compared when layers are put together, as with minidl's own."""

import numpy as np
import pytest

from minidl import Affine, Layer, ReLU, Sequential, SoftmaxCrossEntropy
from minidl.errors import ConfigurationError, ShapeError
from minidl.layers import Add, Concat, Residual


class Own(Layer):
    """A product that says what it takes, and leaves what it gives to be found out."""

    def __init__(self, inputs, outputs):
        self.weight = np.zeros((np.ravel(inputs)[0], outputs), np.float32)
        self.sample_shape = inputs

    def forward(self, x, *, training):
        return x @ self.weight

    def backward(self, dy):
        raise NotImplementedError


class Says(Own):
    """The same, which says what it gives."""

    def __init__(self, inputs, outputs, gives):
        super().__init__(inputs, outputs)
        self.gives = gives

    def forward(self, x, *, training):
        raise AssertionError("no layer is called that says what it gives")

    def output_shape(self, sample_shape):
        return self.gives


class Attribute(Own):
    def __init__(self):
        super().__init__((4,), 2)
        self.output_shape = (2,)


class Fails(Own):
    """Takes no zeros."""

    def forward(self, x, *, training):
        return x @ self.weight / (1 // int(x.any()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sequential(Affine(4, 5), Own((3,), 2)), r"'own0': expected .* \(3,\), got \(5,\)"),
        (lambda: Sequential(Own((3,), 2), Own((3,), 2)), r"'own1': expected .* \(3,\), got \(2,\)"),
        (lambda: Sequential(Own([3], 2), Affine(3, 2)), r"'affine0': expected .* \(3,\), got \(2,\)"),
        (
            lambda: Sequential(Sequential(Own(3, 2)), Affine(3, 2)),
            r"'affine0': expected .* \(3,\), got \(2,\)",
        ),
        (lambda: Add(Affine(4, 5), Own((3,), 2)), r"'own0': expected .* \(3,\), got \(4,\)"),
        (lambda: Add(Own([3], 2), ("b", Own(3, 4))), r"\(2,\) of Own 'own0', \(4,\) of Own 'b'"),
        (lambda: Concat(ReLU(), Own((3,), 2), ("b", Own(4, 2))), r"'b': expected .* \(4,\), got \(3,\)"),
        (lambda: Residual(Own((4,), 2)), r"give \(4,\), .* got \(2,\); give a shortcut="),
        (lambda: Residual(Affine(4, 4), shortcut=Own([3], 4)), r"'shortcut': expected .* \(3,\), got \(4,\)"),
        (lambda: Residual(Says([4], 4, [2])), r"give \(4,\), .* got \(2,\)"),
        (lambda: Sequential(Says(4, 2, [2]), Own(3, 2)), r"'own0': expected .* \(3,\), got \(2,\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_as_those_of_minidls_layers(make, message):
    with pytest.raises(ShapeError, match=message):
        make()


def test_shapes_that_fit_in_whatever_form():
    net = Sequential(Own([4], 2), Says(2, 3, [3]), Residual(Own(3, 3)), Fails((3,), 5), Own((6,), 2))
    assert net.sample_shape == (4,)  # what Fails gives is not known before it is used
    assert Sequential(*net.layers[:0], Sequential(Own(4, 2), Says([2], 3, 3))).output_shape((4,)) == (3,)


def test_a_shape_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match="what output_shape returns to be whole numbers"):
        Sequential(Says((4,), 2, "ab"))
    with pytest.raises(ConfigurationError, match=r"output_shape to be a function .* got \(2,\)"):
        Sequential(Attribute())


@pytest.mark.parametrize(
    "use",
    [
        lambda net, x: net(x),
        lambda net, x: net.trace(x),
        lambda net, x: net.summary((4,)),
        lambda net, x: net.loss_and_gradients(x, [0]),
    ],
)
def test_a_batch_that_the_layer_itself_does_not_check_is_refused_by_name(use):
    net = Sequential(ReLU(), Own((3,), 2), SoftmaxCrossEntropy())
    with pytest.raises(ShapeError, match=r"Own 'own0': expected samples of shape \(3,\), got \(4,\)"):
        use(net, np.ones((1, 4)))
