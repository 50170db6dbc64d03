"""minidl: a small, fast deep-learning framework on NumPy for nets that fit a CPU."""

from minidl import data, initializers
from minidl.callbacks import Callback, ProgressBar
from minidl.classic import TwoLayerNet
from minidl.cores import usable_cores
from minidl.data import Dataset
from minidl.errors import MinidlError
from minidl.layers import Affine, Flatten, Layer, ReLU, Sequential, Standardize
from minidl.losses import Loss, SoftmaxCrossEntropy
from minidl.optimizers import SGD, Optimizer
from minidl.parameters import Parameter
from minidl.recipes import dense_net, two_layer_net
from minidl.regularizers import L2, Regularizer
from minidl.schedulers import Constant, Scheduler, StepDecay
from minidl.storage import load, save
from minidl.training import History, Trainer, evaluate

__version__ = "0.1.0"

__all__ = [
    "L2",
    "SGD",
    "Affine",
    "Callback",
    "Constant",
    "Dataset",
    "Flatten",
    "History",
    "Layer",
    "Loss",
    "MinidlError",
    "Optimizer",
    "Parameter",
    "ProgressBar",
    "ReLU",
    "Regularizer",
    "Scheduler",
    "Sequential",
    "SoftmaxCrossEntropy",
    "Standardize",
    "StepDecay",
    "Trainer",
    "TwoLayerNet",
    "data",
    "dense_net",
    "evaluate",
    "initializers",
    "load",
    "save",
    "two_layer_net",
    "usable_cores",
]
