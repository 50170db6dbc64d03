"""Every layer, loss, optimizer and container of minidl under its checker, one by one."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import (
    L2,
    SGD,
    Affine,
    Constant,
    Flatten,
    Layer,
    Loss,
    MeanSquaredError,
    Optimizer,
    Regularizer,
    ReLU,
    Scheduler,
    Sequential,
    SoftmaxCrossEntropy,
    Standardize,
    StepDecay,
)
from minidl.layers import (
    ELU,
    GELU,
    Add,
    AvgPool2d,
    Columns,
    Concat,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Embedding,
    GlobalAvgPool2d,
    LeakyReLU,
    LogSoftmax,
    MaxPool2d,
    Reshape,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from minidl.metrics import (
    AUC,
    F1,
    R2,
    Accuracy,
    BinaryAccuracy,
    LogLoss,
    MeanAbsoluteError,
    Metric,
    Precision,
    Recall,
    RootMeanSquaredError,
    TopKAccuracy,
)
from minidl.optimizers import LBFGS, Adagrad, Adam, AdamW, RMSprop
from minidl.schedulers import (
    CosineDecay,
    ExponentialDecay,
    Join,
    LinearWarmup,
    OneCycle,
    PiecewiseConstant,
    PolynomialDecay,
    Product,
)
from minidl.testing import (
    OPTIMIZER_CLAUSES,
    check_layer,
    check_loss,
    check_metric,
    check_net,
    check_net_gradients,
    check_optimizer,
    check_scheduler,
    check_transform,
)
from minidl.testing.strategies import nets, seeds, shapes
from minidl.transforms import Chain, GaussianNoise, MixUp, RandomCrop, RandomErase, RandomFlip, Transform
from tests.testing import references
from tests.testing.examples import left_out, whole_contract
from tests.testing.own import EMBEDDINGS, LOSSES, NORMALIZATIONS, numbers

sides = st.integers(1, 5)


def sequential(shape, features):
    def make(rng, dtype):
        inner = Sequential(Affine(int(np.prod(shape)), features, rng=rng, dtype=dtype), ReLU())
        return Sequential(Flatten(), inner, Affine(features, 2, rng=rng, dtype=dtype))

    return make


def convolution(kind, axes=2, **options):
    """Of kernels, strides and groups that depend on what is drawn, and that fit into any image."""

    def of(shape, features):
        kernel, stride = (3, 2)[:axes], (1 + features % 2, 2 - features % 2)[:axes]
        groups = math.gcd(shape[0], features)

        def make(rng, dtype):
            arguments = {"groups": groups, "padding": 1, "bias": features > 1, **options}
            return kind(shape[0], features, kernel, stride=stride, rng=rng, dtype=dtype, **arguments)

        return make

    return of


IMAGES = {AvgPool2d: 3, Conv1d: 2, Conv2d: 3, ConvTranspose2d: 3, GlobalAvgPool2d: 3, MaxPool2d: 3}
"""The dimensions of a sample."""

LAYERS = {
    Affine: lambda shape, features: lambda rng, dtype: Affine(shape[-1], features, rng=rng, dtype=dtype),
    ReLU: lambda shape, features: lambda rng, dtype: ReLU(),
    Flatten: lambda shape, features: lambda rng, dtype: Flatten(),
    Standardize: lambda shape, features: lambda rng, dtype: Standardize(0.5, features, dtype=dtype),
    Sequential: sequential,
    Residual: lambda shape, features: (
        lambda rng, dtype: Residual(
            Affine(shape[-1], features, rng=rng, dtype=dtype),
            ReLU(),
            Affine(features, shape[-1], rng=rng, dtype=dtype),
            shortcut=Affine(shape[-1], shape[-1], rng=rng, dtype=dtype) if features % 2 else None,
        )
    ),
    Add: lambda shape, features: (
        lambda rng, dtype: Add(
            *(Affine(shape[-1], 2, rng=rng, dtype=dtype) for _ in range(features)),
        )
    ),
    Concat: lambda shape, features: (
        lambda rng, dtype: Concat(
            Affine(shape[-1], features, rng=rng, dtype=dtype),
            Residual(ReLU()),
            Affine(shape[-1], 1, rng=rng, dtype=dtype),
        )
    ),
    Columns: lambda shape, features: (
        lambda rng, dtype: Columns(
            {
                "a": ([0, shape[-1] - 1], Affine(2, features, rng=rng, dtype=dtype)),
                "b": (slice(1, None), ReLU()),
            }
        )
    ),
    LeakyReLU: lambda shape, features: lambda rng, dtype: LeakyReLU(0.1 * features),
    ELU: lambda shape, features: lambda rng, dtype: ELU(0.5 * features),
    Sigmoid: lambda shape, features: lambda rng, dtype: Sigmoid(),
    Tanh: lambda shape, features: lambda rng, dtype: Tanh(),
    GELU: lambda shape, features: lambda rng, dtype: GELU(("none", "tanh")[features % 2]),
    SiLU: lambda shape, features: lambda rng, dtype: SiLU(),
    Softplus: lambda shape, features: lambda rng, dtype: Softplus(0.5 * features),
    Softmax: lambda shape, features: lambda rng, dtype: Softmax(),
    LogSoftmax: lambda shape, features: lambda rng, dtype: LogSoftmax(),
    Dropout: lambda shape, features: lambda rng, dtype: Dropout(0.15 * features, rng=rng),
    Reshape: lambda shape, features: lambda rng, dtype: Reshape(*shape[1:], 1, -1),
    Conv1d: convolution(Conv1d, axes=1),
    Conv2d: convolution(Conv2d, dilation=(1, 2)),
    ConvTranspose2d: convolution(ConvTranspose2d, padding=(1, 0), dilation=(1, 2), output_padding=(0, 1)),
    MaxPool2d: lambda shape, features: lambda rng, dtype: MaxPool2d(2, 1 + features % 2, 1),
    AvgPool2d: lambda shape, features: lambda rng, dtype: AvgPool2d((2, 3), 1 + features % 2, 1),
    GlobalAvgPool2d: lambda shape, features: lambda rng, dtype: GlobalAvgPool2d(),
}
ROWS = {Affine, Residual, Add, Concat, Columns}  # layers that take samples of one dimension
OPTIMIZERS = {SGD, RMSprop, Adagrad, Adam, AdamW, LBFGS}
SCHEDULERS = {
    Constant, CosineDecay, ExponentialDecay, Join, LinearWarmup, OneCycle, PiecewiseConstant, PolynomialDecay,
    Product, StepDecay,
}  # fmt: skip
METRICS = dict.fromkeys([AUC, F1, Accuracy, LogLoss, Precision, Recall, TopKAccuracy])  # of labels
METRICS |= dict.fromkeys([BinaryAccuracy, MeanAbsoluteError, R2, RootMeanSquaredError], numbers)
TRANSFORMS = [
    GaussianNoise(2), MixUp(0.4), RandomCrop(1), RandomErase(), RandomFlip(), Chain(RandomFlip(), MixUp(1)),
]  # fmt: skip
OTHERS = {L2} | OPTIMIZERS | SCHEDULERS


def test_nothing_public_is_left_out():
    bases = (Layer, Loss, Optimizer, Scheduler, Regularizer)
    bases += Metric, Transform
    rooms = minidl.layers, minidl.losses, minidl.optimizers, minidl.regularizers, minidl.schedulers
    rooms += minidl.metrics, minidl.transforms
    public = {
        thing for room in rooms for name in room.__all__ if isinstance(thing := getattr(room, name), type)
    }
    listed = {*LAYERS, *NORMALIZATIONS, Embedding, *LOSSES, *METRICS, *map(type, TRANSFORMS)} | OTHERS
    assert {thing for thing in public if issubclass(thing, bases)} - {*bases} == {
        kind for kind in listed if isinstance(kind, type)
    }


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
@whole_contract
@given(shape=shapes(max_dims=3), features=sides, batch=sides, seed=seeds())
def test_layers(kind, shape, features, batch, seed):
    if kind in ROWS:
        shape = shape[-1:]
    if kind in IMAGES:
        shape = tuple(min(side, 3) for side in (*shape, 2, 3))[: IMAGES[kind]]
    check_layer(
        LAYERS[kind](shape, features),
        shape,
        batch=batch,
        rng=seed,
        allocation=kind is not Standardize,
        skip=left_out(seed),
        reference=references.LAYERS[kind](shape, features),
    )


@pytest.mark.parametrize(
    "kind", [*NORMALIZATIONS, *EMBEDDINGS], ids=lambda kind: getattr(kind, "__name__", kind)
)
@whole_contract
@given(batch=sides, seed=seeds())
def test_normalizations_and_embeddings(kind, batch, seed):
    shape, options, make = (NORMALIZATIONS | EMBEDDINGS)[kind]
    check_layer(make, shape, batch=batch, rng=seed, skip=left_out(seed), **options)


@pytest.mark.parametrize("kind", LOSSES, ids=lambda kind: getattr(kind, "__name__", kind))
@whole_contract
@given(width=st.integers(1, 6), seed=seeds())
def test_losses(kind, width, seed):
    make, options = LOSSES[kind]
    check_loss(lambda: make(width), width, rng=seed, **options)


@pytest.mark.parametrize("kind", METRICS, ids=lambda kind: kind.__name__)
@whole_contract
@given(width=st.integers(1, 5), seed=seeds())
def test_metrics(kind, width, seed):
    check_metric(kind, width, rng=seed, make_targets=METRICS[kind])


@pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)
@pytest.mark.parametrize("targets", [None, numbers], ids=["labels", "numbers"])
@whole_contract
@given(shape=shapes(min_dims=2, max_dims=3, max_side=6), seed=seeds())
def test_transforms(transform, targets, shape, seed):
    if isinstance(transform, RandomCrop):  # which leaves nothing of a single pixel
        shape = tuple(side + 1 for side in shape)
    check_transform(lambda: copy.deepcopy(transform), shape, rng=seed, make_targets=targets)


@whole_contract
@given(shape=shapes(max_dims=3, max_side=3), features=sides, seed=seeds())
def test_sequential_as_a_net(shape, features, seed):
    def make(rng, dtype):
        return Sequential(sequential(shape, features)(rng, dtype), SoftmaxCrossEntropy())

    check_net(make, shape, 2, rng=seed)


@whole_contract
@given(shape=shapes(max_dims=3, max_side=3), features=sides, seed=seeds())
def test_sequential_as_a_net_of_numbers(shape, features, seed):
    def make(rng, dtype):
        return Sequential(sequential(shape, features)(rng, dtype), MeanSquaredError())

    check_net(make, shape, 2, rng=seed, make_targets=numbers)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}], ids=str)
@whole_contract
@given(lr=st.sampled_from([0.3, 0.1, 0.01]), seed=seeds())
def test_sgd(options, lr, seed):
    skip, judge = left_out(seed, OPTIMIZER_CLAUSES), references.sgd(lr, **options)
    check_optimizer(lambda: SGD(lr, **options), rng=seed, skip=skip, reference=judge)


@pytest.mark.parametrize(
    ("kind", "reference", "options"),
    [
        (RMSprop, references.rmsprop, {"alpha": 0.9}),
        (RMSprop, references.rmsprop, {"momentum": 0.5}),
        (Adagrad, references.adagrad, {}),
        (Adagrad, references.adagrad, {"lr_decay": 0.1, "initial_accumulator_value": 0.5}),
        (Adam, references.adam, {}),
        (Adam, references.adam, {"betas": (0.5, 0.9), "eps": 1e-4}),
        (AdamW, None, {}),
    ],
    ids=lambda value: str(getattr(value, "__name__", value)),
)
@whole_contract
@given(lr=st.sampled_from([0.1, 0.01]), seed=seeds())
def test_adaptive_optimizers(kind, reference, options, lr, seed):
    # AdamW alone moves values whose gradient is 0; it decays the weights alone, so that PyTorch is its judge.
    judge = reference and reference(lr, **options)
    skip = ["zero_gradient"] if kind is AdamW else []
    skip += left_out(seed, OPTIMIZER_CLAUSES)
    check_optimizer(lambda: kind(lr, **options), rng=seed, skip=skip, reference=judge)


@given(gamma=st.floats(0.1, 1), every=st.integers(1, 9), value=st.floats(0, 3))
def test_schedulers(gamma, every, value):
    check_scheduler(lambda: StepDecay(gamma, every), reference=lambda epoch, _: gamma ** (epoch // every))
    check_scheduler(lambda: Constant(value), reference=lambda epoch, step: value)
    check_scheduler(lambda: StepDecay(gamma, every) * Constant(value))


@given(unit=st.sampled_from(["epochs", "steps"]), span=st.integers(1, 40), low=st.floats(0, 1))
def test_schedulers_of_epochs_or_steps(unit, span, low):
    timed = {unit: span}
    check_scheduler(lambda: ExponentialDecay(max(low, 0.1), **timed))
    check_scheduler(lambda: CosineDecay(**timed, final=low))
    check_scheduler(lambda: PolynomialDecay(0.5 + low, **timed, final=low / 2))
    check_scheduler(lambda: LinearWarmup(**timed, start=low))
    check_scheduler(lambda: OneCycle(**timed, pct_start=0.9 * low))
    check_scheduler(lambda: PiecewiseConstant([1, low, 0], **{unit: [span, span + 3]}))
    check_scheduler(lambda: Join([LinearWarmup(**timed), CosineDecay(**timed)], **timed))


@given(net=nets(), strength=st.floats(0, 3), batch=sides, seed=seeds())
def test_l2(net, strength, batch, seed):
    rng = np.random.default_rng(seed)
    x, labels = rng.standard_normal((batch, *net.input_shape)), rng.integers(net.num_classes, size=batch)
    check_net_gradients(net(), x, labels, regularizer=L2(strength), rng=rng)
