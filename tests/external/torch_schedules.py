"""Schedules and what PyTorch has for each."""

from functools import partial

from minidl.schedulers import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    Join,
    LinearWarmup,
    OneCycle,
    PiecewiseConstant,
    PolynomialDecay,
    StepDecay,
)
from tests.external.torch_twins import torch

schedulers = torch.optim.lr_scheduler
SCHEDULER_TWINS = {
    "exponential": (ExponentialDecay(0.93), partial(schedulers.ExponentialLR, gamma=0.93)),
    "cosine": (CosineDecay(epochs=25), partial(schedulers.CosineAnnealingLR, T_max=25)),
    "polynomial": (
        PolynomialDecay(2.0, epochs=20),
        partial(schedulers.PolynomialLR, total_iters=20, power=2.0),
    ),
    "line": (
        PolynomialDecay(epochs=15, final=0.2),
        partial(schedulers.LinearLR, start_factor=1.0, end_factor=0.2, total_iters=15),
    ),
    "warmup": (
        LinearWarmup(epochs=7, start=0.25),
        partial(schedulers.LinearLR, start_factor=0.25, total_iters=7),
    ),
    "one cycle": (
        OneCycle(epochs=26),
        lambda optimizer: schedulers.OneCycleLR(
            optimizer, optimizer.param_groups[0]["lr"], total_steps=26, cycle_momentum=False
        ),
    ),
    "one steep cycle": (
        OneCycle(epochs=26, pct_start=0.5, div_factor=10, final_div_factor=3),
        lambda optimizer: schedulers.OneCycleLR(
            optimizer,
            optimizer.param_groups[0]["lr"],
            total_steps=26,
            pct_start=0.5,
            div_factor=10,
            final_div_factor=3,
            cycle_momentum=False,
        ),
    ),
    "pieces": (
        PiecewiseConstant([1, 0.1, 0.01], epochs=[9, 17]),
        partial(schedulers.MultiStepLR, milestones=[9, 17], gamma=0.1),
    ),
    "joined": (
        Join([LinearWarmup(epochs=5), ExponentialDecay(0.9), Constant(0.3)], epochs=[6, 15]),
        lambda optimizer: schedulers.SequentialLR(
            optimizer,
            [
                schedulers.LinearLR(optimizer, 0.1, total_iters=5),
                schedulers.ExponentialLR(optimizer, 0.9),
                schedulers.LambdaLR(optimizer, lambda epoch: 0.3),
            ],
            [6, 15],
        ),
    ),
    "decay": (StepDecay(0.9), partial(schedulers.StepLR, step_size=1, gamma=0.9)),
    "stairs": (StepDecay(0.5, every=7), partial(schedulers.StepLR, step_size=7, gamma=0.5)),
    "constant": (Constant(0.3), partial(schedulers.LambdaLR, lr_lambda=lambda epoch: 0.3)),
    "product": (
        StepDecay(0.9) * StepDecay(0.5, every=7),
        lambda optimizer: schedulers.ChainedScheduler(
            [schedulers.StepLR(optimizer, 1, 0.9), schedulers.StepLR(optimizer, 7, 0.5)]
        ),
    ),
    "constant product": (
        Constant(0.3) * StepDecay(0.8, every=3),
        partial(schedulers.LambdaLR, lr_lambda=lambda epoch: 0.3 * 0.8 ** (epoch // 3)),
    ),
}
