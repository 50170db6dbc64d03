"""Layers and nets that are built wrongly, or given what they do not take."""

import numpy as np
import scipy.sparse

from minidl import (
    SGD,
    Affine,
    Flatten,
    MeanSquaredError,
    Parameter,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Standardize,
)
from minidl.errors import (
    ConfigurationError,
    DataError,
    DivergedError,
    DTypeError,
    MissingPartError,
    ShapeError,
    StateError,
    StructureError,
)
from minidl.initializers import zeros
from minidl.layers import (
    Add,
    BatchNorm1d,
    Columns,
    Concat,
    Conv2d,
    Dropout,
    Embedding,
    GroupNorm,
    Layer,
    LayerNorm,
    LeakyReLU,
    MaxPool2d,
    Reshape,
    Residual,
)
from minidl.losses import Loss
from tests.bad_input.table import assign, item, row
from tests.public_calls import DY, IMAGES, LABELS, X, affine, call, net, trained

OTHERS = X[:, :2]


class Widening(Layer):
    """Its output is not a row a sample."""

    def forward(self, x, *, training):
        return np.concatenate([x, x])

    def backward(self, dy):
        return dy


class Forgetful(ReLU):
    """Keeps an argument nowhere, so that no file could hold it."""

    def __init__(self, slope):
        pass


class Listed(Loss):
    """Gives the losses of the samples, where their mean is asked for."""

    def forward(self, scores, targets, *, weights=None, training):
        return scores[:, 0]

    def backward(self):
        raise AssertionError

    def predict(self, scores):
        return scores


def with_nan():
    broken = net()
    broken.parameters.values[0] = np.nan
    return broken


def no_loss():
    return Sequential(affine(), ReLU())


def shared():
    layer = affine()
    return Sequential(layer, SoftmaxCrossEntropy()), layer


