"""Losses and metrics that are built wrongly, or given scores, targets or weights that they do not take."""

import numpy as np

from minidl import MeanSquaredError, SoftmaxCrossEntropy, metrics
from minidl.errors import ConfigurationError, DataError, DivergedError, DTypeError, ShapeError, StateError
from minidl.losses import L1, BinaryCrossEntropy, Huber, MulticlassHinge
from tests.bad_input.table import row
from tests.public_calls import LABELS, X, call, net, trained

SCORES = X[:, :2]


def labelled(labels, **options):
    """The loss and gradients of a whole net, with these labels."""
    return call(net().loss_and_gradients, X, labels, **options)


def weighted(weights):
    return labelled(LABELS, weights=weights)


def loss(kind, targets, scores=SCORES):
    return call(kind.forward, scores, targets, training=True)


ROWS = {
    # ---------------------------------------------------------------- labels
    "labels of floats": row(
        lambda: labelled(LABELS.astype(float)),
        DTypeError,
        "labels of an integer dtype … float64 … .astype(np.int64)",
    ),
    "one-hot labels": row(
        lambda: labelled(np.eye(2)[LABELS]),
        ShapeError,
        "labels of shape (4,) … (4, 2) … targets.argmax(axis=1)",
    ),
    "labels in a column": row(
        lambda: labelled(LABELS[:, None]), ShapeError, "labels of shape (4,) … (4, 1) … targets[:, 0]"
    ),
    "labels that are booleans": row(
        lambda: labelled(LABELS > 0), DTypeError, "labels of an integer dtype … bool … .astype(np.int64)"
    ),
    "labels in words": row(
        lambda: labelled(["cat", "dog", "dog", "cat"]),
        DTypeError,
        "labels of an integer dtype … <U3 … np.unique",
    ),
    "labels that are objects": row(
        lambda: labelled(np.array([0, 1, None, 0])), DTypeError, "labels of an integer dtype … object"
    ),
    "a label beyond the classes": row(
        lambda: labelled([0, 1, 2, 0]),
        DataError,
        "SoftmaxCrossEntropy 'head' … 0 to 1 … 2 scores … 2 at sample 2",
    ),
    "labels counted from 1": row(
        lambda: labelled(LABELS + 1),
        DataError,
        "labels from 0 to 1 … 2 at sample 1 … number the classes 0, 1, 2",
    ),
    "a negative label": row(
        lambda: labelled([0, -1, 1, 0]), DataError, "labels from 0 to 1 … -1 at sample 1"
    ),
    "fewer labels than samples": row(lambda: labelled(LABELS[:3]), ShapeError, "labels of shape (4,) … (3,)"),
    "one label for all samples": row(lambda: labelled(1), ShapeError, "labels of shape (4,) … ()"),
    "no labels": row(lambda: labelled(None), ShapeError, "labels of shape (4,) … ()"),
    "labels beyond 64 bits": row(
        lambda: labelled(np.array([2**64 - 1, 0, 0, 0], np.uint64)),
        DataError,
        "labels from 0 to 1 … at sample 0",
    ),
    "labels of the wrong length, in inference": row(
        lambda: call(net().loss, X, LABELS[:3]), ShapeError, "labels of shape (4,) … (3,)"
    ),
    "labels of a whole data set, checked before a fit": row(
        lambda: call(SoftmaxCrossEntropy().check_targets, np.array([0, 5]), (3,)),
        DataError,
        "SoftmaxCrossEntropy … 0 to 2 … 5 at sample 1",
    ),
    # ---------------------------------------------------------------- weights
    "a negative weight": row(
        lambda: weighted([1, -1, 1, 1]), DataError, "finite weights >= 0 … -1 for sample 1"
    ),
    "a weight that is NaN": row(
        lambda: weighted([1, 1, np.nan, 1]), DataError, "finite weights >= 0 … nan for sample 2"
    ),
    "fewer weights than samples": row(lambda: weighted([1, 1]), ShapeError, "weights of shape (4,) … (2,)"),
    "weights in a column": row(
        lambda: weighted(np.ones((4, 1))), ShapeError, "weights of shape (4,) … (4, 1)"
    ),
    "weights in words": row(lambda: weighted(["a"] * 4), DTypeError, "weights of a real dtype … <U1"),
    "weights whose sum overflows": row(
        lambda: weighted([1e308] * 4), DataError, "finite weights … a sum of inf"
    ),
    # ---------------------------------------------------------------- scores
    "scores in a row": row(
        lambda: loss(SoftmaxCrossEntropy(), LABELS, X[:, 0]),
        ShapeError,
        "scores of shape (batch, classes) … (4,)",
    ),
    "scores of no class": row(
        lambda: loss(MulticlassHinge(), LABELS, X[:, :0]),
        ShapeError,
        "scores of shape (batch, classes) … (4, 0)",
    ),
    "scores that are integers": row(
        lambda: loss(SoftmaxCrossEntropy(), LABELS, np.eye(4, dtype=int)),
        DTypeError,
        "scores … float … int64",
    ),
    "a score of infinity, to choose a class by": row(
        lambda: call(SoftmaxCrossEntropy().predict, np.array([[0.0, 1.0], [np.inf, 0.0]])),
        DivergedError,
        "a finite score for the class … 1 of 2 rows of x: 1",
    ),
    # ---------------------------------------------------------------- numbers to predict
    "numbers in a row for scores in a column": row(
        lambda: loss(MeanSquaredError(), X[:, 0], X[:, :1]),
        ShapeError,
        "targets of shape (4, 1) … (4,) … targets[:, None]",
    ),
    "numbers in a column for scores in a row": row(
        lambda: loss(L1(), X[:, :1], X[:, 0]), ShapeError, "targets of shape (4,) … (4, 1) … targets[:, 0]"
    ),
    "numbers that would be broadcast": row(
        lambda: loss(Huber(), SCORES[:1]), ShapeError, "Huber … targets of shape (4, 2) … (1, 2)"
    ),
    "numbers in words": row(
        lambda: loss(MeanSquaredError(), SCORES.astype(str)), DTypeError, "targets of a real dtype … <U32"
    ),
    "numbers that are complex": row(
        lambda: loss(MeanSquaredError(), SCORES.astype(complex)),
        DTypeError,
        "targets of a real dtype … complex128 … .real",
    ),
    "a probability of 2": row(
        lambda: loss(BinaryCrossEntropy(), np.full((4, 2), 2.0)),
        DataError,
        "BinaryCrossEntropy … 0 to 1 … 2.0",
    ),
    "a probability of NaN": row(
        lambda: loss(BinaryCrossEntropy(), np.full((4, 2), np.nan)),
        DataError,
        "BinaryCrossEntropy … 0 to 1 … nan",
    ),
    # ---------------------------------------------------------------- order
    "a loss's backward without forward": row(
        lambda: call(SoftmaxCrossEntropy().backward),
        StateError,
        "SoftmaxCrossEntropy … training forward … none",
    ),
    "a loss's backward after inference": row(
        lambda: (lambda one: one.forward(SCORES, LABELS, training=False) and call(one.backward))(
            MulticlassHinge()
        ),
        StateError,
        "MulticlassHinge … training forward … none",
    ),
    "a loss's backward twice": row(
        lambda: (lambda one: [one.backward(), call(one.backward)][1])(
            trained(MeanSquaredError(), SCORES, SCORES)
        ),
        StateError,
        "MeanSquaredError … training forward … none",
    ),
    # ---------------------------------------------------------------- how a loss is built
    "names of classes in one string": row(
        lambda: call(SoftmaxCrossEntropy, "cat"),
        ConfigurationError,
        "target_names … tuple of strings … 'cat'",
    ),
    "more names than scores": row(
        lambda: loss(SoftmaxCrossEntropy(("a", "b", "c")), LABELS), ShapeError, "3 scores … target_names … 2"
    ),
    "more class weights than scores": row(
        lambda: loss(SoftmaxCrossEntropy(class_weights=(1, 2, 3)), LABELS),
        ShapeError,
        "3 scores … class_weights … 2",
    ),
    "a negative class weight": row(
        lambda: call(SoftmaxCrossEntropy, class_weights=(1, -1)), ConfigurationError, "weight … >= 0 … -1"
    ),
    "class weights that are all 0": row(
        lambda: call(SoftmaxCrossEntropy, class_weights=(0, 0)),
        ConfigurationError,
        "class_weights … not all 0 … (0, 0)",
    ),
    "more smoothing than there is": row(
        lambda: call(SoftmaxCrossEntropy, label_smoothing=1.5),
        ConfigurationError,
        "label_smoothing … <= 1 … 1.5",
    ),
    "a delta of 0": row(lambda: call(Huber, 0), ConfigurationError, "Huber: expected delta … > 0 … 0"),
    "an infinite margin": row(
        lambda: call(MulticlassHinge, float("inf")),
        ConfigurationError,
        "MulticlassHinge: expected margin … finite … inf",
    ),
    # ---------------------------------------------------------------- metrics
    "scores and labels of other lengths, to measure": row(
        lambda: call(metrics.F1().update, SCORES, LABELS[:3]),
        ShapeError,
        "scores (N, C) and labels (N,) … (4, 2) and (3,)",
    ),
    "a label between two classes, to measure": row(
        lambda: call(metrics.LogLoss().update, SCORES, LABELS + 0.5),
        DataError,
        "LogLoss … 0 to 1 … 0.5 at sample 0",
    ),
    "a mean that there is not": row(
        lambda: call(metrics.F1, average="mean"),
        ConfigurationError,
        "F1: expected average … 'macro' … 'mean'",
    ),
    "the best of no classes": row(
        lambda: call(metrics.TopKAccuracy, 0), ConfigurationError, "TopKAccuracy … k … >= 1 … 0"
    ),
    "a matrix of a class too many": row(
        lambda: call(metrics.confusion_matrix, [0, 2], [0, 1], 2), DataError, "confusion_matrix … 0 to 1 … 2"
    ),
    "negative weights, to measure": row(
        lambda: call(metrics.Accuracy().update, SCORES, LABELS, [-1, 1, 1, 1]),
        DataError,
        "Accuracy … >= 0 … -1 for sample 0",
    ),
}
