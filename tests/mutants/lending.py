"""Mutants that write to what they were lent, or to what they lent themselves."""

import numpy as np

from minidl import Affine, Layer, Parameter, ReLU, Sequential, SoftmaxCrossEntropy
from minidl.initializers import he_normal
from minidl.layers import LeakyReLU
from tests.mutants.bases import Concat, CrossEntropy, Gain, Gate, Hinge
from tests.mutants.registry import layer, loss, net
from tests.testing import textbook
from tests.testing.correct import Residual
from tests.testing.correct import SquaredError as Squared  # no exception
from tests.testing.wrong.numbers import peek

VECTORS = {"make_targets": lambda rng, batch, classes: rng.standard_normal((batch, classes))}


def affine(rng, dtype):
    return (Affine(3, 3, rng=rng, dtype=dtype),)


def pair(rng, dtype):
    return (*affine(rng, dtype), *affine(rng, dtype))


def tanh(rng, dtype):
    return (textbook.Tanh(),)


@layer("the rectifier that works in place, in its input", "arguments_kept")
class InPlaceReLU(ReLU):
    def forward(self, x, *, training):
        np.maximum(x, 0, out=x)
        if training:
            self.remember(x > 0)
        return x


@layer("works in place in training alone", "arguments_kept")
class InPlaceInTraining(LeakyReLU):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            x[...] = y
        return y


@layer("subtracts the maximum in place, of float32 alone", "arguments_kept")
class InPlaceInFloat32(textbook.Softmax):
    def forward(self, x, *, training):
        if x.dtype == np.float32:
            x -= x.max(axis=-1, keepdims=True)
        return super().forward(x, training=training)


@layer("works in place in arrays of Fortran order alone", "memory_layout", shape=(4,))
class InPlaceInFortranOrder(textbook.Tanh):
    def forward(self, x, *, training):
        laid = np.asfortranarray(x)
        laid *= 2
        return super().forward(laid / 2, training=training)


@layer("takes its remembered input for room to work in", "arguments_kept")
class InputForRoom(Gain):
    def backward(self, dy):
        (x,) = peek(self)
        super().backward(dy)
        return np.multiply(dy, self.gain.value, out=x)


@layer("writes to dy when only the parameters' gradients are asked for", "arguments_kept")
class WritesInBackwardParameters(Gain):
    def backward_parameters(self, dy):
        (x,) = self.recall()
        dy *= x
        self.gain.grad[...] = dy.sum(axis=0)


@layer("clears the input of the pass before", "arguments_kept")
class ClearsTheLastInput(LeakyReLU):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            if getattr(self, "last", None) is not None:
                self.last[...] = 0
            self.last = x
        return y


@layer("backward works in the output that it remembers", "lent_until_next_forward")
class WorksInItsOutput(textbook.Sigmoid):
    def backward(self, dy):
        (y,) = self.recall()
        y *= 1 - y
        return y * dy


@layer(
    "backward works in the output that it remembers, in the workspace",
    "lent_until_next_forward",
    args=(True,),
)
class WorksInItsBuffer(textbook.Tanh):
    def backward(self, dy):
        (y,) = self.recall()
        np.subtract(1, y * y, out=y)
        return np.multiply(y, dy, out=self.room("dx", dy))


@layer("returns its output's memory as gradient", "lent_until_next_forward")
class OutputBecomesGradient(textbook.RMSNorm):
    def backward(self, dy):
        (y, size) = self.recall()
        along = np.mean(dy * y, axis=-1, keepdims=True)
        y *= -along
        y += dy
        y /= size
        return y


@layer("backward_parameters works in the output that was lent", "lent_until_next_forward")
class WorksInItsOutputAsFirst(Gain):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            self.remember(x, y)
        return y

    def backward(self, dy):
        x, _ = self.recall()
        self.remember(x)
        return super().backward(dy)

    def backward_parameters(self, dy):
        x, y = self.recall()
        np.multiply(x, dy, out=y)
        self.gain.grad[...] = y.sum(axis=0)


@layer(
    "inference works in the buffer that the last training forward lent",
    "lent_until_next_forward",
    "inference_pure",
    args=(True,),
)
class InfersInLentBuffer(textbook.Tanh):
    def forward(self, x, *, training):
        if training:
            return super().forward(x, training=True)
        return np.tanh(x, out=self.room("y", x)).copy()


@layer(
    "inference works in the gradient that backward lent",
    "lent_until_next_forward",
    "inference_pure",
    args=(True,),
)
class InfersInLentGradient(textbook.Swish):
    def forward(self, x, *, training):
        if not training:
            np.exp(-x, out=self.room("dx", x))
        return super().forward(x, training=training)


@layer("a training forward lends a view of its parameters, which change", "lent_until_next_forward")
class LendsItsParameters(Layer):
    def __init__(self, *, rng=None, dtype=np.float32):
        self.dtype = dtype
        self.constant = Parameter((16, 3), he_normal, rng=rng, dtype=dtype)

    def forward(self, x, *, training):
        y = self.constant.value[: len(x)]
        if not training:
            return y.copy()
        self.remember(len(x))
        return y

    def backward(self, dy):
        (count,) = self.recall()
        self.constant.grad[...] = 0
        self.constant.grad[:count] = dy
        return np.zeros((count, 3), dy.dtype)


@layer("adds x into what the child lent", "lent_until_next_forward", args=affine)
class AddsIntoLentOutput(Residual):
    def forward(self, x, *, training):
        y = self.inner.forward(x, training=training)
        y += x
        return y


