"""What is set for a model and a data set where nothing else is said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Settings:
    """How a model is built and trained; the defaults are those of `mlp` on a data set without a name.

    Parameters
    ----------
    model : "mlp", "conv", "resnet" or "table"
    hidden : tuple of int
        Units of each hidden layer of "mlp", "table" and "conv".
    channels : tuple of int
        Of each stage of "conv" and "resnet".
    blocks : int
        Residual blocks of each stage of "resnet".
    activation, norm, dropout
        As `mlp` takes them; norm "none" is none.
    first_scale : float
        Shrinks the start of the first layer of "mlp", as `mlp` explains.
    loss : str
        For labels "softmax" or "hinge"; for numbers "mse", "huber" or "l1".
    label_smoothing : float
        Of "softmax".
    class_weights : "none" or "balanced"
        Of "softmax": balanced, all classes count alike, however many samples they have
        (`Dataset.balanced_weights`).
    optimizer : str
        "sgd", "adam", "adamw", "rmsprop", "adagrad" or "lbfgs".
    lr, momentum, weight_decay : float
        The optimizer's; `momentum` of "sgd" and "rmsprop", `weight_decay` of "adamw".
    prior : float
        The L2 penalty's strength is ``prior / training samples``: like a prior's, its weight against the
        data falls as they grow, so that one number suits a data set and a sample of it. As settings, and
        on the command line, the strength itself is ``reg``.
    schedule : str
        "step" (times `lr_decay` after every epoch), "cosine", "onecycle", "polynomial" (a straight line
        down to 0) or "constant".
    lr_decay : float
        Of "step".
    warmup : int
        Steps in which the rate rises to where the schedule has it; 0 is none.
    epochs, batch_size : int
    augment : str
        What changes each batch of training samples: "none", or "flip", "crop:4", "erase", "noise:0.1",
        "mixup:0.2", several joined by commas.
    early_stopping : int
        Epochs without a better validation loss after which training stops, and the best net is taken;
        0 is no stopping.
    average : "none", "ema" or "swa"
        The mean of the parameters over the steps, taken in the end.
    clip_norm : float
        The largest norm of the gradients; 0 is any.
    """

    model: str = "mlp"
    hidden: tuple[int, ...] = (100,)
    channels: tuple[int, ...] = (16, 32, 64)
    blocks: int = 1
    activation: str = "relu"
    norm: str = "none"
    dropout: float = 0.0
    first_scale: float = 1.0
    loss: str = "softmax"
    label_smoothing: float = 0.0
    class_weights: str = "none"
    optimizer: str = "sgd"
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.01
    prior: float = 5.0
    schedule: str = "step"
    lr_decay: float = 0.95
    warmup: int = 0
    epochs: int = 40
    batch_size: int = 50
    augment: str = "none"
    early_stopping: int = 0
    average: str = "none"
    clip_norm: float = 0.0


_IMAGES: dict[str, Any] = {
    "lr": 0.1,
    "schedule": "onecycle",
    "epochs": 20,
    "batch_size": 64,
    "prior": 1.0,
}
GENERAL = {
    "mlp": Settings(),
    "conv": Settings("conv", hidden=(128,), channels=(16, 32), **_IMAGES),
    "resnet": Settings("resnet", **_IMAGES),
    "table": Settings("table"),
}
"""What suits a model on a data set that has no settings of its own."""

NUMBERS: dict[str, Any] = {
    "loss": "mse",
    "optimizer": "adam",
    "lr": 3e-3,
    "schedule": "cosine",
    "epochs": 60,
}
"""What differs where numbers are to be predicted."""

TEXTS: dict[str, Any] = {
    "optimizer": "adam",
    "lr": 3e-3,
    "schedule": "cosine",
    "epochs": 10,
    "prior": 0.1,
}
"""What differs where features are sparse, such as the words of texts."""

_MLP = Settings(
    hidden=(800, 400),
    norm="batch",
    dropout=0.4,
    lr=0.1,
    prior=8.25,
    schedule="cosine",
    epochs=20,
    batch_size=100,
)
_CONV = replace(GENERAL["conv"], channels=(24, 48), dropout=0.2, epochs=5, batch_size=100, prior=13.75)
_RESNET = replace(
    GENERAL["resnet"], channels=(32, 64, 128), dropout=0.1, epochs=15, batch_size=128, prior=13.75
)
_PHOTOS: dict[str, Any] = {"batch_size": 128, "prior": 1.2, "augment": "flip,crop:4"}
SETTINGS = {
    ("digits", "mlp"): Settings(hidden=(100,), epochs=60, batch_size=32),
    ("mnist", "mlp"): _MLP,
    ("mnist", "conv"): _CONV,
    ("mnist", "resnet"): _RESNET,
    ("fashion-mnist", "mlp"): _MLP,
    ("fashion-mnist", "conv"): replace(_CONV, augment="flip"),
    ("fashion-mnist", "resnet"): replace(_RESNET, augment="flip"),
    ("cifar10", "mlp"): Settings(
        hidden=(300,), epochs=20, lr=0.005, lr_decay=0.9, prior=100.0, first_scale=0.1
    ),
    ("cifar10", "conv"): replace(GENERAL["conv"], channels=(32, 64), dropout=0.2, **_PHOTOS),
    ("cifar10", "resnet"): replace(GENERAL["resnet"], **_PHOTOS),
}
"""What suits a model on the data sets that come by name."""
