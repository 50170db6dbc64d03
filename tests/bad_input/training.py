"""Optimizers, schedules, callbacks and the Trainer, built wrongly or given what they do not take."""

import numpy as np

from minidl import (
    L2,
    SGD,
    Accuracy,
    Affine,
    Callback,
    ClipNorm,
    Constant,
    Dataset,
    EarlyStopping,
    MeanSquaredError,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    StepDecay,
    Trainer,
    evaluate,
    find_lr,
)
from minidl.callbacks import Average, CSVLog, ReduceOnPlateau
from minidl.data import Splits
from minidl.errors import (
    ConfigurationError,
    DataError,
    DivergedError,
    DTypeError,
    ShapeError,
    StateError,
    StructureError,
)
from minidl.optimizers import LBFGS, Adam, AdamW, RMSprop
from minidl.schedulers import CosineDecay, Join, LinearWarmup, OneCycle, PiecewiseConstant, Scheduler
from minidl.transforms import GaussianNoise, MixUp, RandomCrop, RandomErase, Transform
from tests.bad_input.table import assign, of_a_fit, row
from tests.public_calls import IMAGES, LABELS, X, affine, call, dataset, fitted, net

NAN, INF = float("nan"), float("inf")


class Giving(Scheduler):
    """A schedule that gives what it is told to."""

    def __init__(self, value):
        self.value = value

    def factor(self, epoch, step):
        return self.value


class Misspelled(Callback):
    def on_epoch_ends(self, trainer):
        raise AssertionError


class Narrowing(Transform):
    def __call__(self, x, targets, rng):
        return x[:, :2], targets


class Unnamed(Accuracy):
    name = "not a name"


class Loss(Accuracy):
    name = "loss"


def trainer(**options):
    return Trainer(net(), SGD(0.1, 0.9), rng=0, **options)


def fit(*args, made=trainer, **options):
    """A fit of a Trainer that has one behind it, so that there is something to lose."""
    one = made()
    if not isinstance(one.optimizer, LBFGS):
        one.fit(dataset(), epochs=1, batch_size=2)
    return call(one.fit, *(args or (dataset(),)), **options)


def begun(one, *args, **options):
    """A fit that is refused once it has begun, so that it has noted how far to go, and learned nothing."""
    kept = one.net, one.optimizer, one.history.steps, one.history.epochs
    return of_a_fit(kept, one.fit, *(args or (dataset(),)), batch_size=2, **options)


def scheduled(value):
    """A fit in which the schedule gives `value` after the first step."""
    one = trainer(scheduler=Giving(1.0))
    one.fit(dataset(), steps=1, batch_size=2)
    one.scheduler.value = value
    return begun(one, steps=1)


def overflowing(**options):
    """A net, trained for a step, whose scores no float holds."""
    one = trainer(**options)
    one.fit(dataset(), steps=1, batch_size=2)
    one.net.parameters.values[...] = 3e38
    return begun(one, steps=5)


def stepped(optimizer, of=None):
    of = of or net()
    of.loss_and_gradients(X, LABELS)
    optimizer.step(of.parameters)
    return optimizer


def loaded(optimizer, **changes):
    """A state with these changes; None takes a key away."""
    state = {**optimizer.state_dict(), **changes}
    return call(optimizer.load_state_dict, {key: value for key, value in state.items() if value is not ...})


def of_another_net():
    optimizer = stepped(SGD(0.1, 0.9))
    return call(optimizer.step, net().parameters)


def of_a_larger_net():
    optimizer = SGD(0.1, 0.9)
    optimizer.load_state_dict(
        stepped(SGD(0.1, 0.9), Sequential(Affine(3, 7, rng=0), SoftmaxCrossEntropy())).state_dict()
    )
    one = net()
    one.loss_and_gradients(X, LABELS)
    return call(optimizer.step, one.parameters)


def rate(value):
    return call(SGD, value)


