"""Losses: the last part of a net."""

from minidl.losses.classification import SoftmaxCrossEntropy
from minidl.losses.loss import Loss

__all__ = ["Loss", "SoftmaxCrossEntropy"]
