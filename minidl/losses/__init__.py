"""Losses: the last part of a net."""

from minidl.losses.classification import SoftmaxCrossEntropy
from minidl.losses.loss import Loss
from minidl.losses.regression import MeanSquaredError

__all__ = ["Loss", "MeanSquaredError", "SoftmaxCrossEntropy"]
