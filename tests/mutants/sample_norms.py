"""Mutants of the norms over each sample: of layers and of groups of channels."""

import numpy as np

from minidl.layers import GroupNorm, LayerNorm
from tests.mutants.registry import layer
from tests.testing.wrong.numbers import peek

GROUPS = {"args": (2, 4), "shape": (4, 2)}
ROWS = {"args": (3,), "shape": (3,)}


@layer("backward normalizes over all channels as one group", "input_gradient", **GROUPS)
class OneGroupInBackward(GroupNorm):
    def backward(self, dy):
        _, x, statistics = peek(self)
        super().backward(dy)
        mean, rest, _, scale = (np.repeat(one.reshape(-1, 2), 2, axis=1)[:, :, None] for one in statistics)
        d, normal = dy * self.weight.value[:, None], (x - mean - rest) * scale
        means, projections = (x.mean(axis=(1, 2), keepdims=True) for x in (d, d * normal))
        return scale * (d - means - normal * projections)


@layer("channels take turns in the groups, in backward alone", "input_gradient", **GROUPS)
class InterleavedGroups(GroupNorm):
    order = np.array([0, 2, 1, 3])

    def backward(self, dy):
        return super().backward(np.ascontiguousarray(dy[:, self.order]))[:, self.order]


@layer("dx forgets the weight, which stands before the means", "input_gradient", **GROUPS)
class GroupForgetsWeight(GroupNorm):
    def backward(self, dy):
        return super().backward(dy / self.weight.value[:, None])


@layer("the weight's gradient is of the group, for each of its channels", "parameter_gradients", **GROUPS)
class GradientOfTheGroup(GroupNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] = np.repeat(self.weight.grad.reshape(2, 2).sum(axis=1), 2)
        return dx


@layer("the inverse deviation is that of the first sample", "rows_alone", "input_gradient", **ROWS)
class DeviationOfTheFirst(LayerNorm):
    def backward(self, dy):
        shape, x, statistics = self.recall()
        self.remember(
            shape, x, np.concatenate([statistics[:3], np.full_like(statistics[3:], statistics[3, 0])])
        )
        return super().backward(dy)


@layer(
    "training normalizes with the sample's own scale, inference not at all", "inference_is_training", **ROWS
)
class NormalizesInTrainingAlone(LayerNorm):
    def forward(self, x, *, training):
        if training:
            return super().forward(x, training=True)
        return x * self.weight.value + self.bias.value


@layer("forward uses the statistics of the whole batch", "rows_alone", "input_gradient", **ROWS)
class OfTheWholeBatch(LayerNorm):
    def _normalized(self, x, places, *, training):
        y = super()._normalized(x, places, training=training)
        return (x - x.mean()) / np.sqrt(x.var() + self.eps) if len(x) > 1 else y
