"""Every public callable, how to call it rightly, and what it is called with wrongly.

``python -m tests.public_calls`` prints how many calls there are and which of them end in a traceback from
within.
"""

import functools
import importlib
import inspect
import io
import tempfile
from contextlib import chdir, redirect_stdout, suppress
from pathlib import Path

import numpy as np
import scipy.sparse

import minidl
from minidl import (
    L2,
    R2,
    SGD,
    Accuracy,
    Affine,
    Callback,
    Checkpoint,
    ClipNorm,
    Constant,
    Dataset,
    EarlyStopping,
    Flatten,
    History,
    MeanAbsoluteError,
    MeanSquaredError,
    Net,
    Parameter,
    ProgressBar,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Standardize,
    State,
    StepDecay,
    Trainer,
    TwoLayerNet,
    evaluate,
    find_lr,
    initializers,
    metrics,
    plots,
    recipes,
    testing,
)
from minidl.callbacks import Average, CSVLog, LivePlot, ReduceOnPlateau
from minidl.data import Batches, Splits
from minidl.errors import MinidlError
from minidl.initializers import he_normal, normal, ones, zeros
from minidl.layers import (
    ELU,
    GELU,
    Add,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Columns,
    Concat,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Embedding,
    GlobalAvgPool2d,
    GroupNorm,
    LayerNorm,
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
from minidl.losses import L1, BinaryCrossEntropy, Huber, MulticlassHinge
from minidl.optimizers import LBFGS, Adagrad, Adam, AdamW, RMSprop
from minidl.regularizers import Regularizer
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
from minidl.storage import load_state
from minidl.sweep import Grid, Halving, Random, Results, Row, Sweep
from minidl.testing import strategies
from minidl.training import RateCurve
from minidl.transforms import Chain, GaussianNoise, MixUp, RandomCrop, RandomErase, RandomFlip

MODULES = ("minidl", *(f"minidl.{name}" for name in ("data", "sweep", "testing", "initializers", "plots")))
MODULES += ("minidl.testing.strategies", "minidl.layers", "minidl.losses", "minidl.optimizers")
MODULES += ("minidl.schedulers", "minidl.regularizers", "minidl.metrics", "minidl.transforms")
MODULES += ("minidl.callbacks", "minidl.training")
MODULES += ("minidl.recipes", "minidl.storage")

SQUARES = np.eye(4).reshape(4, 2, 2)

WRONG = {
    "None": lambda: None,
    "a string": lambda: "word",
    "bytes": lambda: b"word",
    "an empty list": list,
    "a list of lists": lambda: [[1, 2], [3, 4]],
    "a list of words": lambda: ["a", "b"],
    "a ragged list": lambda: [[1, 2], [3]],
    "a number's array": lambda: np.array(1.5),
    "a one-dimensional array": lambda: np.ones(3),
    "a two-dimensional array": lambda: np.ones((2, 2)),
    "a four-dimensional array": lambda: np.ones((2, 2, 2, 2)),
    "an empty array": lambda: np.zeros((0, 3)),
    "an array with NaN": lambda: np.full((4, 3), np.nan),
    "an array of words": lambda: np.array([["a", "b"]]),
    "an array of objects": lambda: np.array([None, 1, "a"], object),
    "a complex array": lambda: np.ones((4, 3), complex),
    "a masked array": lambda: np.ma.masked_array(np.ones((4, 3)), np.eye(4, 3)),
    "a sparse matrix": lambda: scipy.sparse.csr_matrix(np.eye(4, 3)),
    "NaN": lambda: float("nan"),
    "an infinity": lambda: float("inf"),
    "a negative number": lambda: -1,
    "a fraction": lambda: 1.5,
    "a huge number": lambda: 10**30,
    "a large number": lambda: 10**12,
    "a boolean": lambda: True,
    "a dict": lambda: {"a": 1},
    "a set": lambda: {1, 2},
    "an object": object,
    "a class": lambda: WrongClass,
    "a generator": lambda: (number for number in (1, 2)),
}

with suppress(ImportError):
    import pandas

    WRONG["a frame"] = lambda: pandas.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})


class WrongClass:
    """Fits nowhere."""


X, LABELS = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3), np.array([0, 1, 1, 0])
X64, DY = X.astype(np.float64), np.ones((4, 2), np.float32)
IMAGES = np.linspace(-1, 1, 96, dtype=np.float32).reshape(3, 2, 4, 4)
INDICES = LABELS.reshape(2, 2)


def call(function, *args, **kwargs):
    return function, args, kwargs


def affine(dtype=np.float32):
    return Affine(3, 2, rng=0, dtype=dtype)


def residual():
    return Residual(affine(), shortcut=affine())


def columns():
    return Columns({"a": ([0, 1], ReLU())})


def convolution(kind=Conv2d):
    return kind(2, 2, 3, padding=1, rng=0)


def net(dtype=np.float32):
    return Sequential(affine(dtype), SoftmaxCrossEntropy())


class Dense(Affine, Net):
    """A net that is no Sequential."""

    def __init__(self):
        super().__init__(3, 2, rng=0)
        self.head = SoftmaxCrossEntropy()


def dataset():
    return Dataset(X, LABELS)


def drawn_batches():
    batches = Batches(dataset(), 2, rng=0)
    next(batches)
    return batches


def trained(part, *args):
    part.forward(*args or (X,), training=True)
    return part


def fitted():
    """A history of two epochs."""
    history = History()
    for step in range(2):
        history.record_step(loss=1.0, lr=0.1)
        columns = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "lr", "seconds")
        history.record_epoch(step=step + 1, **dict.fromkeys(columns, 0.5))
    return history


def filled(metric):
    """A metric that has taken in a batch."""
    metric.update(np.eye(2), np.arange(2))
    return metric


class Stop(Callback):
    def on_step_end(self, trainer):
        trainer.stop("enough")


def trainer():
    return Trainer(net(), SGD(0.1), callbacks=[Stop()], rng=0)


def sweep():
    return Sweep("mlp", Grid(hidden=[2], lr=[0.1]), Splits("four", dataset(), dataset()), steps=1)


def row(trial=0):
    return Row(trial, {"lr": 0.1}, 0, 1, "done", None, 0.5, 0.5, 0.5, 0.5, 0.5)


def files():
    """A saved net, a saved history and data in the working directory."""
    minidl.save(net(), "net.npz")
    fitted().save("history.json")
    Trainer(net(), SGD(0.1), rng=0).save("run.npz")
    np.savez("data.npz", x_train=X, y_train=LABELS)
    Path("table.csv").write_text(
        "a,b,c,y\n" + "".join(f"{row % 2},{row},x{row % 2},{row / 2}\n" for row in range(9))
    )
    sweep().run("sweep", jobs=1)