ROWS = {
    # ---------------------------------------------------------------- what a layer is given
    "a batch of another width": row(
        lambda: call(affine().forward, OTHERS, training=False),
        ShapeError,
        "Affine:  … x … (batch, 3) … (4, 2)",
    ),
    "a batch of another rank": row(
        lambda: call(affine().forward, IMAGES, training=False), ShapeError, "(batch, 3) … (3, 2, 4, 4)"
    ),
    "one sample where a batch is meant": row(
        lambda: call(net(), X[0]), ShapeError, "Sequential … x … (batch, 3) … (3,) … x[None]"
    ),
    "a single number for a batch": row(
        lambda: call(net(), 1.5), ShapeError, "Sequential … x … (batch, ...) … ()"
    ),
    "integers for a layer of floats": row(
        lambda: call(affine().forward, np.ones((4, 3), int), training=False),
        DTypeError,
        "x … float32 … int64",
    ),
    "float64 for a layer of float32": row(
        lambda: call(affine().forward, np.ones((4, 3)), training=True), DTypeError, "x … float32 … float64"
    ),
    "a list for a layer": row(
        lambda: call(affine().forward, X.tolist(), training=False), DTypeError, "Affine … x … ndarray"
    ),
    "objects for a net": row(lambda: call(net(), X.astype(object)), DTypeError, "x … real … object"),
    "strings for a net": row(lambda: call(net(), [["a", "b", "c"]]), DTypeError, "x … real … <U1"),
    "complex numbers for a net": row(
        lambda: call(net(), X.astype(complex)), DTypeError, "x … complex128 … .real"
    ),
    "dates for a net": row(
        lambda: call(net(), np.zeros((4, 3), "datetime64[s]")), DTypeError, "x … real … datetime64[s]"
    ),
    "ragged rows for a net": row(
        lambda: call(net(), [[1.0, 2.0], [3.0]]), DataError, "x … one array … one length"
    ),
    "a masked batch": row(
        lambda: call(net(), np.ma.masked_array(X, X > 0)), DataError, "x … masked … .filled(value)"
    ),
    "a sparse batch for a net that does not begin with Affine": row(
        lambda: call(Sequential(ReLU(), affine(), SoftmaxCrossEntropy()), scipy.sparse.csr_matrix(X)),
        DataError,
        "x … dense … csr_matrix … .toarray()",
    ),
    "a sparse batch in another format": row(
        lambda: call(net(), scipy.sparse.coo_matrix(X)), DataError, "x … CSR … coo_matrix"
    ),
    "an image of other channels": row(
        lambda: call(Conv2d(3, 2, 3, rng=0).forward, IMAGES, training=False),
        ShapeError,
        "Conv2d … x … (batch, 3,  … (3, 2, 4, 4)",
    ),
    "an image smaller than the kernel": row(
        lambda: call(Conv2d(2, 2, 5, rng=0).forward, IMAGES, training=False),
        ShapeError,
        "Conv2d … (5, 5) … (4, 4)",
    ),
    "an image smaller than the window": row(
        lambda: call(MaxPool2d(5).forward, IMAGES, training=False), ShapeError, "MaxPool2d … (5, 5) … (4, 4)"
    ),
    "rows for a layer of images": row(
        lambda: call(Sequential(Conv2d(2, 2, 3, rng=0), Flatten(), SoftmaxCrossEntropy()), X),
        ShapeError,
        "Conv2d 'conv2d0' … (batch, 2,  … (4, 3)",
    ),
    "one sample to normalize over the batch": row(
        lambda: call(BatchNorm1d(3).forward, X[:1], training=True),
        ShapeError,
        "BatchNorm1d … more than one … (1, 3)",
    ),
    "an index beyond the vectors": row(
        lambda: call(Embedding(5, 3, rng=0).forward, np.array([[0, 5]]), training=False),
        DataError,
        "Embedding … 0 to 4 … 5",
    ),
    "a negative index": row(
        lambda: call(Embedding(5, 3, rng=0).forward, np.array([[0, -1]]), training=True),
        DataError,
        "Embedding … 0 to 4 … -1",
    ),
    "floats for indices": row(
        lambda: call(Embedding(5, 3, rng=0).forward, X, training=False),
        DTypeError,
        "Embedding … integer … float32",
    ),
    "numbers that a shape does not hold": row(
        lambda: call(Reshape(2, 2).forward, X, training=False), ShapeError, "Reshape … (2, 2) … 3"
    ),
    "samples of another shape to normalize": row(
        lambda: call(LayerNorm((2, 2)).forward, X, training=False),
        ShapeError,
        "LayerNorm … (batch, ..., 2, 2) … (4, 3)",
    ),
    "a column beyond the table": row(
        lambda: call(Columns({"a": ([0, 7], ReLU())}).forward, X, training=False),
        ShapeError,
        "Columns … [0, 7] of 'a' … 3 columns",
    ),
    "no rows to learn from": row(
        lambda: call(net().loss_and_gradients, X[:0], LABELS[:0]), ShapeError, "at least one sample … empty"
    ),
    "a net that gives more rows than it got": row(
        lambda: call(Sequential(affine(), Widening(), SoftmaxCrossEntropy()), X),
        ShapeError,
        "4 rows … (8, 2)",
    ),
    "a prediction of NaN": row(
        lambda: call(with_nan().predict, X),
        DivergedError,
        "finite … 4 of 4 rows of x … net.parameters.values",
    ),
    "a prediction of one sample with NaN": row(
        lambda: call(net().predict, np.where(np.arange(4)[:, None] == 2, np.nan, X)),
        DivergedError,
        "1 of 4 rows of x: 2",
    ),
    "a summary for samples of another shape": row(
        lambda: call(net().summary, (5,)), ShapeError, "Affine 'affine0' … (3,) … (5,)"
    ),
    "a shape that is no shape": row(
        lambda: call(net().summary, (3, -1)), ConfigurationError, "sample_shape … >= 0 … -1"
    ),
    # ---------------------------------------------------------------- backward
    "backward without forward": row(
        lambda: call(affine().backward, DY), StateError, "Affine … training forward … training=True"
    ),
    "backward after inference": row(
        lambda: call((lambda one: one.forward(X, training=False) is None or one)(affine()).backward, DY),
        StateError,
        "Affine … training forward … training=True",
    ),
    "backward twice": row(
        lambda: call((lambda one: one.backward(DY) is None or one)(trained(affine(), X)).backward, DY),
        StateError,
        "Affine … training forward … none",
    ),
    "a gradient of another width": row(
        lambda: call(trained(affine(), X).backward, X), ShapeError, "dy … (4, 2) … (4, 3)"
    ),
    "a gradient for other samples": row(
        lambda: call(trained(ReLU(), X).backward, X[:2]), ShapeError, "ReLU … dy … (4, 3) … (2, 3)"
    ),
    "a gradient of another dtype": row(
        lambda: call(trained(affine(), X).backward, DY.astype(float)), DTypeError, "dy … float32 … float64"
    ),
    # ---------------------------------------------------------------- how a layer is built
    "a layer of no units": row(
        lambda: call(Affine, 0, 2), ConfigurationError, "Affine … in_features … >= 1 … 0"
    ),
    "half a unit": row(
        lambda: call(Affine, 3, 2.5), ConfigurationError, "Affine … out_features … whole … 2.5"
    ),
    "True units": row(
        lambda: call(Affine, 3, True), ConfigurationError, "Affine … out_features … whole … True"
    ),
    "units in words": row(lambda: call(Affine, "3", 2), ConfigurationError, "Affine … in_features … '3'"),
    "more units than memory": row(
        lambda: call(Affine, 10**9, 10**9), ConfigurationError, "68,719,476,736 … 1000000000"
    ),
    "half precision": row(
        lambda: call(Affine, 3, 2, dtype=np.float16), DTypeError, "dtype … float32 … float16"
    ),
    "no dtype at all": row(lambda: call(Affine, 3, 2, dtype="word"), DTypeError, "dtype … float32 … 'word'"),
    "a negative seed": row(lambda: call(Affine, 3, 2, rng=-1), ConfigurationError, "rng … seed >= 0 … -1"),
    "an initializer by its name": row(
        lambda: call(Affine, 3, 2, initializer="zeros"),
        ConfigurationError,
        "initializer … function … 'zeros'",
    ),
    "an initializer of another shape": row(
        lambda: call(Affine, 3, 2, initializer=lambda rng, shape, dtype: np.zeros((2, 3), dtype)),
        ShapeError,
        "initializer … (3, 2) … (2, 3)",
    ),
    "a dropout of more than everything": row(
        lambda: call(Dropout, 1.5), ConfigurationError, "Dropout … p … <= 1 … 1.5"
    ),
    "a slope of NaN": row(
        lambda: call(LeakyReLU, float("nan")), ConfigurationError, "LeakyReLU … negative_slope … finite … nan"
    ),
    "a stride of 0": row(
        lambda: call(Conv2d, 2, 2, 3, stride=0), ConfigurationError, "Conv2d … stride … >= 1 … 0"
    ),
    "a negative padding": row(
        lambda: call(Conv2d, 2, 2, 3, padding=-1), ConfigurationError, "Conv2d … padding … >= 0 … -1"
    ),
    "groups that do not divide the channels": row(
        lambda: call(GroupNorm, 2, 3), ConfigurationError, "GroupNorm … 3 … 2"
    ),
    "a scale of 0": row(lambda: call(Standardize, 0, 0), DataError, "Standardize … scale … 0"),
    "a parameter that is no shape": row(
        lambda: call(Parameter, (3, "a"), zeros), ConfigurationError, "shape … whole numbers … 'a'"
    ),
    # ---------------------------------------------------------------- how a net is built
    "a list of layers": row(
        lambda: call(Sequential, [affine(), SoftmaxCrossEntropy()]),
        StructureError,
        "Sequential … layers … [Affine(3, 2) … Sequential(*layers)",
    ),
    "no layer": row(lambda: call(Sequential), StructureError, "Sequential … layer … none"),
    "a loss and no layer": row(
        lambda: call(Sequential, SoftmaxCrossEntropy()), StructureError, "Sequential … layer … none"
    ),
    "a loss in the middle": row(
        lambda: call(Sequential, affine(), SoftmaxCrossEntropy(), ReLU()),
        StructureError,
        "Sequential … loss at the very end … SoftmaxCrossEntropy",
    ),
    "a class for a layer": row(
        lambda: call(Sequential, affine(), ReLU, SoftmaxCrossEntropy()),
        StructureError,
        "ReLU(...) … not the class",
    ),
    "a function for a layer": row(
        lambda: call(Sequential, np.tanh), StructureError, "Sequential … layers … tanh"
    ),
    "one layer in two places": row(
        lambda: (lambda one: call(Sequential, one, one))(ReLU()),
        StructureError,
        "relu0 … one instance stands in one place … copy.deepcopy",
    ),
    "a layer of another net": row(
        lambda: (lambda first, layer: call(Sequential, layer, SoftmaxCrossEntropy()))(*shared()),
        StructureError,
        "affine0 … one instance stands in one place",
    ),
    "one name for two layers": row(
        lambda: call(Sequential, ("a", affine()), ("a", ReLU())), StructureError, "Sequential … 'a'"
    ),
    "a name with a dot": row(
        lambda: call(Sequential, ("a.b", affine())), StructureError, "Sequential … name … 'a.b'"
    ),
    "layers that do not fit": row(
        lambda: call(Sequential, affine(), Affine(3, 2, rng=0)), ShapeError, "affine1 … (3,) … (2,)"
    ),
    "layers of two dtypes": row(
        lambda: call(Sequential, affine(), Affine(2, 2, rng=0, dtype=np.float64)),
        DTypeError,
        "one dtype … float32 in affine0.weight … float64 in affine1.weight",
    ),
    "a residual that changes the width": row(
        lambda: call(Residual, affine()), ShapeError, "Residual … (3,) … (2,)"
    ),
    "branches of different shapes": row(
        lambda: call(Add, affine(), Affine(3, 3, rng=0)), ShapeError, "Add … (2,) … (3,)"
    ),
    "an axis that is not there": row(
        lambda: call(Concat(ReLU(), ReLU(), axis=3).forward, X, training=False),
        ShapeError,
        "Concat … axis 3 … (3,)",
    ),
    "a part put in the place of another": row(
        lambda: assign(net(), "affine0", affine()), StructureError, "Sequential … 'affine0' … Affine"
    ),
    "a part taken away": row(
        lambda: call(delattr, affine(), "weight"), StructureError, "Affine … 'weight' … del"
    ),
    "a part added to a net that is packed": row(
        lambda: assign(net(), "more", ReLU()), StateError, "Sequential … 'more' … constructor"
    ),
    "a part of a net for the whole": row(
        lambda: call(SGD(0.1).step, net()[0]), ConfigurationError, "SGD … parameters … Affine"
    ),
    "a name that no part has": row(
        lambda: item(net(), "affine7"), MissingPartError, "Sequential … 'affine7' … affine0"
    ),
    "a position beyond the net": row(lambda: item(net(), 9), MissingPartError, "Sequential … 9"),
    "a parameter that is not there": row(
        lambda: item(net().parameters, "affine0.weights"),
        MissingPartError,
        "affine0.weight … 'affine0.weights'",
    ),
    "an argument that is kept nowhere": row(
        lambda: call(Forgetful(0.1).config), StructureError, "Forgetful … 'slope' … self.slope = slope"
    ),
    "a loss that is no number": row(
        lambda: call(Sequential(affine(), Listed()).loss_and_gradients, X, LABELS),
        ConfigurationError,
        "Listed 'head' … forward … number … (4,)",
    ),
    # ---------------------------------------------------------------- what a net cannot do
    "the loss of a net without one": row(
        lambda: call(no_loss().loss, X, LABELS), StructureError, "Sequential … loss … SoftmaxCrossEntropy()"
    ),
    "the predictions of a net without a loss": row(
        lambda: call(no_loss().predict, X), StructureError, "Sequential … loss as the last part"
    ),
    "probabilities of numbers": row(
        lambda: call(Sequential(affine(), MeanSquaredError()).predict_probabilities, X),
        StructureError,
        "Sequential … classes … MeanSquaredError",
    ),
}
