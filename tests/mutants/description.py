"""Mutants that describe themselves wrongly, or let their parts be replaced."""

import copy

import numpy as np

from minidl import Affine, Flatten, Sequential
from minidl.layers import LeakyReLU, Tanh
from minidl.module import Module
from tests.mutants.bases import Concat
from tests.mutants.registry import layer
from tests.testing.correct import BatchNorm, Embedding, Residual
from tests.testing.wrong.numbers import Dense

INDICES = {"make_input": lambda rng, shape, dtype: rng.integers(0, 5, shape)}


def affine(rng, dtype):
    return (Affine(3, 3, rng=rng, dtype=dtype),)


def pair(rng, dtype):
    return (*affine(rng, dtype), *affine(rng, dtype))


@layer("says that it takes samples of another shape", "output_shape", args=affine)
class TakesOthers(Residual):
    sample_shape = (4,)


@layer("says that it keeps the shape, which it flattens", "output_shape", shape=(2, 3))
class KeepsTheShape(Flatten):
    def output_shape(self, sample_shape):
        return sample_shape


@layer("gives the output's shape with the batch", "output_shape", args=affine)
class CountsTheBatch(Residual):
    def output_shape(self, sample_shape):
        return (1, *sample_shape)


@layer("an argument is kept under another name", "config")
class OtherName(LeakyReLU):
    def __init__(self, steepness=0.2):
        self.negative_slope = steepness


@layer("an argument is kept in another unit", "config", args=(50,))
class Percent(LeakyReLU):
    def __init__(self, negative_slope):
        super().__init__(negative_slope / 100)


@layer("a default is left out, and would be another in a later version", "config")
class LeavesDefaultsOut(LeakyReLU):
    def __init__(self, negative_slope=0.1, shift=0.0):
        self.negative_slope, self.shift = negative_slope, shift

    def config(self):
        return {"negative_slope": self.negative_slope}


@layer("describes what the constructor was given, a copy of it", "config")
class DescribesWhatWasGiven(LeakyReLU):
    def __init__(self, negative_slope=0.1):
        self.negative_slope = negative_slope
        self._given = {"negative_slope": negative_slope}

    def config(self):
        return dict(self._given)


@layer("describes the layer that it was given, and trains a copy", "config", args=affine)
class TrainsACopy(Residual):
    def __init__(self, inner):
        super().__init__(copy.deepcopy(inner))
        self._given = (inner,)

    def config(self):
        return {"inner": self._given[0]}


@layer("describes two layers in the wrong order", "config", args=lambda r, d: (*affine(r, d), Tanh()))
class SwapsItsChildren(Concat):
    def config(self):
        return {"first": self.second, "second": self.first}


@layer("wants an argument again that it does not describe", "config", args=(5, 3), shape=(4,), **INDICES)
class WantsMore(Embedding):
    def config(self):
        return {name: value for name, value in super().config().items() if name != "size"}


@layer("a row describes its first layer alone", "config", args=pair)
class DescribesTheFirst(Sequential):
    def config(self):
        return {"*parts": self.parts[:1]}


@layer("a child may be replaced by another", "parts_stay", args=affine)
class ReplacesItsChild(Residual):
    def __setattr__(self, name, value):
        self._parts.pop(name, None)
        super().__setattr__(name, value)


@layer("what is assigned in a parameter's place trains nothing", "parts_stay")
class KeepsBoth(Dense):
    def __setattr__(self, name, value):
        put = object.__setattr__ if name in self._parts else Module.__setattr__
        put(self, name, value)


@layer("a state may be replaced", "parts_stay", args=(3,), batch_independent=False)
class ReplacesItsState(BatchNorm):
    def __setattr__(self, name, value):
        if name.startswith("running"):
            self._parts.pop(name, None)
        super().__setattr__(name, value)


@layer("takes new parameters after packing", "parts_stay")
class TakesLateParts(Dense):
    def __setattr__(self, name, value):
        closed, self.__dict__["_closed"] = self._closed, False
        super().__setattr__(name, value)
        self.__dict__["_closed"] = closed


@layer("registers nothing that is assigned to it", "parameter_views")
class RegistersNothing(Dense):
    __setattr__ = object.__setattr__


@layer(
    "a running statistic is left as it is when all is drawn anew",
    "initialize",
    args=(3,),
    batch_independent=False,
)
class KeepsItsState(BatchNorm):
    def initialize(self, rng):
        before = self.running_mean.value.copy()
        super().initialize(rng)
        self.running_mean.value[...] = before


@layer(
    "a copy shares the running statistics",
    "deep_copies",
    "pickled_copies",
    args=(3,),
    batch_independent=False,
)
class SharesItsState(BatchNorm):
    def __deepcopy__(self, memo):
        memo[id(self.running_mean)] = self.running_mean
        return copy._reconstruct(self, memo, *self.__reduce_ex__(4))


@layer("inference moves a state", "inference_pure", "inference_repeats", args=(3,), batch_independent=False)
class CountsInItsState(BatchNorm):
    def forward(self, x, *, training):
        if not training:
            self.running_variance.value[...] *= np.float32(1.0001)
        return super().forward(x, training=training)


@layer(
    "its states are in no vector and no file",
    "parameter_views",
    "saved_and_loaded",
    args=(3,),
    batch_independent=False,
)
class HidesItsStates(BatchNorm):
    def named_states(self):
        return iter(())
