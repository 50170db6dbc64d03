"""PyTorch as the judge of training: optimizers, schedules and the Trainer over a hundred steps."""

import inspect
from functools import partial

import numpy as np
import pytest

import minidl
from minidl import (
    L2,
    SGD,
    Affine,
    Dataset,
    MeanSquaredError,
    SoftmaxCrossEntropy,
    Trainer,
)
from minidl.optimizers import LBFGS, Adagrad, Adam, AdamW, RMSprop
from tests.external.nets import Recipe
from tests.external.torch_schedules import SCHEDULER_TWINS
from tests.external.torch_twins import (
    LAYER_TWINS,
    cross_entropy,
    judge,
    parameters_agree,
    tensor,
    torch,
    twin_of,
)

OPTIMIZER_TWINS = {
    "plain": (partial(SGD, 0.1), partial(torch.optim.SGD, lr=0.1)),
    "momentum": (partial(SGD, 0.1, momentum=0.9), partial(torch.optim.SGD, lr=0.1, momentum=0.9)),
    "nesterov": (
        partial(SGD, 0.1, momentum=0.9, nesterov=True),
        partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    ),
    "rmsprop": (partial(RMSprop, 0.01), partial(torch.optim.RMSprop, lr=0.01)),
    "rmsprop with momentum": (
        partial(RMSprop, 0.01, 0.9, 1e-4, 0.5),
        partial(torch.optim.RMSprop, lr=0.01, alpha=0.9, eps=1e-4, momentum=0.5),
    ),
    "adagrad": (partial(Adagrad, 0.05), partial(torch.optim.Adagrad, lr=0.05)),
    "adagrad with decay": (
        partial(Adagrad, 0.05, 0.1, 0.2, 1e-6),
        partial(torch.optim.Adagrad, lr=0.05, lr_decay=0.1, initial_accumulator_value=0.2, eps=1e-6),
    ),
    "adam": (partial(Adam, 0.01), partial(torch.optim.Adam, lr=0.01)),
    "adam with betas": (
        partial(Adam, 0.02, (0.5, 0.9), 1e-4),
        partial(torch.optim.Adam, lr=0.02, betas=(0.5, 0.9), eps=1e-4),
    ),
}


RECIPE = Recipe(
    batch=32, sample_shape=(2, 3), hidden=(8, 7), classes=4, standardize=False, nesting=1, gain=1.0, seed=0
)


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    [
        *((optimizer, schedule) for optimizer in OPTIMIZER_TWINS for schedule in ("constant", "stairs")),
        *(("momentum", schedule) for schedule in SCHEDULER_TWINS if schedule not in ("constant", "stairs")),
    ],
)
def test_a_hundred_steps(optimizer, schedule):
    net, x, labels = RECIPE.build()
    twin = twin_of(net)
    make_ours, make_theirs = OPTIMIZER_TWINS[optimizer]
    ours, theirs = make_ours(), make_theirs(twin.parameters())
    scheduler, make = SCHEDULER_TWINS[schedule]
    their_scheduler = make(theirs)
    for epoch in range(25):
        for step, rows in enumerate(np.split(np.arange(len(x)), [5, 15, 30])):
            factor = scheduler.factor(epoch, step)
            judge.agrees(ours.lr * factor, theirs.param_groups[0]["lr"], f"the rate in epoch {epoch}")
            loss = net.loss_and_gradients(x[rows], labels[rows])
            ours.step(net.parameters, factor)
            theirs.zero_grad()
            expected = cross_entropy(twin(tensor(x[rows])), torch.from_numpy(labels[rows]))
            expected.backward()
            theirs.step()
            judge.agrees(loss, expected.item(), f"loss {step} in epoch {epoch}")
        their_scheduler.step()
    parameters_agree(net, twin, "value")
    judge.judged("runs of 100 steps")


@pytest.mark.parametrize("optimizer", OPTIMIZER_TWINS)
def test_the_trainer(optimizer):
    """All of it at once, a step an epoch, so that the order of the samples does not matter."""
    net, x, labels = RECIPE.build()
    twin = twin_of(net)
    weights = [w for name, w in twin.named_parameters() if name.endswith("weight")]
    biases = [b for name, b in twin.named_parameters() if name.endswith("bias")]
    make_ours, make_theirs = OPTIMIZER_TWINS[optimizer]
    # The penalty 0.01 W² is what PyTorch calls a decay of 0.02.
    theirs = make_theirs([{"params": weights, "weight_decay": 0.02}, {"params": biases}])
    scheduler, make = SCHEDULER_TWINS["stairs"]
    their_scheduler = make(theirs)
    rates, losses = [], []
    for _ in range(100):
        theirs.zero_grad()
        loss = cross_entropy(twin(tensor(x)), torch.from_numpy(labels))
        loss.backward()
        losses.append(loss.item() + 0.01 * sum(w.square().sum().item() for w in weights))
        rates.append(theirs.param_groups[0]["lr"])
        theirs.step()
        their_scheduler.step()
    trainer = Trainer(net, make_ours(), scheduler=scheduler, regularizer=L2(0.01), rng=0)
    history = trainer.fit(Dataset(x, labels), epochs=100, batch_size=len(x))
    judge.agrees(history.steps["loss"], losses, "losses")
    judge.agrees(history.steps["lr"], rates, "rates")
    parameters_agree(net, twin, "value")
    judge.judged("runs of 100 steps")