ROWS = {
    # ---------------------------------------------------------------- optimizers
    "a negative rate": row(lambda: rate(-0.1), ConfigurationError, "SGD: expected lr … > 0 … -0.1"),
    "a rate of 0": row(lambda: rate(0), ConfigurationError, "SGD: expected lr … > 0 … 0"),
    "a rate of NaN": row(lambda: rate(NAN), ConfigurationError, "SGD: expected lr … finite … nan"),
    "an infinite rate": row(lambda: rate(INF), ConfigurationError, "SGD: expected lr … finite … inf"),
    "a rate in words": row(lambda: rate("0.1"), ConfigurationError, "SGD: expected lr … number … '0.1'"),
    "a rate that is a boolean": row(
        lambda: rate(True), ConfigurationError, "SGD: expected lr … number … True"
    ),
    "a rate for each layer": row(
        lambda: rate([0.1, 0.2]), ConfigurationError, "SGD: expected lr … number … [0.1, 0.2]"
    ),
    "a negative rate, set later": row(
        lambda: assign(SGD(0.1), "lr", -1), ConfigurationError, "SGD: expected lr … >= 0 … -1"
    ),
    "a momentum of 1": row(lambda: call(SGD, 0.1, 1), ConfigurationError, "SGD: expected momentum … < 1 … 1"),
    "a negative momentum": row(
        lambda: call(RMSprop, 0.1, momentum=-0.5), ConfigurationError, "momentum … >= 0 … -0.5"
    ),
    "Nesterov's form without momentum": row(
        lambda: call(SGD, 0.1, nesterov=True),
        ConfigurationError,
        "SGD: expected momentum > 0 … nesterov=True",
    ),
    "a switch in words": row(
        lambda: call(SGD, 0.1, 0.9, nesterov="yes"),
        ConfigurationError,
        "SGD: expected nesterov … True or False … 'yes'",
    ),
    "a beta of 1": row(
        lambda: call(Adam, betas=(0.9, 1.0)),
        ConfigurationError,
        "Adam: expected each of betas … < 1, got 1.0",
    ),
    "one beta": row(lambda: call(Adam, betas=0.9), ConfigurationError, "Adam: expected betas … 0.9"),
    "an eps of 0": row(lambda: call(Adam, eps=0), ConfigurationError, "Adam: expected eps … >= 1e-30, got 0"),
    "a negative decay": row(
        lambda: call(AdamW, weight_decay=-1), ConfigurationError, "AdamW: expected weight_decay … >= 0 … -1"
    ),
    "a method that there is not": row(
        lambda: call(LBFGS, "Newton"), ConfigurationError, "LBFGS … method … 'Newton'"
    ),
    "a state with a key too many": row(
        lambda: loaded(SGD(0.1, 0.9), acceleration=None),
        StateError,
        "SGD … lr, steps, velocity … acceleration",
    ),
    "a state with a key too few": row(
        lambda: loaded(stepped(SGD(0.1, 0.9)), velocity=...), StateError, "SGD … lr, steps, velocity … got"
    ),
    "the state of another kind of optimizer": row(
        lambda: call(SGD(0.1, 0.9).load_state_dict, Adam().state_dict()),
        StateError,
        "SGD … lr, steps, velocity",
    ),
    "a state of negative steps": row(
        lambda: loaded(stepped(SGD(0.1, 0.9)), steps=-1), ConfigurationError, "SGD … steps … >= 0 … -1"
    ),
    "a state at a rate of NaN": row(
        lambda: loaded(stepped(SGD(0.1, 0.9)), lr=NAN), ConfigurationError, "SGD … lr … finite … nan"
    ),
    "a state of words": row(
        lambda: loaded(stepped(SGD(0.1, 0.9)), velocity=["a"]),
        DTypeError,
        "SGD … velocity … real dtype … <U1",
    ),
    "a state that is a list": row(
        lambda: call(SGD(0.1).load_state_dict, [0.1]), StateError, "SGD … lr, steps … [0.1]"
    ),
    "the parameters of another net": row(
        of_another_net, StateError, "SGD … the net that it has trained … another … an optimizer of its own"
    ),
    "the state of a larger net": row(
        of_a_larger_net, ShapeError, "SGD … velocity of shape (…,), as the gradients, got (…,)"
    ),
    "an array for the parameters": row(
        lambda: call(SGD(0.1).step, X), ConfigurationError, "SGD … parameters … ParameterVector … (4, 3)"
    ),
    # ---------------------------------------------------------------- schedules, penalties
    "a decay to less than nothing": row(
        lambda: call(StepDecay, -0.5), ConfigurationError, "StepDecay: expected gamma … > 0 … -0.5"
    ),
    "a decay every 0 epochs": row(
        lambda: call(StepDecay, 0.9, every=0), ConfigurationError, "StepDecay … every … >= 1 … 0"
    ),
    "a length in epochs and in steps": row(
        lambda: call(CosineDecay, epochs=3, steps=3),
        ConfigurationError,
        "CosineDecay … one of epochs and steps … epochs=3",
    ),
    "a length in neither": row(
        lambda: call(LinearWarmup), ConfigurationError, "LinearWarmup … one of epochs and steps"
    ),
    "a rise longer than all": row(
        lambda: call(OneCycle, steps=10, pct_start=1.5), ConfigurationError, "OneCycle … pct_start … 1.5"
    ),
    "milestones out of order": row(
        lambda: call(PiecewiseConstant, [1.0, 0.5, 0.1], epochs=[5, 3]),
        ConfigurationError,
        "PiecewiseConstant … [5, 3]",
    ),
    "schedules without the time of their change": row(
        lambda: call(Join, [Constant(), Constant()], epochs=[]),
        ConfigurationError,
        "Join: … 1 schedulers around 0 boundaries, got 2",
    ),
    "a schedule that gives NaN": row(
        lambda: scheduled(NAN), ConfigurationError, "step 1: … the factor of … Giving … finite … nan"
    ),
    "a schedule that gives less than 0": row(
        lambda: scheduled(-1.0), ConfigurationError, "step 1: … factor … >= 0 … -1"
    ),
    "a schedule that gives words": row(
        lambda: scheduled("1"), ConfigurationError, "step 1: … factor … number … '1'"
    ),
    "a schedule that gives nothing": row(
        lambda: scheduled(None), ConfigurationError, "step 1: … factor … number … None"
    ),
    "a negative penalty": row(
        lambda: call(L2, -0.1), ConfigurationError, "L2: expected strength … >= 0 … -0.1"
    ),
    # ---------------------------------------------------------------- the Trainer
    "a net without a loss": row(
        lambda: call(Trainer, Sequential(affine(), ReLU()), SGD(0.1)),
        StructureError,
        "Trainer … loss … Sequential(Affine(3, 2), ReLU())",
    ),
    "a layer for a net": row(
        lambda: call(Trainer, affine(), SGD(0.1)), StructureError, "Trainer … loss … Affine"
    ),
    "an optimizer by its name": row(
        lambda: call(Trainer, net(), "sgd"), ConfigurationError, "Trainer … optimizer … 'sgd'"
    ),
    "the class of an optimizer": row(
        lambda: call(Trainer, net(), SGD), ConfigurationError, "Trainer … optimizer … SGD(...), not the class"
    ),
    "a function for a schedule": row(
        lambda: call(Trainer, net(), SGD(0.1), scheduler=lambda step: 1),
        ConfigurationError,
        "Trainer … scheduler … Scheduler",
    ),
    "a number for a penalty": row(
        lambda: call(Trainer, net(), SGD(0.1), regularizer=0.1),
        ConfigurationError,
        "Trainer … regularizer … 0.1",
    ),
    "two metrics of one name": row(
        lambda: call(Trainer, net(), SGD(0.1), metrics=[Accuracy(), Accuracy()]),
        ConfigurationError,
        "metrics: … Accuracy … name of its own … 'accuracy'",
    ),
    "a metric called as the loss": row(
        lambda: call(evaluate, net(), dataset(), metrics=[Loss()]),
        ConfigurationError,
        "Loss … a name of its own … 'loss'",
    ),
    "a metric whose name is no identifier": row(
        lambda: call(Trainer, net(), SGD(0.1), metrics=[Unnamed()]),
        ConfigurationError,
        "Unnamed … identifier … 'not a name'",
    ),
    "a metric by its name": row(
        lambda: call(Trainer, net(), SGD(0.1), metrics=["accuracy"]),
        ConfigurationError,
        "metrics … Metric … ['accuracy']",
    ),
    "a callback that is not in a list": row(
        lambda: call(Trainer, net(), SGD(0.1), callbacks=Callback()),
        ConfigurationError,
        "callbacks … list … [Callback(...)]",
    ),
    "the class of a callback": row(
        lambda: call(Trainer, net(), SGD(0.1), callbacks=[ClipNorm]),
        ConfigurationError,
        "callbacks … ClipNorm(...)",
    ),
    "a hook that is misspelled": row(
        lambda: call(Trainer, net(), SGD(0.1), callbacks=[Misspelled()]),
        ConfigurationError,
        "Misspelled … on_epoch_end … on_epoch_ends; did you mean on_epoch_end?",
    ),
    "a generator of the old kind": row(
        lambda: call(Trainer, net(), SGD(0.1), rng=np.random.RandomState(0)),
        ConfigurationError,
        "rng … Generator … RandomState … default_rng",
    ),
    # ---------------------------------------------------------------- fit
    "epochs and steps": row(
        lambda: fit(epochs=1, steps=1),
        ConfigurationError,
        "fit … one of epochs and steps … epochs=1, steps=1",
    ),
    "neither epochs nor steps": row(
        lambda: fit(), ConfigurationError, "fit … one of epochs and steps … None"
    ),
    "no epochs": row(
        lambda: call(trainer().fit, dataset(), epochs=0), ConfigurationError, "fit … epochs … >= 1 … 0"
    ),
    "half an epoch": row(lambda: fit(epochs=0.5), ConfigurationError, "fit … epochs … whole … 0.5"),
    "negative steps": row(lambda: fit(steps=-5), ConfigurationError, "fit … steps … >= 0 … -5"),
    "batches of nothing": row(
        lambda: fit(epochs=1, batch_size=0), ConfigurationError, "batch_size … >= 1 … 0"
    ),
    "batches of half a sample": row(
        lambda: fit(epochs=1, batch_size=2.5), ConfigurationError, "batch_size … whole … 2.5"
    ),
    "batches in words": row(
        lambda: fit(epochs=1, batch_size="2"), ConfigurationError, "batch_size … whole … '2'"
    ),
    "batches of True": row(
        lambda: fit(epochs=1, batch_size=True), ConfigurationError, "batch_size … whole … True"
    ),
    "a sampling that there is not": row(
        lambda: fit(epochs=1, sampling="sorted"),
        ConfigurationError,
        "sampling … 'shuffle', 'replacement' … 'sorted'",
    ),
    "arrays for a data set": row(
        lambda: fit(X, LABELS, epochs=1), DataError, "fit … train … Dataset(features, targets)"
    ),
    "all parts for the training part": row(
        lambda: fit(Splits("four", dataset(), dataset()), epochs=1),
        DataError,
        "fit … train … Splits … data.train",
    ),
    "a validation set by its place": row(
        lambda: fit(dataset(), dataset(), epochs=1), DataError, "fit … train … one Dataset … validation=..."
    ),
    "samples of another width": row(
        lambda: fit(Dataset(X[:, :2], LABELS), epochs=1), ShapeError, "fit, train: … (batch, 3) … (1, 2)"
    ),
    "labels that the net has no score for": row(
        lambda: fit(Dataset(X, [0, 1, 2, 1]), epochs=1), DataError, "fit, train: … 0 to 1 … 2 at sample 2"
    ),
    "numbers for a net of classes": row(
        lambda: fit(Dataset(X, X[:, 0]), epochs=1),
        DTypeError,
        "fit, train: … labels of an integer dtype … float32",
    ),
    "labels for a net of numbers": row(
        lambda: call(Trainer(Sequential(affine(), MeanSquaredError()), SGD(0.1)).fit, dataset(), epochs=1),
        ShapeError,
        "fit, train: … MeanSquaredError … (4, 2) … (4,)",
    ),
    "a validation set of another width": row(
        lambda: fit(epochs=1, validation=Dataset(X[:, :2], LABELS)),
        ShapeError,
        "fit, validation: … (batch, 3) … (1, 2)",
    ),
    "a validation set of other classes": row(
        lambda: fit(epochs=1, validation=Dataset(X, [0, 1, 5, 1])),
        DataError,
        "fit, validation: … 0 to 1 … 5 at sample 2",
    ),
    "a validation set of images": row(
        lambda: fit(epochs=1, validation=Dataset(IMAGES, LABELS[:3])),
        ShapeError,
        "fit, validation: … (batch, 3) … (1, 2, 4, 4)",
    ),
    "a function for a transform": row(
        lambda: fit(epochs=1, transform=np.tanh), ConfigurationError, "fit … transform … Transform … tanh"
    ),
    "a transform that changes the shape": row(
        lambda: begun(trainer(), epochs=1, transform=Narrowing()), ShapeError, "Narrowing … (2, 3) … (2, 2)"
    ),
    "a transform of images for rows": row(
        lambda: begun(trainer(), epochs=1, transform=RandomCrop(1)), ShapeError, "RandomCrop … (2, 3)"
    ),
    "weights that overflow": row(overflowing, DivergedError, "step 1 at learning rate 0.1 … a finite loss"),
    "weights whose penalty overflows": row(
        lambda: overflowing(regularizer=L2(0.1)), DivergedError, "step 1 at learning rate 0.1 … a finite loss"
    ),
    "random changes for a method that takes all samples": row(
        lambda: fit(made=lambda: Trainer(net(), LBFGS()), steps=1, transform=GaussianNoise(0.1)),
        ConfigurationError,
        "LBFGS … transform",
    ),
    "batches drawn for a method that takes all samples": row(
        lambda: fit(made=lambda: Trainer(net(), LBFGS()), steps=1, sampling="replacement"),
        ConfigurationError,
        "LBFGS … sampling",
    ),
    # ---------------------------------------------------------------- beside the Trainer
    "to measure on arrays": row(
        lambda: call(evaluate, net(), X), DataError, "evaluate … dataset … Dataset … (4, 3)"
    ),
    "to look for a rate below the lowest": row(
        lambda: call(find_lr, trainer(), dataset(), lowest=1.0, highest=0.1),
        ConfigurationError,
        "find_lr … 0.1",
    ),
    "to look for a rate in no steps": row(
        lambda: call(find_lr, trainer(), dataset(), steps=0), ConfigurationError, "find_lr … steps … 0"
    ),
    "to wait for a column that there is not": row(
        lambda: begun(trainer(callbacks=[EarlyStopping(2, "validation_f1")]), epochs=1),
        ConfigurationError,
        "EarlyStopping … validation_accuracy … 'validation_f1'",
    ),
    "a patience of nothing": row(
        lambda: call(EarlyStopping, 0), ConfigurationError, "EarlyStopping … patience … >= 1 … 0"
    ),
    "a direction that there is not": row(
        lambda: call(EarlyStopping, 2, mode="up"), ConfigurationError, "EarlyStopping … mode … 'min' … 'up'"
    ),
    "a plateau that raises the rate": row(
        lambda: call(ReduceOnPlateau, 2.0), ConfigurationError, "ReduceOnPlateau … factor … < 1 … 2.0"
    ),
    "a mean of nothing but the past": row(
        lambda: call(Average, 1.0), ConfigurationError, "Average … decay … < 1 … 1.0"
    ),
    "gradients of no length": row(
        lambda: call(ClipNorm, 0), ConfigurationError, "ClipNorm … max_norm … > 0 … 0"
    ),
    "a log of nowhere": row(lambda: call(CSVLog, ""), ConfigurationError, "CSVLog … a path … ''"),
    "a flip more often than always": row(
        lambda: call(RandomErase, p=1.5), ConfigurationError, "RandomErase … p … <= 1 … 1.5"
    ),
    "a mixture of nothing": row(lambda: call(MixUp, 0), ConfigurationError, "MixUp … alpha … >= 0.001 … 0"),
    "a loss in words, recorded": row(
        lambda: call(fitted().record_step, loss="0.5", lr=0.1),
        ConfigurationError,
        "History … loss … number … '0.5'",
    ),
}
