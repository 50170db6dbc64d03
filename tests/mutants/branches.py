"""Mutants of minidl's containers of branches."""

import numpy as np

from minidl import Affine, Flatten, ReLU
from minidl.layers import Add, Columns, Concat, Residual
from minidl.layers.parts import split
from tests.mutants.registry import layer
from tests.testing.wrong.numbers import peek


def affine(rng, dtype):
    return (Affine(3, 3, rng=rng, dtype=dtype),)


def pair(rng, dtype):
    return (Affine(3, 2, rng=rng, dtype=dtype), Affine(3, 2, rng=rng, dtype=dtype))


def two(rng, dtype):
    return (*affine(rng, dtype), *affine(rng, dtype))


def uneven(rng, dtype):
    return (Affine(3, 1, rng=rng, dtype=dtype), Affine(3, 3, rng=rng, dtype=dtype))


def with_relu(rng, dtype):
    return (ReLU(), Affine(3, 3, rng=rng, dtype=dtype))


def flat(rng, dtype):
    return (Flatten(), ReLU())


def columns(rng, dtype):
    return ({"a": ([0, 2, 0], Affine(3, 2, rng=rng, dtype=dtype)), "b": (slice(1, 3), ReLU())},)


@layer("the shortcut is left out of dx", "input_gradient", args=affine)
class ForgetsTheShortcut(Residual):
    def backward(self, dy):
        return np.array(self._row[0].backward(dy))


@layer("the shortcut is added twice in forward", "input_gradient", args=affine)
class ShortcutTwice(Residual):
    def forward(self, x, *, training):
        return super().forward(x, training=training) + x


@layer("the layers go back in forward order", "input_gradient", "parameter_gradients", args=with_relu)
class RowForwards(Residual):
    def backward(self, dy):
        dx = dy
        for part in self._row:
            dx = part.backward(dx)
        return dx + dy


@layer("inference leaves the shortcut out", "inference_is_training", args=affine)
class InfersTheRowAlone(Residual):
    def forward(self, x, *, training):
        return super().forward(x, training=training) - (0 if training else x)


@layer("the layers' dx is written into dy", "arguments_kept", args=flat)
class WritesIntoDy(Residual):
    def backward(self, dy):
        np.add(super().backward(dy), 0, out=dy)
        return dy


@layer(
    "backward_parameters hands dy past the row",
    "backward_parameters",
    args=lambda r, d: (*affine(r, d), *affine(r, d)),
)
class ShortCircuitsParameters(Residual):
    def backward_parameters(self, dy):
        for part in self._row:
            part.backward_parameters(dy)


@layer("the last branch is added twice", "input_gradient", "parameter_gradients", args=pair)
class LastBranchTwice(Add):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y + self._branches[-1].forward(x, training=False)


@layer("dx is that of the first branch", "input_gradient", args=pair)
class FirstBranchOnly(Add):
    def backward(self, dy):
        first, *_ = (branch.backward(dy) for branch in self._branches)
        return first


@layer("each branch gets its share of dy alone", "input_gradient", "parameter_gradients", args=pair)
class SharesDy(Add):
    def _parts_of(self, dy):
        return [dy / 2, dy / 2]


@layer("the sum is added up in the first branch's output", "arguments_kept", args=flat)
class AddsIntoTheFirst(Add):
    def forward(self, x, *, training):
        first, *rest = (branch.forward(x, training=training) for branch in self._branches)
        for y in rest:
            first += y
        return first


@layer("the gradients are added up in the first branch's", "arguments_kept", args=flat)
class AddsIntoTheFirstGradient(Add):
    def backward(self, dy):
        first, *rest = (branch.backward(dy) for branch in self._branches)
        for dx in rest:
            first += dx
        return first


@layer("backward_parameters skips the first branch", "backward_parameters", args=pair)
class SkipsTheFirstBranch(Add):
    def backward_parameters(self, dy):
        self._branches[0].forget()
        self._branches[1].backward_parameters(dy)


@layer("the mean, not the sum, in inference", "inference_is_training", args=pair)
class MeanInInference(Add):
    def forward(self, x, *, training):
        return super().forward(x, training=training) / (1 if training else 2)


@layer("the branches swap their parts of dy", "input_gradient", "parameter_gradients", args=pair)
class PartsSwapped(Concat):
    def _parts_of(self, dy):
        return super()._parts_of(dy)[::-1]


@layer("joined in the other order in inference", "inference_is_training", args=pair)
class JoinsBackwards(Concat):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y if training else np.roll(y, 2, axis=1)


@layer("dx is the last branch's", "input_gradient", args=uneven)
class LastPartOnly(Concat):
    def backward(self, dy):
        parts = self._parts_of(dy)
        return [b.backward(part) for b, part in zip(self._branches, parts, strict=True)][-1]


@layer("the parts of dy begin one number too late", "input_gradient", "parameter_gradients", args=pair)
class OneTooLate(Concat):
    def _parts_of(self, dy):
        return super()._parts_of(np.roll(dy, 1, axis=1))


@layer("nothing is taken from memory: a second backward is possible", "one_backward", args=pair)
class NeverRecalls(Concat):
    def _parts_of(self, dy):
        remembered = peek(self)
        parts = super()._parts_of(dy)
        self.remember(*remembered)
        return parts

    def backward(self, dy):
        parts = [part.copy() for part in self._parts_of(dy)]
        kept = [branch._remembered for branch in self._branches]
        dx = sum(b.backward(part) for b, part in zip(self._branches, parts, strict=True))
        for branch, values in zip(self._branches, kept, strict=True):
            branch.remember(*values)
        return dx


@layer("a column that stands twice counts once", "input_gradient", args=columns, shape=(4,))
class ColumnCountsOnce(Columns):
    def backward(self, dy):
        *joined, shape, _ = self.recall()
        dx = np.zeros(shape, dy.dtype)
        for (places, part), rows in zip(self.columns.values(), split(self, dy, 1, *joined), strict=True):
            dx[:, places] += part.backward(rows)
        return dx


@layer("columns that nobody takes get what lay there before", "input_gradient", args=columns, shape=(4,))
class LeavesTheRest(Columns):
    def backward(self, dy):
        dx = super().backward(dy)
        dx[:, 3] = dy[:, 0]
        return dx


@layer("columns that overlap are overwritten", "input_gradient", args=columns, shape=(4,))
class Overwrites(Columns):
    def backward(self, dy):
        dx = super().backward(dy)
        dx[:, 2] = dy[:, -1]
        return dx


@layer("inference mirrors the table", "inference_is_training", args=columns, shape=(4,))
class MirroredInInference(Columns):
    def forward(self, x, *, training):
        return super().forward(x if training else x[:, ::-1], training=training)


@layer(
    "backward_parameters shifts dy",
    "backward_parameters",
    args=columns,
    shape=(4,),
)
class SamePartForAll(Columns):
    def backward_parameters(self, dy):
        super().backward_parameters(np.roll(dy, 1, axis=1))
