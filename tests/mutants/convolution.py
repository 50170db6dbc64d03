"""Mutants of convolutions and of the transposed one: gradients by the input."""

import numpy as np

from minidl.kernels.convolution import convolution, convolution_backward, transposed_convolution
from minidl.kernels.windows import Windows
from tests.mutants.convolution_bases import (
    DILATED,
    GROUPED,
    SAME,
    STRIDED,
    TRANSPOSED,
    Dilated,
    Enlarging,
    Grouped,
    Same,
    Strided,
    scattered,
)
from tests.mutants.registry import layer
from tests.testing.wrong.numbers import peek


@layer("forward flips the windows, backward does not", "input_gradient", **SAME)
class FlippedForward(Same):
    @staticmethod
    def _kernel(images, weight, *rest):
        return convolution(images, weight[..., ::-1, ::-1].copy(), *rest)


@layer("the windows are not turned about for dx", "input_gradient", **SAME)
class NotTurned(Same):
    def backward(self, dy):
        return scattered(self, dy, weight=self.weight.value[..., ::-1, ::-1])


@layer("rows and columns of the window are swapped for dx", "input_gradient", **SAME)
class WindowTransposed(Same):
    def backward(self, dy):
        return scattered(self, dy, weight=self.weight.value.swapaxes(2, 3))


@layer("channels in and out are not swapped for dx", "input_gradient", **SAME)
class ChannelsNotSwapped(Same):
    def backward(self, dy):
        return scattered(self, dy, weight=self.weight.value.swapaxes(0, 1))


@layer("where windows overlap, dx is assigned", "input_gradient", **SAME)
class OverlapAssigned(Same):
    def backward(self, dy):
        return scattered(self, dy, assigned=True)


@layer("the last place of the windows is left out of dx", "input_gradient", **SAME)
class LastPlaceForgotten(Same):
    def backward(self, dy):
        return scattered(self, dy, places=-1)


@layer("dx is computed as if there were no padding", "input_gradient", **SAME)
class PaddingForgotten(Same):
    def backward(self, dy):
        return scattered(self, dy, windows=Windows((3, 3)))


@layer("dx lies one pixel to the right", "input_gradient", **SAME)
class OffByOnePixel(Same):
    def backward(self, dy):
        return np.roll(super().backward(dy), 1, axis=3)


@layer("dx of the border is left out", "input_gradient", **SAME)
class BorderForgotten(Same):
    def backward(self, dy):
        dx = super().backward(dy)
        dx[:, :, -1] = 0
        return dx


@layer("dx is computed as if the stride were 1", "input_gradient", **STRIDED)
class StrideForgotten(Strided):
    def backward(self, dy):
        return scattered(self, dy, windows=self._windows._replace(stride=(1, 1)))


@layer("the pixels between windows keep what was in the memory", "input_gradient", **STRIDED)
class GapsNotCleared(Strided):
    def backward(self, dy):
        dx = super().backward(dy)
        dx[..., 1] = peek_free(dy)
        return dx


def peek_free(dy):
    """Numbers that stand for what another pass left."""
    return np.abs(dy).max()


@layer("dx is computed as if the dilation were 1", "input_gradient", **DILATED)
class DilationForgotten(Dilated):
    def backward(self, dy):
        return scattered(self, dy, windows=self._windows._replace(dilation=(1, 1)))


@layer("each group's dx is put at the other group", "input_gradient", **GROUPED)
class GroupsSwapped(Grouped):
    def backward(self, dy):
        return np.roll(super().backward(dy), 2, axis=1)


@layer("all groups multiply by the first one's weight for dx", "input_gradient", **GROUPED)
class FirstGroupOnly(Grouped):
    @staticmethod
    def _backward_kernel(x, weight, dy, windows, dx, dweight, work):
        convolution_backward(x, weight, dy, windows, None, dweight, work)
        if dx is not None:
            first = np.concatenate([weight[:1], weight[:1]])
            convolution_backward(x, first, dy, windows, dx, None, work)


@layer("the last sample is left out of dx", "input_gradient", "rows_alone", **SAME)
class LastSampleForgotten(Same):
    def backward(self, dy):
        dx = super().backward(dy)
        dx[-1] = 0
        return dx


@layer("dx of a later block is that of the first", "input_gradient", "rows_alone", **SAME)
class FirstBlockAgain(Same):
    def backward(self, dy):
        dx = super().backward(dy)
        dx[2:] = dx[:1]
        return dx


# ------------------------------------------------------------------- the transposed convolution


@layer("the rows of the output padding stay 0", "input_gradient", **TRANSPOSED)
class OutputPaddingBlank(Enlarging):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        y[:, :, -1] = 0
        return y


@layer("forward turns the windows about, backward does not", "input_gradient", **TRANSPOSED)
class TurnedForward(Enlarging):
    @staticmethod
    def _kernel(images, weight, *rest):
        return transposed_convolution(images, weight[..., ::-1, ::-1].copy(), *rest)


@layer("dx reads the gradient one row too low", "input_gradient", **TRANSPOSED)
class OneRowTooLow(Enlarging):
    def backward(self, dy):
        images, shape = peek(self)
        super().backward(dy)
        self.remember(images, shape)
        return super().backward(np.roll(dy, -1, axis=2))