class Ridge(Regularizer):
    def penalty(self, parameters):
        return 0.0

    def add_gradients(self, parameters):
        return 0.0


HOOKS = ("fit_start", "epoch_start", "gradients", "step_end", "epoch_end", "fit_end")
DRAW = (np.random.default_rng(0), (3, 2), np.float32)

ROWS = {
    # ---------------------------------------------------------------- minidl
    "usable_cores": lambda: call(minidl.usable_cores),
    "L2": lambda: call(L2, 0.1),
    "L2.penalty": lambda: call(L2(0.1).penalty, net().parameters),
    "L2.add_gradients": lambda: call(L2(0.1).add_gradients, net().parameters),
    "Regularizer.penalize": lambda: call(Ridge().penalize, net().parameters),
    "L2.penalize": lambda: call(L2(0.1).penalize, net().parameters),
    "SGD": lambda: call(SGD, 0.1, momentum=0.9, nesterov=True),
    "Optimizer.step": lambda: call(SGD(0.1, 0.9).step, net().parameters),
    "Optimizer.state_dict": lambda: call(SGD(0.1).state_dict),
    "Optimizer.load_state_dict": lambda: call(SGD(0.1).load_state_dict, {"lr": 0.1, "steps": 0}),
    "Affine": lambda: call(Affine, 3, 2, rng=0, dtype=np.float32, initializer=he_normal),
    "Affine.forward": lambda: call(affine().forward, X, training=False),
    "Affine.backward": lambda: call(trained(affine()).backward, DY),
    "Affine.backward_parameters": lambda: call(trained(affine()).backward_parameters, DY),
    "Add": lambda: call(Add, affine(), affine()),
    "Add.forward": lambda: call(Add(affine(), affine()).forward, X, training=False),
    "Concat": lambda: call(Concat, affine(), affine(), axis=1),
    "Concat.forward": lambda: call(Concat(affine(), affine()).forward, X, training=False),
    "_Branches.backward": lambda: call(trained(Add(affine(), affine())).backward, DY),
    "_Branches.backward_parameters": lambda: call(trained(Add(affine(), affine())).backward_parameters, DY),
    "_Branches.output_shape": lambda: call(Add(affine(), affine()).output_shape, (3,)),
    "Residual": lambda: call(Residual, affine(), shortcut=affine()),
    "Residual.forward": lambda: call(residual().forward, X, training=False),
    "Residual.backward": lambda: call(trained(residual()).backward, DY),
    "Residual.backward_parameters": lambda: call(trained(residual()).backward_parameters, DY),
    "Residual.output_shape": lambda: call(residual().output_shape, (3,)),
    "Columns": lambda: call(Columns, {"a": ([0, 1], ReLU())}),
    "Columns.forward": lambda: call(columns().forward, X, training=False),
    "Columns.backward": lambda: call(trained(columns()).backward, DY),
    "Columns.backward_parameters": lambda: call(trained(columns()).backward_parameters, DY),
    "Layer.check_sample": lambda: call(affine().check_sample, (3,)),
    "Affine.output_shape": lambda: call(affine().output_shape, (3,)),
    "Layer.output_shape": lambda: call(Standardize(0, 1).output_shape, (3,)),
    "Layer.check_batch": lambda: call(affine().check_batch, "x", X, (3,), batch=4),
    "Net.diagram": lambda: call(net().diagram, "net.svg", (3,)),
    "Layer.ways": lambda: call(affine().ways),
    "Sequential.output_shape": lambda: call(net().output_shape, (3,)),
    "Sequential.ways": lambda: call(net().ways),
    "_Branches.ways": lambda: call(Add(affine(), affine()).ways),
    "Residual.ways": lambda: call(residual().ways),
    "Columns.ways": lambda: call(columns().ways),
    "Module.children": lambda: call(net().children),
    "Module.freeze": lambda: call(net().freeze, frozen=True),
    "Module.named_modules": lambda: call(net().named_modules),
    "Module.named_states": lambda: call(net().named_states),
    "Module.pack": lambda: call(affine().pack),
    "Module.named_parameters": lambda: call(net().named_parameters),
    "Module.initialize": lambda: call(net().initialize, 0),
    "Module.remember": lambda: call(affine().remember, 1),
    "Module.recall": lambda: call(trained(affine()).recall),
    "Module.forget": lambda: call(affine().forget),
    "Module.buffer": lambda: call(affine().buffer, "y", (3, 2), np.float32),
    "Module.config": lambda: call(affine().config),
    "Average": lambda: call(Average, 0.9, start=1),
    "Checkpoint": lambda: call(Checkpoint, "run.npz", 5, overwrite=True, note={"seed": 0}),
    "CSVLog": lambda: call(CSVLog, "log.csv", overwrite=True),
    "Callback": lambda: call(Callback),
    "ClipNorm": lambda: call(ClipNorm, 1.0),
    "Constant": lambda: call(Constant, 1.0),
    "Constant.factor": lambda: call(Constant(1.0).factor, 0, 0),
    "Dataset": lambda: call(Dataset, X, LABELS, weights=[1, 0, 2, 1], target_names=("a", "b")),
    "Dataset.__getitem__": lambda: call(dataset().__getitem__, [0, 1]),
    "Dataset.balanced_weights": lambda: call(dataset().balanced_weights),
    "Dataset.holds_the_same": lambda: call(dataset().holds_the_same, dataset()),
    "EarlyStopping": lambda: call(
        EarlyStopping, 3, "validation_loss", min_delta=0.1, restore=True, mode="min"
    ),
    "Flatten": lambda: call(Flatten),
    "Flatten.forward": lambda: call(Flatten().forward, X, training=False),
    "Flatten.backward": lambda: call(trained(Flatten()).backward, X),
    "Layer.backward_parameters": lambda: call(trained(Flatten()).backward_parameters, X),
    "History": lambda: call(History),
    "History.record_step": lambda: call(History().record_step, loss=1.0, lr=0.1),
    "History.record_epoch": lambda: call(History().record_epoch, **{k: 1.0 for k in fitted().epochs}),
    "History.save": lambda: call(fitted().save, "history.json"),
    "History.load": lambda: call(History.load, "history.json"),
    "History.state_dict": lambda: call(History().state_dict),
    "History.load_state_dict": lambda: call(History().load_state_dict, fitted().state_dict()),
    "History.plot": lambda: call(fitted().plot, "history.png"),
    "History.diagnose": lambda: call(fitted().diagnose, net(), X),
    "LivePlot": lambda: call(LivePlot, "curves.png", every=2),
    "Parameter": lambda: call(Parameter, (3, 2), zeros, rng=0, dtype=np.float32, regularized=True),
    "Parameter.initialize": lambda: call(Parameter((3, 2), he_normal).initialize, 0),
    "State": lambda: call(State, (3, 2), zeros, rng=0, dtype=np.float32),
    "State.initialize": lambda: call(State((3, 2), he_normal).initialize, 0),
    "ProgressBar": lambda: call(ProgressBar, each_epoch=True),
    "RateCurve": lambda: call(RateCurve, [0.1], [1.0], 0.1, False),
    "RateCurve.plot": lambda: call(RateCurve([0.1], [1.0], 0.1, False).plot, "rates.svg"),
    "ReduceOnPlateau": lambda: call(
        ReduceOnPlateau, 0.5, 3, "validation_loss", mode="min", threshold=0.1, threshold_mode="abs",
        cooldown=1, min_lr=0.1, eps=0.1,
    ),
    "find_lr": lambda: call(
        find_lr, Trainer(net(), SGD(0.1), rng=0), dataset(), lowest=0.1, highest=0.2, steps=10, batch_size=2
    ),
    "ReLU": lambda: call(ReLU),
    "ReLU.output_shape": lambda: call(ReLU().output_shape, (3,)),
    "ReLU.forward": lambda: call(ReLU().forward, X, training=False),
    "ReLU.backward": lambda: call(trained(ReLU()).backward, X),
    "Sequential": lambda: call(Sequential, affine(), ("a", ReLU()), SoftmaxCrossEntropy()),
    "Net.__call__": lambda: call(net(), X),
    "Sequential.__getitem__": lambda: call(net().__getitem__, 0),
    "Sequential.innermost": lambda: call(net().innermost),
    "Net.widest": lambda: call(Dense().widest, (3,)),
    "Net.innermost": lambda: call(Dense().innermost),
    "Net.pack": lambda: call(net().pack),
    "Net.summary": lambda: call(net().summary, (3,)),
    "Net.trace": lambda: call(net().trace, X),
    "Sequential.forward": lambda: call(net().forward, X, training=False),
    "Sequential.backward": lambda: call(trained(net()).backward, DY),
    "Sequential.backward_parameters": lambda: call(trained(net()).backward_parameters, DY),
    "Net.score_chunks": lambda: call(net().score_chunks, X),
    "Net.predict": lambda: call(net().predict, X),
    "Net.predict_probabilities": lambda: call(net().predict_probabilities, X),
    "Net.loss": lambda: call(net().loss, X, LABELS),
    "Net.loss_and_gradients": lambda: call(net().loss_and_gradients, X, LABELS),
    "Net.forward_backward": lambda: call(net().forward_backward, X, LABELS),
    "SoftmaxCrossEntropy": lambda: call(
        SoftmaxCrossEntropy, target_names=("a", "b"), class_weights=(1, 2), label_smoothing=0.1
    ),
    "SoftmaxCrossEntropy.check_targets": lambda: call(
        SoftmaxCrossEntropy().check_targets, np.array(LABELS), X.shape[1:]
    ),
    "SoftmaxCrossEntropy.forward": lambda: call(
        SoftmaxCrossEntropy().forward, X, LABELS, weights=np.ones(len(X)), training=False
    ),
    "LabelLoss.metrics": lambda: call(SoftmaxCrossEntropy().metrics),
    "SoftmaxCrossEntropy.backward": lambda: call(trained(SoftmaxCrossEntropy(), X, LABELS).backward),
    "SoftmaxCrossEntropy.probabilities": lambda: call(SoftmaxCrossEntropy().probabilities, X),
    "LabelLoss.predict": lambda: call(SoftmaxCrossEntropy().predict, X),
    "LabelLoss.check_targets": lambda: call(MulticlassHinge().check_targets, np.array(LABELS), X.shape[1:]),
    "MulticlassHinge": lambda: call(MulticlassHinge, margin=1.0),
    "MulticlassHinge.forward": lambda: call(
        MulticlassHinge().forward, X, LABELS, weights=np.ones(len(X)), training=False
    ),
    "MulticlassHinge.backward": lambda: call(trained(MulticlassHinge(), X, LABELS).backward),
    "BinaryCrossEntropy": lambda: call(BinaryCrossEntropy),
    "BinaryCrossEntropy.check_targets": lambda: call(
        BinaryCrossEntropy().check_targets, np.array(LABELS), (1,)
    ),
    "BinaryCrossEntropy.predict": lambda: call(BinaryCrossEntropy().predict, X),
    "BinaryCrossEntropy.probabilities": lambda: call(BinaryCrossEntropy().probabilities, X),
    "BinaryCrossEntropy.metrics": lambda: call(BinaryCrossEntropy().metrics),
    "Huber": lambda: call(Huber, delta=1.0, scale=2.0),
    "L1": lambda: call(L1, scale=2.0),
    "BatchNorm1d": lambda: call(BatchNorm1d, 3, eps=1e-5, momentum=0.1, dtype=np.float32),
    "BatchNorm2d": lambda: call(BatchNorm2d, 3, eps=1e-5, momentum=0.1, dtype=np.float32),
    "_BatchNorm.forward": lambda: call(BatchNorm2d(2).forward, IMAGES, training=False),
    "_BatchNorm.backward": lambda: call(trained(BatchNorm2d(2), IMAGES).backward, IMAGES),
    "_BatchNorm.backward_parameters": lambda: call(trained(BatchNorm1d(3)).backward_parameters, X),
    "_BatchNorm.output_shape": lambda: call(BatchNorm1d(3).output_shape, (3,)),
    "SampleNorm.output_shape": lambda: call(LayerNorm(3).output_shape, (4, 3)),
    "LayerNorm": lambda: call(LayerNorm, (3,), eps=1e-5, dtype=np.float32),
    "LayerNorm.forward": lambda: call(LayerNorm(3).forward, X, training=False),
    "GroupNorm": lambda: call(GroupNorm, 1, 3, eps=1e-5, dtype=np.float32),
    "GroupNorm.forward": lambda: call(GroupNorm(1, 2).forward, IMAGES, training=False),
    "SampleNorm.backward": lambda: call(trained(LayerNorm(3)).backward, X),
    "SampleNorm.backward_parameters": lambda: call(trained(GroupNorm(3, 3)).backward_parameters, X),
    "Embedding": lambda: call(
        Embedding, 5, 3, mode="mean", rng=0, dtype=np.float32, initializer=normal(1.0)
    ),
    "Embedding.forward": lambda: call(Embedding(5, 3).forward, INDICES, training=False),
    "Embedding.output_shape": lambda: call(Embedding(5, 3).output_shape, (4,)),
    "Embedding.backward": lambda: call(
        trained(Embedding(5, 3, mode="mean"), INDICES).backward, np.ones((2, 3), np.float32)
    ),
    "Embedding.backward_parameters": lambda: call(
        trained(Embedding(5, 3), LABELS).backward_parameters, X
    ),
    "Standardize": lambda: call(Standardize, 0.5, 2.0, dtype=np.float32),
    "Standardize.fit": lambda: call(Standardize.fit, X, shared_scale=False, dtype=np.float32),
    "Standardize.output_shape": lambda: call(Standardize(0, 1).output_shape, (3,)),
    "Standardize.forward": lambda: call(Standardize([0, 0, 0], 1).forward, X, training=False),
    "Standardize.backward": lambda: call(trained(Standardize(0, 1)).backward, X),
    "Accuracy": lambda: call(Accuracy),
    "Accuracy.reset": lambda: call(Accuracy().reset),
    "Accuracy.update": lambda: call(Accuracy().update, X, LABELS, weights=np.ones(len(X))),
    "Accuracy.compute": lambda: call(Accuracy().compute),
    "MeanAbsoluteError": lambda: call(MeanAbsoluteError),
    "MeanAbsoluteError.reset": lambda: call(MeanAbsoluteError().reset),
    "MeanAbsoluteError.update": lambda: call(MeanAbsoluteError().update, X, X, weights=np.ones(len(X))),
    "MeanAbsoluteError.compute": lambda: call(MeanAbsoluteError().compute),
    "AUC": lambda: call(metrics.AUC),
    "BinaryAccuracy": lambda: call(metrics.BinaryAccuracy),
    "F1": lambda: call(metrics.F1, average="micro"),
    "LogLoss": lambda: call(metrics.LogLoss),
    "Precision": lambda: call(metrics.Precision, average="weighted"),
    "Recall": lambda: call(metrics.Recall, average="macro"),
    "RootMeanSquaredError": lambda: call(metrics.RootMeanSquaredError),
    "TopKAccuracy": lambda: call(metrics.TopKAccuracy, k=2),
    "confusion_matrix": lambda: call(metrics.confusion_matrix, LABELS, LABELS, 2),
    "_OfClasses.per_class": lambda: call(filled(metrics.F1()).per_class),
    **{
        f"{owner}.{method}": lambda kind=kind, method=method: call(getattr(kind(), method))
        for owner, kind in (
            ("AUC", metrics.AUC),
            ("LogLoss", metrics.LogLoss),
            ("RootMeanSquaredError", metrics.RootMeanSquaredError),
            ("_OfClasses", metrics.F1),
        )
        for method in ("reset", "compute")
    },
    **{
        f"{owner}.update": lambda kind=kind, targets=targets: call(
            kind().update, X, targets, weights=np.ones(len(X))
        )
        for owner, kind, targets in (
            ("AUC", metrics.AUC, (X > 0).astype(np.int64)),
            ("BinaryAccuracy", metrics.BinaryAccuracy, (X > 0).astype(np.int64)),
            ("LogLoss", metrics.LogLoss, LABELS),
            ("RootMeanSquaredError", metrics.RootMeanSquaredError, X),
            ("TopKAccuracy", functools.partial(metrics.TopKAccuracy, 2), LABELS),
            ("_OfClasses", metrics.F1, LABELS),
        )
    },
    "R2": lambda: call(R2),
    "R2.reset": lambda: call(R2().reset),
    "R2.update": lambda: call(R2().update, X, X, weights=np.ones(len(X))),
    "R2.compute": lambda: call(R2().compute),
    "MeanSquaredError": lambda: call(MeanSquaredError, scale=2.0),
    "_Regression.check_targets": lambda: call(MeanSquaredError().check_targets, X, X.shape[1:]),
    "ElementwiseLoss.forward": lambda: call(
        MeanSquaredError().forward, X, X, weights=np.ones(len(X)), training=False
    ),
    "ElementwiseLoss.forward, of labels": lambda: call(
        BinaryCrossEntropy().forward, X[:, :1], LABELS, weights=np.ones(len(X)), training=False
    ),
    "ElementwiseLoss.backward": lambda: call(trained(Huber(), X, X).backward),
    "_Regression.metrics": lambda: call(MeanSquaredError().metrics),
    "_Regression.predict": lambda: call(MeanSquaredError().predict, X),
    "StepDecay": lambda: call(StepDecay, 0.9, every=2),
    "StepDecay.factor": lambda: call(StepDecay(0.9).factor, 0, 0),
    "Trainer": lambda: call(
        Trainer, net(), SGD(0.1), scheduler=Constant(), regularizer=L2(0.1), callbacks=[Callback()],
        check_finite="all", rng=0,
    ),
    "Trainer.fit": lambda: call(
        trainer().fit, dataset(), epochs=1, batch_size=2, validation=dataset(), sampling="shuffle",
        transform=GaussianNoise(0.1),
    ),
    "Trainer.fit, steps": lambda: call(
        trainer().fit, dataset(), steps=1, batch_size=2, sampling="replacement"
    ),
    "ResumableLoop.resume": lambda: call(Trainer.resume, "run.npz", net(), SGD(0.1), missing_ok=False),
    "ResumableLoop.save": lambda: call(trainer().save, "saved.npz", note={"seed": 0}),
    "Stateful.load_state_dict": lambda: call(Accuracy().load_state_dict, Accuracy().state_dict()),
    "Stateful.state_dict": lambda: call(Accuracy().state_dict),
    "StatefulLoop.load_state_dict": lambda: call(trainer().load_state_dict, trainer().state_dict()),
    "StatefulLoop.state_dict": lambda: call(trainer().state_dict),
    "StatefulModule.load_state_dict": lambda: call(net().load_state_dict, net().state_dict()),
    "StatefulModule.state_dict": lambda: call(net().state_dict),
    "load_state": lambda: call(load_state, "run.npz"),
    "Trainer.stop": lambda: call(trainer().stop, "enough"),
    "TwoLayerNet": lambda: call(TwoLayerNet, 3, 2, 2, 0.1, dtype=np.float32, rng=0),
    "TwoLayerNet.loss": lambda: call(TwoLayerNet(3, 2, 2).loss, X, LABELS, 0.1),
    "TwoLayerNet.train": lambda: call(
        TwoLayerNet(3, 2, 2, rng=0).train, X, LABELS, X, LABELS, learning_rate=0.1,
        learning_rate_decay=0.9, reg=0.1, num_iters=1, batch_size=2, verbose=False,
    ),
    "TwoLayerNet.predict": lambda: call(TwoLayerNet(3, 2, 2).predict, X),
    "mlp": lambda: call(
        minidl.mlp, 3, [2], 2, activation="relu", norm="batch", dropout=0.5, loss=SoftmaxCrossEntropy(),
        standardize=Standardize(0, 1), last=[ReLU()], rng=0, dtype=np.float32, initializer=he_normal,
        first_initializer=ones,
    ),
    "mlp, names": lambda: call(minidl.mlp, 3, [2], 2, target_names=("a", "b")),
    "augmentation": lambda: call(recipes.augmentation, "flip,crop:2"),
    "build_trainer": lambda: call(
        recipes.build_trainer, net(), {"lr": 0.1}, 10, callbacks=[Callback()], metrics=[Accuracy()], rng=0
    ),
    "settings_for": lambda: call(
        recipes.settings_for, "digits", {"lr": 0.1}, 10, has_labels=True, strict=True
    ),
    "Settings": lambda: call(recipes.Settings),
    "small_conv_net": lambda: call(
        recipes.small_conv_net, (4, 4), 2, channels=(2,), hidden=3, dropout=0.5, loss=SoftmaxCrossEntropy(),
        standardize=Standardize(0, 1), rng=0, dtype=np.float32,
    ),
    "residual_conv_net": lambda: call(
        recipes.residual_conv_net, (4, 4), 2, channels=(2,), blocks=1, dropout=0.5,
        loss=SoftmaxCrossEntropy(), standardize=Standardize(0, 1), rng=0, dtype=np.float32,
    ),
    "evaluate": lambda: call(evaluate, net(), dataset()),
    "load": lambda: call(minidl.load, "net.npz", custom=[affine]),
    "save": lambda: call(minidl.save, net(), "net.npz"),
    "two_layer_net": lambda: call(minidl.two_layer_net, 3, 2, 2, rng=0, dtype=np.float32),
    # ---------------------------------------------------------------- minidl.layers
    "LeakyReLU": lambda: call(LeakyReLU, negative_slope=0.1),
    "ELU": lambda: call(ELU, alpha=0.5),
    "Sigmoid": lambda: call(Sigmoid),
    "Tanh": lambda: call(Tanh),
    "Softplus": lambda: call(Softplus, beta=2.0, threshold=10.0),
    "GELU": lambda: call(GELU, approximate="tanh"),
    "SiLU": lambda: call(SiLU),
    "Elementwise.output_shape": lambda: call(Tanh().output_shape, (3,)),
    "Elementwise.forward": lambda: call(GELU().forward, X, training=False),
    "Elementwise.forward, training": lambda: call(Softplus().forward, X, training=True),
    "Elementwise.backward": lambda: call(trained(Tanh()).backward, X),
    "Softmax": lambda: call(Softmax),
    "Softmax.forward": lambda: call(Softmax().forward, X, training=True),
    "Softmax.backward": lambda: call(trained(Softmax()).backward, X),
    "OverLastAxis.output_shape": lambda: call(Softmax().output_shape, (3,)),
    "LogSoftmax": lambda: call(LogSoftmax),
    "LogSoftmax.forward": lambda: call(LogSoftmax().forward, X, training=True),
    "LogSoftmax.backward": lambda: call(trained(LogSoftmax()).backward, X),
    "Dropout": lambda: call(Dropout, 0.5, rng=0),
    "Dropout.forward": lambda: call(Dropout(rng=0).forward, X, training=True),
    "Dropout.backward": lambda: call(trained(Dropout(rng=0)).backward, X),
    "Dropout.output_shape": lambda: call(Dropout(rng=0).output_shape, (3,)),
    # ---------------------------------------------------------------- minidl.optimizers
    "Adagrad": lambda: call(Adagrad, 0.1, lr_decay=0.1, initial_accumulator_value=0.1, eps=1e-8),
    "Adam": lambda: call(Adam, 0.1, betas=(0.9, 0.99), eps=1e-8),
    "AdamW": lambda: call(AdamW, 0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1),
    "CountingOptimizer.state_dict": lambda: call(Adam().state_dict),
    "CountingOptimizer.load_state_dict": lambda: call(Adam().load_state_dict, Adam().state_dict()),
    "LBFGS": lambda: call(LBFGS, "CG", tolerance=1e-3, gtol=1e-3),
    "RMSprop": lambda: call(RMSprop, 0.1, alpha=0.9, eps=1e-8, momentum=0.5),
    # ---------------------------------------------------------------- minidl.schedulers
    "CosineDecay": lambda: call(CosineDecay, epochs=3, final=0.1),
    "CosineDecay.factor": lambda: call(CosineDecay(steps=3).factor, 0, 0),
    "ExponentialDecay": lambda: call(ExponentialDecay, 0.9, steps=3),
    "ExponentialDecay.factor": lambda: call(ExponentialDecay(0.9).factor, 0, 0),
    "Join": lambda: call(Join, [Constant(), StepDecay()], epochs=[3]),
    "Join.factor": lambda: call(Join([Constant(), StepDecay()], epochs=3).factor, 0, 0),
    "Join.units": lambda: call(Join([Constant(), StepDecay()], epochs=3).units),
    "LinearWarmup": lambda: call(LinearWarmup, steps=3, start=0.1),
    "LinearWarmup.factor": lambda: call(LinearWarmup(epochs=3).factor, 0, 0),
    "OneCycle": lambda: call(OneCycle, steps=9, pct_start=0.3, div_factor=9.0, final_div_factor=9.0),
    "OneCycle.factor": lambda: call(OneCycle(epochs=9).factor, 0, 0),
    "PiecewiseConstant": lambda: call(PiecewiseConstant, [1, 0.1], epochs=[3]),
    "PiecewiseConstant.factor": lambda: call(PiecewiseConstant([1, 0.1], steps=3).factor, 0, 0),
    "PolynomialDecay": lambda: call(PolynomialDecay, 2.0, epochs=3, final=0.1),
    "PolynomialDecay.factor": lambda: call(PolynomialDecay(steps=3).factor, 0, 0),
    "Product": lambda: call(Product, Constant(), StepDecay()),
    "Product.factor": lambda: call((Constant() * StepDecay()).factor, 0, 0),
    "Product.units": lambda: call((Constant() * StepDecay()).units),
    "Scheduler.units": lambda: call(Constant().units),
    "StepDecay.units": lambda: call(StepDecay().units),
    "Timed.units": lambda: call(CosineDecay(steps=3).units),
    "Conv2d": lambda: call(
        Conv2d, 2, 4, (3, 2), stride=(1, 2), padding=1, dilation=(2, 1), groups=2, bias=False, rng=0,
        dtype=np.float32, initializer=he_normal,
    ),
    "Conv1d": lambda: call(
        Conv1d, 2, 4, 3, stride=1, padding=1, dilation=2, groups=2, bias=False, rng=0, dtype=np.float32,
        initializer=he_normal,
    ),
    "ConvTranspose2d": lambda: call(
        ConvTranspose2d, 2, 4, 3, stride=2, padding=1, output_padding=(1, 0), groups=2, bias=False,
        dilation=2, rng=0, dtype=np.float32, initializer=he_normal,
    ),
    "Convolution.config": lambda: call(convolution().config),
    "Convolution.forward": lambda: call(convolution().forward, IMAGES, training=False),
    "Convolution.forward, transposed": lambda: call(
        convolution(ConvTranspose2d).forward, IMAGES, training=False
    ),
    "Convolution.forward, of series": lambda: call(
        convolution(Conv1d).forward, IMAGES[:, :, 0], training=False
    ),
    "Convolution.backward": lambda: call(trained(convolution(), IMAGES).backward, IMAGES),
    "Convolution.backward_parameters": lambda: call(
        trained(convolution(), IMAGES).backward_parameters, IMAGES
    ),
    "Sliding.output_shape": lambda: call(convolution().output_shape, (2, 4, 4)),
    "MaxPool2d": lambda: call(MaxPool2d, 2, stride=(1, 2), padding=1),
    "MaxPool2d.forward": lambda: call(MaxPool2d(3, 1, 1).forward, IMAGES, training=False),
    "MaxPool2d.backward": lambda: call(trained(MaxPool2d(3, 1, 1), IMAGES).backward, IMAGES),
    "AvgPool2d": lambda: call(AvgPool2d, 2, stride=(1, 2), padding=1),
    "AvgPool2d.forward": lambda: call(AvgPool2d(3, 1, 1).forward, IMAGES, training=False),
    "AvgPool2d.backward": lambda: call(trained(AvgPool2d(3, 1, 1), IMAGES).backward, IMAGES),
    "GlobalAvgPool2d": lambda: call(GlobalAvgPool2d),
    "GlobalAvgPool2d.forward": lambda: call(GlobalAvgPool2d().forward, IMAGES, training=False),
    "GlobalAvgPool2d.backward": lambda: call(
        trained(GlobalAvgPool2d(), IMAGES).backward, np.ones((3, 2), np.float32)
    ),
    "GlobalAvgPool2d.output_shape": lambda: call(GlobalAvgPool2d().output_shape, (2, 4, 4)),
    "Reshape": lambda: call(Reshape, 4, -1),
    "Reshape.forward": lambda: call(Reshape(4, -1).forward, IMAGES, training=False),
    "Reshape.backward": lambda: call(trained(Reshape(2, 16), IMAGES).backward, IMAGES.reshape(3, 2, 16)),
    "Reshape.output_shape": lambda: call(Reshape(4, -1).output_shape, (2, 4, 4)),
    # ---------------------------------------------------------------- minidl.data
    "Batches": lambda: call(
        Batches, dataset(), 2, rng=0, sampling="replacement", transform=GaussianNoise(0.1)
    ),
    "Batches.redo": lambda: call(drawn_batches().redo),
    "Batches.state_dict": lambda: call(drawn_batches().state_dict),
    "Batches.load_state_dict": lambda: call(drawn_batches().load_state_dict, drawn_batches().state_dict()),
    "Splits": lambda: call(Splits, "four", dataset(), validation=dataset(), test=dataset()),
    "data.load": lambda: call(minidl.data.load, "data.npz", directory="."),
    # ---------------------------------------------------------------- minidl.transforms
    "Chain": lambda: call(Chain, RandomFlip(), RandomCrop(1)),
    "Chain.__call__": lambda: call((RandomFlip() | RandomCrop(1)).__call__, IMAGES, LABELS[:3], 0),
    "GaussianNoise": lambda: call(GaussianNoise, 0.1),
    "GaussianNoise.__call__": lambda: call(GaussianNoise(0.1).__call__, X, LABELS, 0),
    "MixUp": lambda: call(MixUp, 0.2),
    "MixUp.__call__": lambda: call(MixUp(0.2).__call__, X, LABELS, 0),
    "RandomCrop": lambda: call(RandomCrop, 4),
    "RandomCrop.__call__": lambda: call(RandomCrop(1).__call__, IMAGES, LABELS[:3], 0),
    "RandomErase": lambda: call(RandomErase, p=1.0, scale=(0.1, 0.2), ratio=(0.5, 2.0), value=1.0),
    "RandomErase.__call__": lambda: call(RandomErase().__call__, IMAGES, LABELS[:3], 0),
    "RandomFlip": lambda: call(RandomFlip, p=0.5, axis=-2),
    "RandomFlip.__call__": lambda: call(RandomFlip().__call__, IMAGES, LABELS[:3], 0),
    # ---------------------------------------------------------------- minidl.sweep
    "Grid": lambda: call(Grid, lr=[0.1]),
    "Grid.configurations": lambda: call(Grid(lr=[0.1]).configurations),
    "Halving": lambda: call(Halving, eta=3, rungs=2),
    "Halving.budgets": lambda: call(Halving().budgets, 9, 9),
    "Halving.promoted": lambda: call(Halving().promoted, [row(), row(1)], maximize=True),
    "Random": lambda: call(Random, 3, seed=0, lr=[0.1, 0.2]),
    "Random.configurations": lambda: call(Random(3, lr=[0.1, 0.2]).configurations),
    "Results": lambda: call(
        Results, [row()], None, objective="validation_accuracy", maximize=True, trials=1
    ),
    "Column": lambda: call(minidl.data.Column, "colour", ["blue", "red"]),
    "data.load, of a table": lambda: call(
        minidl.data.load, "table.csv", directory=".", target="y", task="numbers", categories=["a"], drop=["b"]
    ),
    "table_net": lambda: call(
        minidl.recipes.table_net, minidl.data.load("table.csv").train, (3,), dropout=0.1, loss=Huber(), rng=0,
        dtype=np.float32,
    ),
    "Results.add": lambda: call(Results.load("sweep").add, row()),
    "Results.averaged": lambda: call(Results.load("sweep").averaged),
    "Results.groups": lambda: call(Results.load("sweep").groups),
    "Results.best_net": lambda: call(Results.load("sweep").best_net, custom=[affine]),
    "Results.best_history": lambda: call(Results.load("sweep").best_history),
    "Results.describe": lambda: call(Results.load("sweep").describe, row()),
    "Results.load": lambda: call(Results.load, "sweep"),
    "Results.save_csv": lambda: call(Results.load("sweep").save_csv, "results.csv"),
    "Results.show": lambda: call(Results.load("sweep").show, 0.5, 2),
    "Results.sorted": lambda: call(Results.load("sweep").sorted),
    "Results.table": lambda: call(Results.load("sweep").table),
    "Row": lambda: call(Row, 0, {"lr": 0.1}, 0, 1, "done", value=0.5),
    "Row.from_json": lambda: call(Row.from_json, row().to_json()),
    "Row.rank": lambda: call(row().rank, True),
    "Row.to_json": lambda: call(row().to_json),
    "Sweep": lambda: call(
        Sweep, "mlp", Grid(hidden=[2], lr=[0.1]), Splits("four", dataset(), dataset()), epochs=1,
        objective="validation_loss", seed=0, dtype=np.float32, halving=Halving(),
    ),
    "Sweep.run": lambda: call(
        sweep().run, "sweep", jobs=1, backend="loky", scheduler=None, on_start=None, on_result=None,
        resume=True, extend=False,
    ),
    # ---------------------------------------------------------------- minidl.testing
    "GradientReport": lambda: call(testing.GradientReport, {"x": 0.0}, 1, 0, True),
    "Report": lambda: call(testing.Report, "it", (testing.Result("clause", "ok"),)),
    "Result": lambda: call(testing.Result, "clause", "ok", "seen"),
    "check_gradients": lambda: call(
        testing.check_gradients, affine(np.float64), X64, rng=0, wrt=["x"], rtol=1e-6, full_below=999,
        directions=8, resamples=1,
    ),
    "check_layer": lambda: call(
        testing.check_layer, lambda rng, dtype: Affine(3, 2, rng=rng, dtype=dtype), (3,), rng=0,
        clauses=[list(testing.CLAUSES)[-1]], skip=[next(iter(testing.CLAUSES))], batch=2, min_batch=1,
        batch_independent=True, allocation=False, custom=[],
        make_input=lambda rng, shape, dtype: np.ones(shape, dtype),
    ),
    "check_metric": lambda: call(
        testing.check_metric, minidl.metrics.R2, 2, rng=0, clauses=[list(testing.METRIC_CLAUSES)[-2]],
        skip=[next(iter(testing.METRIC_CLAUSES))],
        make_targets=lambda rng, batch, num_classes: rng.standard_normal((batch, num_classes)),
    ),
    "check_transform": lambda: call(
        testing.check_transform, minidl.transforms.RandomFlip, (2, 3), 2, rng=0,
        clauses=[list(testing.TRANSFORM_CLAUSES)[-1]], skip=[next(iter(testing.TRANSFORM_CLAUSES))],
        make_input=lambda rng, shape, dtype: np.ones(shape, dtype),
        make_targets=lambda rng, batch, num_classes: rng.integers(num_classes, size=batch),
    ),
    "check_loss": lambda: call(
        testing.check_loss, SoftmaxCrossEntropy, 3, rng=0, clauses=[list(testing.LOSS_CLAUSES)[-1]],
        skip=[next(iter(testing.LOSS_CLAUSES))],
        make_targets=lambda rng, batch, num_classes: rng.integers(num_classes, size=batch),
    ),
    "check_loss_gradients": lambda: call(
        testing.check_loss_gradients, SoftmaxCrossEntropy(), X64, LABELS, rng=0, rtol=1e-6
    ),
    "check_net": lambda: call(
        testing.check_net, lambda rng, dtype: Sequential(Affine(3, 2, rng=rng, dtype=dtype),
                                                         SoftmaxCrossEntropy()), (3,), 2, rng=0,
        clauses=[next(iter(testing.NET_CLAUSES))], skip=[list(testing.NET_CLAUSES)[1]],
        make_input=lambda rng, shape, dtype: np.ones(shape, dtype),
    ),
    "check_net_gradients": lambda: call(
        testing.check_net_gradients, net(np.float64), X64, LABELS, regularizer=L2(0.1), rng=0, rtol=1e-6
    ),
    "check_optimizer": lambda: call(
        testing.check_optimizer, lambda: SGD(0.1), rng=0, clauses=[next(iter(testing.OPTIMIZER_CLAUSES))],
        skip=[list(testing.OPTIMIZER_CLAUSES)[1]], elementwise=True,
    ),
    "check_scheduler": lambda: call(
        testing.check_scheduler, Constant, clauses=[next(iter(testing.SCHEDULER_CLAUSES))],
        skip=[list(testing.SCHEDULER_CLAUSES)[1]],
    ),
    # ---------------------------------------------------------------- minidl.initializers
    "he_normal": lambda: call(he_normal, *DRAW),
    "normal": lambda: call(normal, 0.1),
    "normal.__call__": lambda: call(normal(0.1), *DRAW),
    "ones": lambda: call(ones, *DRAW),
    "scaled": lambda: call(initializers.scaled, he_normal, 0.1),
    "scaled.__call__": lambda: call(initializers.scaled(he_normal, 0.1), *DRAW),
    "xavier_uniform": lambda: call(initializers.xavier_uniform, *DRAW),
    "zeros": lambda: call(zeros, *DRAW),
    # ---------------------------------------------------------------- minidl.plots
    "plot_history": lambda: call(
        plots.plot_history, fitted().steps, fitted().epochs, "history.svg",
        unfinished={"step": 2, "train_loss": 0.5}, kept_epoch=1,
    ),
    "plot_weights": lambda: call(plots.plot_weights, np.eye(4), (2, 2), "weights.svg", title="four"),
    "smooth": lambda: call(plots.smooth, [1.0, 2.0, 3.0], 3, keeps_start=True),
    "plot_confusion_matrix": lambda: call(plots.plot_confusion_matrix, np.eye(2), "matrix.svg", ["a", "b"]),
    "plot_mistakes": lambda: call(
        plots.plot_mistakes, SQUARES, [0, 1, 1, 0], [0, 0, 1, 0], np.ones(4), "mistakes.svg", names=["a", "b"]
    ),
    "plot_predictions": lambda: call(plots.plot_predictions, [1.0, 2.0], [2.0, 1.0], "numbers.svg", ["a"]),
    "plot_units": lambda: call(
        plots.plot_units, SQUARES, np.eye(4), "units.svg", filters=SQUARES, padding=1, units=2, samples=2,
        title="two",
    ),
    # ---------------------------------------------------------------- minidl.testing.strategies
    "batches": lambda: call(strategies.batches, (3,), min_batch=1, max_batch=2),
    "labels": lambda: call(strategies.labels, 3, 2),
    "layers": lambda: call(strategies.layers, (3,), dtype=np.float64, max_features=2, nested=1),
    "nets": lambda: call(
        strategies.nets, dtype=np.float64, max_layers=2, max_features=2, max_classes=2, extra=None
    ),
    "optimizers": lambda: call(strategies.optimizers),
    "product": lambda: call(strategies.product, Constant(), Constant()),
    "register_profiles": lambda: call(strategies.register_profiles),
    "schedules": lambda: call(strategies.schedules),
    "shapes": lambda: call(strategies.shapes, min_dims=1, max_dims=2, max_side=3),
}  # fmt: skip


