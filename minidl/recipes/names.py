"""What settings call by name, and the classes they mean."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from minidl.checks import check_choice

MODELS = ("mlp", "conv", "resnet", "table")
"""What `Settings` may name as a model."""

ACTIVATIONS = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "gelu": "GELU",
    "silu": "SiLU",
    "softplus": "Softplus",
}
NORMS = {"batch": "BatchNorm1d", "layer": "LayerNorm"}
LABEL_LOSSES = {"softmax": "SoftmaxCrossEntropy", "hinge": "MulticlassHinge"}
NUMBER_LOSSES = {"mse": "MeanSquaredError", "huber": "Huber", "l1": "L1"}
OPTIMIZERS = {
    "sgd": "SGD",
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "lbfgs": "LBFGS",
}
SCHEDULES = {
    "step": "StepDecay",
    "cosine": "CosineDecay",
    "onecycle": "OneCycle",
    "polynomial": "PolynomialDecay",
    "constant": "Constant",
}
AVERAGES = ("none", "ema", "swa")
CLASS_WEIGHTS = ("none", "balanced")


def named(where: str, option: str, name: object, room: ModuleType, names: dict[str, str]) -> Any:
    """The class of `room` that `name` means; `ConfigurationError` with all names for another."""
    return getattr(room, names[check_choice(where, option, name, names)])
