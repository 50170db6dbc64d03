"""Losses: the last part of a net."""

from minidl.losses.binary import BinaryCrossEntropy
from minidl.losses.classification import SoftmaxCrossEntropy
from minidl.losses.loss import Loss
from minidl.losses.margin import MulticlassHinge
from minidl.losses.regression import L1, Huber, MeanSquaredError

__all__ = [
    "L1",
    "BinaryCrossEntropy",
    "Huber",
    "Loss",
    "MeanSquaredError",
    "MulticlassHinge",
    "SoftmaxCrossEntropy",
]