SKIPPED = {
    ("TwoLayerNet.train", "num_iters", "a huge number"): "right, and endless",
    ("TwoLayerNet.train", "num_iters", "a large number"): "right, and endless",
    ("find_lr", "steps", "a huge number"): "right, and endless",
    ("find_lr", "steps", "a large number"): "right, and endless",
    ("Sweep.run", "jobs"): "opens pools",
}

UNCALLED = {
    **dict.fromkeys([f"Callback.on_{hook}" for hook in HOOKS], "called by the Trainer, with itself"),
    **{
        f"{kind.__name__}.{hook}": "called by the Trainer, with itself"
        for kind in (
            Average,
            CSVLog,
            Checkpoint,
            ClipNorm,
            EarlyStopping,
            LivePlot,
            ProgressBar,
            ReduceOnPlateau,
        )
        for hook in vars(kind)
        if hook.startswith("on_")
    },
    **dict.fromkeys(
        [f"{kind}.reach" for kind in ("Adagrad", "Adam", "RMSprop", "Reaching", "SGD")],
        "called by a training step, with floats of its own",
    ),
    **dict.fromkeys(
        [f"{kind}.total_weight" for kind in ("Loss", "SoftmaxCrossEntropy")],
        "called with what forward has checked",
    ),
    **{
        f"{kind.__name__}.compute": "called by forward, with parts of what it has checked"
        for kind in (ELU, GELU, LeakyReLU, Sigmoid, SiLU, Softplus, Tanh)
    },
    "Loss.check_targets": "does nothing but in a loss of its own",
    "Loss.metrics": "gives nothing but in a loss of its own",
    **dict.fromkeys(
        [f"{kind}.update" for kind in ("Adagrad", "Adam", "RMSprop", "SGD")],
        "called by step, with parts of the net's vectors",
    ),
    "LBFGS.update": "raises the error that there is no such step",
    "LBFGS.minimize": "called by the Trainer, with functions of its own",
    **dict.fromkeys(
        ["Flatten.output_shape", "Sequential.widest"], "called with the shape of what a net was given"
    ),
    **dict.fromkeys(
        ["Adaptive", "Adaptive.configurations", "Adaptive.completed"],
        "needs the extra tune: see tests/external/test_adaptive.py",
    ),
    "Module.fail": "raises the error that it is given",
}


