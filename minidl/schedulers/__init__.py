"""Schedulers: the learning rate's factor as a closed form of epoch and step.

They know no optimizer and hold no state, so that no order of calls can be wrong and a resumed run
needs nothing restored.
"""

from minidl.schedulers.decay import CosineDecay, ExponentialDecay, PolynomialDecay, StepDecay
from minidl.schedulers.phases import Join, LinearWarmup, OneCycle, PiecewiseConstant
from minidl.schedulers.scheduler import Constant, Product, Scheduler

__all__ = [
    "Constant",
    "CosineDecay",
    "ExponentialDecay",
    "Join",
    "LinearWarmup",
    "OneCycle",
    "PiecewiseConstant",
    "PolynomialDecay",
    "Product",
    "Scheduler",
    "StepDecay",
]
