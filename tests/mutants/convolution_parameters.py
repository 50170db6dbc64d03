"""Mutants of convolutions: gradients of the parameters, memory, dtypes and description."""

import numpy as np

from minidl.kernels.convolution import convolution, convolution_backward
from minidl.layers import Conv2d
from tests.mutants.convolution_bases import GROUPED, SAME, TRANSPOSED, Enlarging, Grouped, Same
from tests.mutants.registry import layer


@layer("the weight's gradient is turned about", "parameter_gradients", **SAME)
class GradientTurned(Same):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] = self.weight.grad[..., ::-1, ::-1].copy()
        return dx


@layer("rows and columns of the weight's gradient are swapped", "parameter_gradients", **SAME)
class GradientTransposed(Same):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] = self.weight.grad.swapaxes(2, 3).copy()
        return dx


@layer("channels in and out of the weight's gradient are swapped", "parameter_gradients", **SAME)
class GradientChannelsSwapped(Same):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] = self.weight.grad.swapaxes(0, 1).copy()
        return dx


@layer("the weight's gradient is a mean over the batch", "parameter_gradients", "rows_alone", **SAME)
class GradientMean(Same):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] /= len(dy)
        return dx


@layer("the weight's gradient is that of the last block", "parameter_gradients", "rows_alone", **SAME)
class LastBlockOnly(Same):
    @staticmethod
    def _backward_kernel(x, weight, dy, windows, dx, dweight, work):
        convolution_backward(x, weight, dy, windows, dx, None, work)
        convolution_backward(x[-1:], weight, dy[-1:], windows, None, dweight, work)


@layer("the weight's gradient is added to", "gradients_assigned", **SAME)
class GradientAdds(Same):
    def backward(self, dy):
        before = self.weight.grad.copy()
        dx = super().backward(dy)
        self.weight.grad[...] += before
        return dx


@layer("the groups' gradients are swapped", "parameter_gradients", **GROUPED)
class GroupGradientsSwapped(Grouped):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] = self.weight.grad[::-1].copy()
        return dx


@layer("the bias's gradient is a mean over pixels", "parameter_gradients", **SAME)
class BiasMeanOfPixels(Same):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias.grad[...] /= dy[0, 0].size
        return dx


@layer("the bias's gradient is summed along rows alone, of the first row", "parameter_gradients", **SAME)
class BiasOfFirstRow(Same):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias.grad[...] = dy[:, :, 0].sum(axis=(0, 2))
        return dx


@layer("the bias is added at the pixels inside alone", "parameter_gradients", **SAME)
class BiasInside(Same):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        y[:, :, 0] -= self.bias.value[:, None]
        return y


@layer("the first layer's pass leaves the bias out", "backward_parameters", **SAME)
class FirstLayerWithoutBias(Same):
    def backward_parameters(self, dy):
        before = self.bias.grad.copy()
        super().backward_parameters(dy)
        self.bias.grad[...] = before


# ------------------------------------------------------------------- memory, dtypes, description


@layer("pads in place: x's border is set to 0", "arguments_kept", "finite", **SAME)
class PadsInPlace(Same):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if x.flags.writeable:
            x[:, :, 0] = 0
        return y


@layer("dx lies in the memory of y, which is still lent", "lent_until_next_forward", **SAME)
class OneMemoryForBoth(Same):
    def backward(self, dy):
        dx = super().backward(dy)
        y = self.buffer("y", dx.shape, dx.dtype)
        y[...] = dx
        return y


@layer(
    "works in the workspace in inference, too",
    "inference_pure",
    "inference_gives",
    "inference_repeats",
    **SAME,
)
class WorkspaceInInference(Same):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            return y
        lent = self.buffer("inferred", y.shape, y.dtype)
        lent[...] = y
        return lent


@layer("reads x in the order of memory", "memory_layout", **SAME)
class OrderOfMemory(Same):
    def forward(self, x, *, training):
        return super().forward(x.ravel("K").reshape(x.shape), training=training)


@layer("computes in float32", "precision", **SAME)
class SinglePrecision(Same):
    @staticmethod
    def _kernel(images, weight, bias, windows, out, work):
        images = images.astype(np.float32).astype(images.dtype)
        return convolution(images, weight, bias, windows, out, work)


@layer("takes NaN for 0", "nan_comes_through", **SAME)
class PixelsNanToZero(Same):
    def forward(self, x, *, training):
        return super().forward(np.nan_to_num(x), training=training)


@layer("makes its output anew in each training step", "allocation", allocation=True, **SAME)
class OutputAnew(Same):
    def forward(self, x, *, training):
        return super().forward(x, training=training).copy()


@layer("config gives the stride as it once was", "config", args=(1, 2, 2), shape=(1, 3, 3), batch=2)
class StrideAsItWas(Conv2d):
    def config(self):
        return {**super().config(), "stride": 1}


@layer(
    "draws its weight from a generator of its own", "reproducible", args=(1, 2, 2), shape=(1, 3, 3), batch=2
)
class OwnGenerator(Conv2d):
    def _filters(self):
        return lambda rng, shape, dtype: np.random.default_rng().standard_normal(shape).astype(dtype)


@layer("channels of the transposed weight's gradient are swapped", "parameter_gradients", **TRANSPOSED)
class TransposedChannelsSwapped(Enlarging):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] = self.weight.grad.swapaxes(0, 1).copy()
        return dx


@layer("the bias's gradient leaves the output padding out", "parameter_gradients", **TRANSPOSED)
class BiasWithoutOutputPadding(Enlarging):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias.grad[...] = dy[:, :, :-1].sum(axis=(0, 2, 3))
        return dx
