"""Mutants of ReLU, and of what every activation promises."""

import numpy as np

from minidl import ReLU
from minidl.layers import Sigmoid, Tanh
from tests.mutants.registry import layer
from tests.testing.correct import MaxPool


@layer("forgets the upstream gradient", "input_gradient", "linear_in_dy")
class ForgottenUpstream(Sigmoid):
    def backward(self, dy):
        return self.recall()[0].copy()


@layer("the gradient is cut off at 2 per number", "linear_in_dy")
class ClipsItsGradient(Tanh):
    def backward(self, dy):
        return np.clip(super().backward(dy), -2, 2)


@layer("fmax takes NaN for 0", "nan_comes_through")
class NanToZero(ReLU):
    def forward(self, x, *, training):
        return super().forward(np.fmax(x, 0), training=training)


@layer("nan_to_num in training alone", "nan_comes_through")
class NanHiddenInTraining(Sigmoid):
    def forward(self, x, *, training):
        return super().forward(np.nan_to_num(x) if training else x, training=training)


@layer("nanmax takes the next largest for NaN", "nan_comes_through", shape=(2, 3))
class NanPassedOver(MaxPool):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return np.where(np.isnan(y), np.nanmax(x, axis=-1), y)


@layer("the derivative at exactly 0 is 1, not 0", "input_gradient")
class FiresAtZero(ReLU):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            self.remember(x >= 0)
        return y


@layer("the mask is that of the negative side", "input_gradient")
class WrongSide(ReLU):
    def backward(self, dy):
        (y,) = self.recall()
        return dy * ~(y > 0)


@layer("the mask is >= of the output, true everywhere", "input_gradient")
class AlwaysFires(ReLU):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            self.remember(y >= 0)
        return y


@layer("the mask is taken of dy", "input_gradient", "linear_in_dy")
class MaskOfUpstream(ReLU):
    def backward(self, dy):
        self.recall()
        return dy * (dy > 0)
