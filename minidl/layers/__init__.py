"""Layers: array in, array out."""

from minidl.layers.activations import ELU, LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from minidl.layers.affine import Affine
from minidl.layers.batch_norm import BatchNorm1d, BatchNorm2d
from minidl.layers.branches import Add, Concat
from minidl.layers.columns import Columns
from minidl.layers.containers import Sequential
from minidl.layers.dropout import Dropout
from minidl.layers.embedding import Embedding
from minidl.layers.gates import GELU, SiLU
from minidl.layers.layer import Layer
from minidl.layers.layer_norm import GroupNorm, LayerNorm
from minidl.layers.normalization import Standardize
from minidl.layers.residual import Residual
from minidl.layers.shape import Flatten
from minidl.layers.softmax import LogSoftmax, Softmax

__all__ = [
    "ELU",
    "GELU",
    "Add",
    "Affine",
    "BatchNorm1d",
    "BatchNorm2d",
    "Columns",
    "Concat",
    "Dropout",
    "Embedding",
    "Flatten",
    "GroupNorm",
    "Layer",
    "LayerNorm",
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
