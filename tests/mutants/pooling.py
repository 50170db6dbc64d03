"""Mutants of pooling and of reshaping."""

import numpy as np

from minidl.layers import AvgPool2d, GlobalAvgPool2d, MaxPool2d, Reshape
from tests.mutants.registry import layer
from tests.testing.wrong.numbers import peek

APART = {"args": (2,), "shape": (2, 2, 4), "batch": 3}
OVERLAPPING = {"args": (3, 1, 1), "shape": (1, 3, 3), "batch": 2}
GLOBAL = {"shape": (2, 2, 3), "batch": 3}
RESHAPE = {"args": (3, 2), "shape": (2, 3), "batch": 3}


def given(self, shape, parts, assigned=False):
    """The gradient to which each place of the windows gives ``parts(seen, by)``."""
    dx = np.zeros(shape)
    outputs = self._windows.outputs(shape)
    for _, seen, by in self._windows.over(shape, outputs):
        part = parts(seen, by)
        dx[seen] = part if assigned else dx[seen] + part
    return dx


@layer("the window's gradient goes to its first number", "input_gradient", **APART)
class MaxToFirstPlace(MaxPool2d):
    def backward(self, dy):
        x, _ = self.recall()
        dx = np.zeros(x.shape, dy.dtype)
        dx[..., ::2, ::2] = dy
        return dx


@layer("the window's gradient goes to all of its numbers", "input_gradient", **APART)
class MaxToAllPlaces(MaxPool2d):
    def backward(self, dy):
        self.recall()
        return dy.repeat(2, axis=2).repeat(2, axis=3)


@layer("where windows overlap, the largest one's gradient is assigned", "input_gradient", **OVERLAPPING)
class MaxOverlapAssigned(MaxPool2d):
    def backward(self, dy):
        x, y = self.recall()
        hits = given(self, x.shape, lambda seen, by: dy[by] * (x[seen] == y[by]), assigned=True)
        return hits.astype(dy.dtype)


@layer(
    "padding counts as zeros, and gets no gradient", "input_gradient",
    args=((2, 1), (2, 1), (1, 0)), shape=(1, 2, 3), batch=2,
)  # fmt: skip
class MaxOfZeros(MaxPool2d):
    def forward(self, x, *, training):
        return np.maximum(super().forward(x, training=training), 0)


@layer("fmax passes NaN over", "nan_comes_through", **APART)
class MaxPassesNanOver(MaxPool2d):
    def forward(self, x, *, training):
        return super().forward(np.fmax(x, -1e9), training=training)


@layer("the channels of dx are swapped", "input_gradient", **APART)
class MaxChannelsSwapped(MaxPool2d):
    def backward(self, dy):
        return super().backward(dy)[:, ::-1].copy()


@layer("remembers in inference, too", "inference_pure", "inference_between", "one_backward", **APART)
class MaxRemembersAlways(MaxPool2d):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        self.remember(x, y)
        return y


@layer("the last row of windows is left out of dx", "input_gradient", **OVERLAPPING)
class MaxLastRowForgotten(MaxPool2d):
    def backward(self, dy):
        dy = dy.copy()
        dy[:, :, -1] = 0
        return super().backward(dy)


@layer("compares with the output of an earlier batch", "latest_forward", "batch_sizes", **APART)
class MaxOfEarlierBatch(MaxPool2d):
    _first = None

    def backward(self, dy):
        x, y = self.recall()
        if self._first is None or self._first.shape != y.shape:
            self._first = y.copy()
        self.remember(x, self._first)
        return super().backward(dy)


@layer("the gradient of the mean is not divided", "input_gradient", **APART)
class MeanNotDivided(AvgPool2d):
    def backward(self, dy):
        return super().backward(dy) * 4


@layer("the gradient of the mean is divided by the stride", "input_gradient", **OVERLAPPING)
class MeanByStride(AvgPool2d):
    def backward(self, dy):
        return super().backward(dy) * 9


@layer("where windows overlap, the mean's gradient is assigned", "input_gradient", **OVERLAPPING)
class MeanOverlapAssigned(AvgPool2d):
    def backward(self, dy):
        shape, *_ = self.recall()
        return given(self, shape, lambda seen, by: dy[by] / 9, assigned=True).astype(dy.dtype)


@layer("padding does not count forward, and does backward", "input_gradient", **OVERLAPPING)
class MeanWithoutPadding(AvgPool2d):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        inside = AvgPool2d(3, 1, 1).forward(np.ones_like(x), training=False)
        y /= inside
        return y


@layer("the mean's shares go to the first pixel of each window", "input_gradient", **APART)
class MeanToFirstPlace(AvgPool2d):
    def backward(self, dy):
        shape, *_ = self.recall()
        dx = np.zeros(shape, dy.dtype)
        dx[..., ::2, ::2] = dy
        return dx


@layer("the global mean's gradient is not divided", "input_gradient", **GLOBAL)
class GlobalNotDivided(GlobalAvgPool2d):
    def backward(self, dy):
        return super().backward(dy) * 6


@layer("the global mean's gradient is divided by the batch", "input_gradient", "rows_alone", **GLOBAL)
class GlobalByBatch(GlobalAvgPool2d):
    def backward(self, dy):
        return super().backward(dy) * 6 / len(dy)


@layer("at a batch of 1 the batch is squeezed away", "shapes", **GLOBAL)
class GlobalSqueezes(GlobalAvgPool2d):
    def forward(self, x, *, training):
        return np.squeeze(super().forward(x, training=training))


@layer("nanmean passes NaN over", "nan_comes_through", **GLOBAL)
class GlobalPassesNanOver(GlobalAvgPool2d):
    def forward(self, x, *, training):
        super().forward(x, training=training)
        return np.nanmean(x, axis=(2, 3))


@layer("backward reshapes in Fortran's order", "input_gradient", **RESHAPE)
class ReshapesInFortran(Reshape):
    def backward(self, dy):
        (shape, _) = peek(self)
        super().backward(dy)
        return np.array([sample.reshape(shape[1:], order="F") for sample in dy])


@layer("backward keeps the shape of the output", "shapes", **RESHAPE)
class KeepsReshaped(Reshape):
    def backward(self, dy):
        self.recall()
        return dy.copy()


@layer("the samples are mixed, there and back", "rows_alone", "nan_comes_through", **RESHAPE)
class MixesSamples(Reshape):
    def forward(self, x, *, training):
        mixed = x.reshape(-1, len(x)).T
        return super().forward(mixed.reshape(x.shape), training=training)

    def backward(self, dy):
        dx = super().backward(dy)
        return dx.reshape(len(dx), -1).T.reshape(dx.shape)