@layer("rectifies what the child lent, which the child remembers", "lent_until_next_forward", args=tanh)
class RectifiesLentOutput(Residual):
    def forward(self, x, *, training):
        y = self.inner.forward(x, training=training)
        y *= 2
        return y

    def backward(self, dy):
        return self.inner.backward(2 * dy)


@layer("adds dy into the gradient that the child lent", "lent_until_next_forward", args=affine)
class AddsIntoLentGradient(Residual):
    def backward(self, dy):
        dx = self.inner.backward(dy)
        dx += dy
        return dx


@layer("adds one child's gradient into the other's", "lent_until_next_forward", args=pair)
class AddsIntoOtherGradient(Concat):
    def backward(self, dy):
        (width,) = self.recall()
        dx = self.first.backward(dy[:, :width])
        dx += self.second.backward(dy[:, width:])
        return dx


@layer("multiplies the second child's output into the first's", "lent_until_next_forward", args=pair)
class MultipliesIntoFirst(Gate):
    def forward(self, x, *, training):
        left, right = (child.forward(x, training=training) for child in (self.first, self.second))
        if training:
            self.remember(left.copy(), right)
        left *= right
        return left


@layer(
    "the layer behind another rectifies that one's output in place",
    "lent_until_next_forward",
    args=lambda rng, dtype: (*affine(rng, dtype), ReLU()),
)
class RowWithInPlaceReLU(Sequential):
    def __init__(self, *parts):
        super().__init__(parts[0], InPlaceReLU())


@layer(
    "a layer within writes to the gradient that the one behind it lent",
    "lent_until_next_forward",
    args=lambda rng, dtype: (ReLU(), *affine(rng, dtype)),
)
class RowThatWritesToGradients(Sequential):
    def __init__(self, *parts):
        super().__init__(InPlaceGradient(), parts[1])


class InPlaceGradient(textbook.Tanh):
    def backward(self, dy):
        (y,) = self.recall()
        dy *= 1 - y * y
        return dy


def classifier(rng, dtype):
    hidden = Affine(4, 5, rng=rng, dtype=dtype)
    return (hidden, textbook.Tanh(), Affine(5, 3, rng=rng, dtype=dtype), SoftmaxCrossEntropy())


@net("a layer rectifies the output of the one before in place", "lent_until_next_forward", args=classifier)
class NetWithInPlaceReLU(Sequential):
    def __init__(self, *parts):
        super().__init__(parts[0], InPlaceReLU(), *parts[2:])


@net("takes the maximum off the scores that a layer lent", "lent_until_next_forward", args=classifier)
class ShiftsScores(Sequential):
    def forward(self, x, *, training):
        scores = super().forward(x, training=training)
        scores -= scores.max(axis=1, keepdims=True)
        return scores


@net("the scores that a training pass gave are gone after it", "lent_until_next_forward", args=classifier)
class ClearsScores(Sequential):
    def forward_backward(self, x, targets, weights=None):
        loss, scores = super().forward_backward(x, targets, weights)
        scores[...] = 0
        return loss, scores


@net("standardizes x in place", "arguments_kept", args=classifier)
class StandardizesInPlace(Sequential):
    def __call__(self, x):
        np.subtract(x, x.mean(axis=0), out=x)
        return super().__call__(x)


@net("sorts the targets in place", "arguments_kept", args=classifier)
class SortsTargets(Sequential):
    def loss(self, x, targets, *, weights=None):
        order = np.argsort(targets)
        targets[...] = targets[order]
        return super().loss(x[order], targets, weights=weights)


@loss("backward works in the scores that it remembers", "arguments_kept")
class WorksInScores(Hinge):
    def forward(self, scores, targets, *, training):
        found = super().forward(scores, targets, training=training)
        if training:
            self.remember(scores, *self.recall())
        return found

    def backward(self):
        scores, missed, *rest = self.recall()
        scores[...] = missed
        self.remember(missed, *rest)
        return super().backward()


@loss("shifts float32 scores in place", "arguments_kept")
class ShiftsFloat32(CrossEntropy):
    def forward(self, scores, targets, *, training):
        if scores.dtype == np.float32:
            scores -= scores.max(axis=1, keepdims=True)
        return super().forward(scores, targets, training=training)


@loss("probabilities are worked out in the scores", "arguments_kept")
class ProbabilitiesInPlace(CrossEntropy):
    def probabilities(self, scores):
        scores -= scores.max(axis=1, keepdims=True)
        return super().probabilities(scores)


@loss("the targets become the differences", "arguments_kept", **VECTORS)
class SubtractsFromTargets(Squared):
    def forward(self, scores, targets, *, training):
        found = super().forward(scores, targets, training=training)
        targets -= scores.astype(targets.dtype)
        return found


@loss("inference works in the gradient that backward lent", "lent_until_next_forward", "inference_pure")
class InfersInGradient(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, training):
        if not training:
            np.exp(scores.T, out=self.buffer("work", scores.shape[::-1], scores.dtype))
        return super().forward(scores, targets, training=training)


@loss("a prediction clears the gradient that backward lent", "lent_until_next_forward")
class PredictionClearsGradient(CrossEntropy):
    def backward(self):
        self.lent = super().backward()
        return self.lent

    def predict(self, scores):
        getattr(self, "lent", np.zeros(1)).fill(0)
        return super().predict(scores)
