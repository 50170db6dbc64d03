"""Schedulers: the learning rate's factor as a closed form of epoch and step.

They know no optimizer and hold no state, so that no order of calls can be wrong and a resumed run
needs nothing restored.
"""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.schedulers.decay import CosineDecay as CosineDecay
    from minidl.schedulers.decay import ExponentialDecay as ExponentialDecay
    from minidl.schedulers.decay import PolynomialDecay as PolynomialDecay
    from minidl.schedulers.decay import StepDecay as StepDecay
    from minidl.schedulers.phases import Join as Join
    from minidl.schedulers.phases import LinearWarmup as LinearWarmup
    from minidl.schedulers.phases import OneCycle as OneCycle
    from minidl.schedulers.phases import PiecewiseConstant as PiecewiseConstant
    from minidl.schedulers.scheduler import Constant as Constant
    from minidl.schedulers.scheduler import Product as Product
    from minidl.schedulers.scheduler import Scheduler as Scheduler
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "decay": "CosineDecay ExponentialDecay PolynomialDecay StepDecay",
            "phases": "Join LinearWarmup OneCycle PiecewiseConstant",
            "scheduler": "Constant Product Scheduler",
        },
    )
