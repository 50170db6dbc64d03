"""minidl: a small, fast deep-learning framework on NumPy for nets that fit a CPU."""

from minidl import (
    callbacks,
    data,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedulers,
)
from minidl.callbacks import Callback, ClipNorm, ProgressBar
from minidl.classic import TwoLayerNet
from minidl.cores import usable_cores
from minidl.data import Dataset
from minidl.errors import MinidlError
from minidl.layers import Affine, Flatten, Layer, ReLU, Sequential, Standardize
from minidl.losses import Loss, MeanSquaredError, SoftmaxCrossEntropy
from minidl.metrics import R2, Accuracy, MeanAbsoluteError, Metric
from minidl.net import Net
from minidl.optimizers import SGD, Optimizer
from minidl.parameters import Parameter, State
from minidl.recipes import dense_net, two_layer_net
from minidl.regularizers import L2, Regularizer
from minidl.schedulers import Constant, Scheduler, StepDecay
from minidl.storage import load, save
from minidl.training import History, Trainer, evaluate

__version__ = "0.1.0"

__all__ = [
    "L2",
    "R2",
    "SGD",
    "Accuracy",
    "Affine",
    "Callback",
    "ClipNorm",
    "Constant",
    "Dataset",
    "Flatten",
    "History",
    "Layer",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "MinidlError",
    "Net",
    "Optimizer",
    "Parameter",
    "ProgressBar",
    "ReLU",
    "Regularizer",
    "Scheduler",
    "Sequential",
    "SoftmaxCrossEntropy",
    "Standardize",
    "State",
    "StepDecay",
    "Trainer",
    "TwoLayerNet",
    "callbacks",
    "data",
    "dense_net",
    "evaluate",
    "initializers",
    "layers",
    "load",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
    "save",
    "schedulers",
    "two_layer_net",
    "usable_cores",
]
