"""Optimizers: how the parameters follow the gradients."""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.optimizers.adaptive import Adagrad as Adagrad
    from minidl.optimizers.adaptive import Adam as Adam
    from minidl.optimizers.adaptive import AdamW as AdamW
    from minidl.optimizers.adaptive import RMSprop as RMSprop
    from minidl.optimizers.lbfgs import LBFGS as LBFGS
    from minidl.optimizers.optimizer import Optimizer as Optimizer
    from minidl.optimizers.sgd import SGD as SGD
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "adaptive": "Adagrad Adam AdamW RMSprop",
            "lbfgs": "LBFGS",
            "optimizer": "Optimizer",
            "sgd": "SGD",
        },
    )