def public_names():
    """The names of all public callables as `ROWS` has them, in order."""
    names = {}
    for module in map(importlib.import_module, MODULES):
        listed = getattr(module, "__all__", None) or [
            name
            for name, thing in vars(module).items()
            if getattr(thing, "__module__", "") == module.__name__
        ]
        for name in listed:
            thing = getattr(module, name)
            if name.startswith("_") or not callable(thing):
                continue
            if not inspect.isclass(thing):
                names[f"data.{name}" if thing is minidl.data.load else name] = thing
            elif not issubclass(thing, BaseException):
                if not inspect.isabstract(thing):
                    names[name] = thing
                names |= dict(_methods(thing))
    return names


def _methods(kind):
    for name in dir(kind):
        if name.startswith("_") and name not in ("__call__", "__getitem__"):
            continue
        owner = next(base for base in kind.__mro__ if name in vars(base))
        method = inspect.getattr_static(owner, name)
        if isinstance(method, classmethod):
            method = method.__func__
        is_abstract = getattr(method, "__isabstractmethod__", False)
        if inspect.isfunction(method) and not is_abstract and owner.__module__.startswith("minidl"):
            yield f"{owner.__name__}.{name}", method


def wrong_calls(name):
    """Calls of a public callable, each with one argument of a wrong kind: what it is, and the call."""
    _, args, kwargs = ROWS[name]()
    for place in (*range(len(args)), *kwargs):
        for kind, make in WRONG.items():
            if (name, place) in SKIPPED or (name, place, kind) in SKIPPED or place == "training":
                continue

            def attempt(place=place, make=make):
                function, args, kwargs = ROWS[name]()
                if isinstance(place, int):
                    args = (*args[:place], make(), *args[place + 1 :])
                else:
                    kwargs = {**kwargs, place: make()}
                result = function(*args, **kwargs)
                if inspect.isgenerator(result):
                    list(result)

            yield f"{place}={kind}", attempt


def wrongly_answered(name):
    """How many calls there were, and those that ended in neither success nor minidl's own error."""
    count, found = 0, []
    for what, attempt in wrong_calls(name):
        count += 1
        try:
            attempt()
        except MinidlError:
            pass
        except OSError as error:
            if error.errno is None:  # else it is the system's own answer to a path
                found.append(f"{name}({what}): {error!r}")
        except Exception as error:
            found.append(f"{name}({what}): {type(error).__name__}: {str(error)[:100]}")
    return count, found


if __name__ == "__main__":
    import sys
    import time
    import warnings

    warnings.simplefilter("error")
    total, wrong = 0, []
    with tempfile.TemporaryDirectory() as folder, chdir(folder), redirect_stdout(io.StringIO()):
        files()
        for name in sys.argv[1:] or ROWS:
            start = time.perf_counter()
            count, found = wrongly_answered(name)
            total += count
            wrong += found
            if (seconds := time.perf_counter() - start) > 0.5:
                print(f"{name} {seconds:.1f} s", file=sys.stderr)
    print("\n".join(wrong))
    print(sorted(set(public_names()) - set(ROWS)), sorted(set(ROWS) - set(public_names())))
    print(f"{total} calls of {len(ROWS)}, {len(wrong)} wrong")
