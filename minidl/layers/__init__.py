"""Layers: array in, array out."""

from minidl.layers.activations import ELU, LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from minidl.layers.affine import Affine
from minidl.layers.branches import Add, Concat
from minidl.layers.columns import Columns
from minidl.layers.containers import Sequential
from minidl.layers.dropout import Dropout
from minidl.layers.gates import GELU, SiLU
from minidl.layers.layer import Layer
from minidl.layers.normalization import Standardize
from minidl.layers.residual import Residual
from minidl.layers.shape import Flatten
from minidl.layers.softmax import LogSoftmax, Softmax

__all__ = [
    "ELU",
    "GELU",
    "Add",
    "Affine",
    "Columns",
    "Concat",
    "Dropout",
    "Flatten",
    "Layer",
    "LeakyReLU",
    "LogSoftmax",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Standardize",
    "Tanh",
]
