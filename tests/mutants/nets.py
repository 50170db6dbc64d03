"""Mutants of whole nets."""

import numpy as np

from minidl import Affine, MeanSquaredError, ReLU, Sequential, SoftmaxCrossEntropy
from minidl.layers import Columns
from tests.mutants.registry import net


def classifier(rng, dtype):
    hidden = Affine(4, 5, rng=rng, dtype=dtype)
    return (hidden, ReLU(), Affine(5, 3, rng=rng, dtype=dtype), SoftmaxCrossEntropy())


def of_a_table(rng, dtype):
    return (Columns({"a": (slice(0, 4), ReLU())}), Affine(4, 3, rng=rng, dtype=dtype), SoftmaxCrossEntropy())


@net("gradients are added to those of the last batch", "gradients", "training_pass", args=classifier)
class AccumulatesBatches(Sequential):
    def forward_backward(self, x, targets, weights=None):
        before = self.parameters.gradients.copy()
        found = super().forward_backward(x, targets, weights)
        self.parameters.gradients[...] += before
        return found


@net("skips the first layer with parameters", "gradients", "training_pass", args=classifier)
class SkipsTheFirst(Sequential):
    def backward_parameters(self, dy):
        for part in reversed(self.layers[1:]):
            dy = part.backward(dy)
        self.forget()


@net("probabilities are of the whole batch's softmax", "inference", "chunks", args=classifier)
class BatchProbabilities(Sequential):
    def predict_probabilities(self, x):
        found = super().predict_probabilities(x)
        return found / len(found)


@net("predicts the label after the likeliest", "inference", args=classifier)
class PredictsTheNext(Sequential):
    def predict(self, x):
        return (super().predict(x) + 1) % 3


@net("the chunks' losses count alike, however few rows they have", "chunks", args=classifier)
class ChunksAlike(Sequential):
    def loss(self, x, targets, *, weights=None):
        parts = [slice(i, i + 512) for i in range(0, len(x), 512)]
        return float(np.mean([super(ChunksAlike, self).loss(x[p], targets[p]) for p in parts]))


@net("drops the rows of the last chunk", "chunks", args=classifier)
class DropsLastChunk(Sequential):
    def score_chunks(self, x):
        found = list(super().score_chunks(x))
        return iter(found[:-1] if len(found) > 1 else found)


@net("the weights are forgotten in inference", "weights", args=classifier)
class ForgetsWeightsInInference(Sequential):
    def loss(self, x, targets, *, weights=None):
        return super().loss(x, targets)


@net("the chunks' weights are each chunk's own", "weights", args=classifier)
class WeighsEachChunk(Sequential):
    def loss(self, x, targets, *, weights=None):
        if weights is None:
            return super().loss(x, targets)
        parts = [slice(i, i + 512) for i in range(0, len(x), 512)]
        shares = [len(x[p]) for p in parts]
        losses = [super(WeighsEachChunk, self).loss(x[p], targets[p], weights=weights[p]) for p in parts]
        return float(np.average(losses, weights=shares))


def vectors(rng, batch, width):
    return rng.standard_normal((batch, width))


def regression(rng, dtype):
    return (
        Affine(4, 5, rng=rng, dtype=dtype),
        ReLU(),
        Affine(5, 3, rng=rng, dtype=dtype),
        MeanSquaredError(),
    )


@net("predicts the absolute values", "inference", args=regression, make_targets=vectors)
class PredictsAbsolutes(Sequential):
    def predict(self, x):
        return np.abs(super().predict(x))


@net("centres the targets in place", "arguments_kept", args=regression, make_targets=vectors)
class CentersTargets(Sequential):
    def forward_backward(self, x, targets, weights=None):
        targets -= targets.mean(axis=0)
        return super().forward_backward(x, targets, weights)


@net(
    "divides the gradients by the number of targets a sample",
    "training_pass",
    args=regression,
    make_targets=vectors,
)
class DividesGradients(Sequential):
    def forward_backward(self, x, targets, weights=None):
        found = super().forward_backward(x, targets, weights)
        self.parameters.gradients[...] /= targets.shape[1]
        return found


@net("a table reaches layers without a dtype as it is", "inputs_converted", args=of_a_table)
class TableAsItIs(Sequential):
    def __init__(self, *layers):
        super().__init__(*layers)
        self.accepts = "real"
