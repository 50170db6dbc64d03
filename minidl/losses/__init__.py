"""Losses: the last part of a net."""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.losses.binary import BinaryCrossEntropy as BinaryCrossEntropy
    from minidl.losses.classification import SoftmaxCrossEntropy as SoftmaxCrossEntropy
    from minidl.losses.loss import Loss as Loss
    from minidl.losses.margin import MulticlassHinge as MulticlassHinge
    from minidl.losses.regression import L1 as L1
    from minidl.losses.regression import Huber as Huber
    from minidl.losses.regression import MeanSquaredError as MeanSquaredError
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "binary": "BinaryCrossEntropy",
            "classification": "SoftmaxCrossEntropy",
            "loss": "Loss",
            "margin": "MulticlassHinge",
            "regression": "L1 Huber MeanSquaredError",
        },
    )