@pytest.mark.parametrize("frozen", [(0,), (1,), (2,), (0, 1), (0, 2)])
@pytest.mark.parametrize("optimizer", OPTIMIZER_TWINS)
def test_freezing_is_what_a_gradient_that_is_not_required_is(optimizer, frozen):
    """Frozen for 20 of every 40 steps; PyTorch's optimizers pass over what has no gradient."""
    net, x, labels = RECIPE.build()
    twin = twin_of(net)
    ours = [layer for _, layer in net.named_modules() if isinstance(layer, Affine)]
    linear = [layer for layer in twin.modules() if isinstance(layer, torch.nn.Linear)]
    weights, biases = [layer.weight for layer in linear], [layer.bias for layer in linear]
    assert len(linear) == len(ours) == 3
    make_ours, make_theirs = OPTIMIZER_TWINS[optimizer]
    theirs = make_theirs([{"params": weights, "weight_decay": 0.02}, {"params": biases}])
    trainer = Trainer(net, make_ours(), regularizer=L2(0.01), rng=0)
    for is_frozen in (True, False, True, False):
        for index in frozen:
            ours[index].freeze(is_frozen)
            linear[index].requires_grad_(not is_frozen)
        for _ in range(20):
            theirs.zero_grad(set_to_none=True)
            cross_entropy(twin(tensor(x)), torch.from_numpy(labels)).backward()
            theirs.step()
        trainer.fit(Dataset(x, labels), epochs=20, batch_size=len(x))
        parameters_agree(net, twin, "value")
    judge.judged("runs with frozen layers")


@pytest.mark.parametrize("frozen", [(), (0,), (2,)])
@pytest.mark.parametrize("options", [{}, {"betas": (0.5, 0.9), "eps": 1e-4, "weight_decay": 0.5}], ids=str)
def test_decoupled_decay(options, frozen):
    """A hundred steps, on weights alone; the penalty goes through the gradients besides."""
    net, x, labels = RECIPE.build()
    twin = twin_of(net)
    ours = [layer for _, layer in net.named_modules() if isinstance(layer, Affine)]
    linear = [layer for layer in twin.modules() if isinstance(layer, torch.nn.Linear)]
    for index in frozen:
        ours[index].freeze()
        linear[index].requires_grad_(False)
    groups = [
        {"params": [layer.weight for layer in linear], "weight_decay": options.get("weight_decay", 0.01)},
        {"params": [layer.bias for layer in linear], "weight_decay": 0.0},
    ]
    theirs = torch.optim.AdamW(groups, lr=0.01, **options)
    for _ in range(100):
        theirs.zero_grad(set_to_none=True)
        loss = cross_entropy(twin(tensor(x)), torch.from_numpy(labels))
        penalty = sum(layer.weight.square().sum() for i, layer in enumerate(linear) if i not in frozen)
        (loss + 0.01 * penalty).backward()
        theirs.step()
    trainer = Trainer(net, AdamW(0.01, **options), regularizer=L2(0.01), rng=0)
    trainer.fit(Dataset(x, labels), epochs=100, batch_size=len(x))
    parameters_agree(net, twin, "value")
    judge.judged("runs of 100 steps")


def test_weights_of_samples():
    """Fifty steps on a weighted mean of the samples' losses."""
    net, x, labels = RECIPE.build()
    twin, weights = twin_of(net), np.random.default_rng(5).random(len(x))
    theirs = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(50):
        theirs.zero_grad()
        each = cross_entropy(twin(tensor(x)), torch.from_numpy(labels), reduction="none")
        loss = (torch.from_numpy(weights) * each).sum() / weights.sum()
        loss.backward()
        losses.append(loss.item())
        theirs.step()
    trainer = Trainer(net, SGD(0.1, momentum=0.9), rng=0)
    history = trainer.fit(Dataset(x, labels, weights=weights), epochs=50, batch_size=len(x))
    judge.agrees(history.steps["loss"], losses, "losses")
    judge.agrees(history.epochs["train_loss"], losses, "the epochs' losses")
    parameters_agree(net, twin, "value")
    judge.judged("weighted runs")


def test_every_layer_optimizer_and_scheduler_has_a_twin():
    judged = {*LAYER_TWINS, SoftmaxCrossEntropy, MeanSquaredError}
    # SciPy itself and scikit-learn judge LBFGS.
    judged |= {AdamW, LBFGS, *(ours.func for ours, _ in OPTIMIZER_TWINS.values())}
    judged |= {type(ours) for ours, _ in SCHEDULER_TWINS.values()}
    kinds = (minidl.Layer, minidl.Loss, minidl.Optimizer, minidl.Scheduler)
    public = (getattr(minidl, name) for name in minidl.__all__)
    parts = {part for part in public if isinstance(part, type) and issubclass(part, kinds)}
    assert {part for part in parts if not inspect.isabstract(part)} <= judged
