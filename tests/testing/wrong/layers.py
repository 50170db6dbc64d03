"""``WRONG_LAYERS``: the clause that names a slip, the layer that has it, one sample's shape."""

from minidl import Affine
from minidl.layers import Tanh
from tests.testing.wrong.numbers import (
    Accumulates,
    Clips,
    Dense,
    FirstBatchSize,
    FirstRowsOnly,
    ForgetsTheMean,
    ForgottenBias,
    HidesNan,
    MeansGradient,
    Misjudged,
    NearlyRight,
    NoJacobian,
    Ravels,
    RootOfNegative,
    SkipsTooMuch,
    WritesToInput,
    WritesToUpstream,
)
from tests.testing.wrong.state import (
    AlwaysFloat64,
    Backwards,
    BackwardTwice,
    BatchOfOne,
    CachesInInference,
    CastsBackward,
    CastsForward,
    CastsGradient,
    CountsCalls,
    DrawsUnseeded,
    ForgetsAnArgument,
    ForgetsMode,
    ForgetsOnDisk,
    GlobalDropout,
    InfersInWorkspace,
    KeepsFirst,
    NormForgetsGain,
    NotPicklable,
    OldInner,
    OverwritesOutput,
    Rebinds,
    Replaceable,
    SameMaskInResidual,
    ScalesInInference,
    SharedCache,
    SharedScratch,
    SharesInCopy,
    SkipsFrozen,
    SmoothsPast,
    Transposed,
    Wasteful,
    WorksInItsOutput,
)


def of(cls, *args, **kwargs):
    def factory(rng, dtype):
        return cls(*args, rng=rng, dtype=dtype, **kwargs)

    factory.__name__ = cls.__name__
    return factory


def bare(cls, *args):
    def factory(rng, dtype):
        return cls(*args)

    factory.__name__ = cls.__name__
    return factory


def typed(cls, *args):
    def factory(rng, dtype):
        return cls(*args, dtype=dtype)

    factory.__name__ = cls.__name__
    return factory


def random(cls, *args):
    def factory(rng, dtype):
        return cls(*args, rng=rng)

    factory.__name__ = cls.__name__
    return factory


def chain(cls):
    def factory(rng, dtype):
        return cls(Affine(3, 3, rng=rng, dtype=dtype), Tanh(), Affine(3, 3, rng=rng, dtype=dtype))

    factory.__name__ = cls.__name__
    return factory


def shortcut(cls):
    def factory(rng, dtype):
        return cls(Affine(3, 3, rng=rng, dtype=dtype))

    factory.__name__ = cls.__name__
    return factory


class InfersWithoutBias(Dense):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y if training else y - self.bias.value


WRONG_LAYERS = [
    ("finite", bare(RootOfNegative), (3,)),
    ("output_shape", of(Misjudged), (3,)),
    ("input_gradient", of(NearlyRight), (3,)),
    ("input_gradient", bare(NoJacobian), (3,)),
    ("input_gradient", typed(ForgetsTheMean, 3), (3,)),
    ("input_gradient", typed(NormForgetsGain, 3), (3,)),
    ("input_gradient", shortcut(SameMaskInResidual), (3,)),
    ("input_gradient", chain(Backwards), (3,)),
    ("parameter_gradients", of(ForgottenBias), (3,)),
    ("parameter_gradients", of(FirstRowsOnly), (3,)),
    ("gradients_assigned", of(ForgottenBias), (3,)),
    ("gradients_assigned", of(Accumulates), (3,)),
    ("backward_parameters", of(SkipsTooMuch), (3,)),
    ("arguments_kept", bare(WritesToInput), (3,)),
    ("arguments_kept", bare(WritesToUpstream), (3,)),
    ("memory_layout", bare(Ravels), (3,)),
    ("nan_comes_through", bare(HidesNan), (3,)),
    ("batch_sizes", of(FirstBatchSize), (3,)),
    ("rows_alone", of(MeansGradient), (3,)),
    ("linear_in_dy", of(Clips), (3,)),
    ("latest_forward", of(KeepsFirst), (3,)),
    ("one_backward", of(BackwardTwice), (3,)),
    ("inference_is_training", of(InfersWithoutBias), (3,)),
    ("inference_pure", of(CachesInInference), (3,)),
    ("inference_between", of(CachesInInference), (3,)),
    ("one_backward", of(CachesInInference), (3,)),
    ("inference_pure", of(CountsCalls), (3,)),
    ("inference_pure", chain(ForgetsMode), (3,)),
    ("inference_pure", of(InfersInWorkspace), (3,)),
    ("inference_gives", of(InfersInWorkspace), (3,)),
    ("inference_threads", of(SharedScratch), (3,)),
    ("instances_apart", of(SharedCache), (3,)),
    ("parameter_views", of(Transposed), (3,)),
    ("parameter_views", of(Rebinds), (3,)),
    ("precision", of(CastsForward), (3,)),
    ("precision", of(CastsBackward), (3,)),
    ("precision", of(CastsGradient), (3,)),
    ("dtype", of(AlwaysFloat64), (3,)),
    ("reproducible", random(GlobalDropout, 0.5), (3,)),
    ("inference_repeats", random(ScalesInInference, 0.5), (3,)),
    ("shapes", of(BatchOfOne), (3,)),
    ("pickled_copies", of(NotPicklable), (3,)),
    ("deep_copies", of(SharesInCopy), (3,)),
    ("frozen_parameters", of(SkipsFrozen), (3,)),
    ("config", of(ForgetsAnArgument), (3,)),
    ("config", shortcut(OldInner), (3,)),
    ("parts_stay", shortcut(Replaceable), (3,)),
    ("saved_and_loaded", of(ForgetsOnDisk), (3,)),
    ("lent_until_next_forward", bare(OverwritesOutput), (3,)),
    ("lent_until_next_forward", bare(WorksInItsOutput), (3,)),
    ("allocation", bare(Wasteful), (3,)),
    ("repeatable", of(SmoothsPast), (3,)),
    ("initialize", of(DrawsUnseeded), (3,)),
]
