"""Layers: array in, array out."""

from minidl.layers.activations import ELU, LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from minidl.layers.affine import Affine
from minidl.layers.batch_norm import BatchNorm1d, BatchNorm2d
from minidl.layers.branches import Add, Concat
from minidl.layers.columns import Columns
from minidl.layers.containers import Sequential
from minidl.layers.convolution import Conv1d, Conv2d
from minidl.layers.dropout import Dropout
from minidl.layers.embedding import Embedding
from minidl.layers.gates import GELU, SiLU
from minidl.layers.layer import Layer
from minidl.layers.layer_norm import GroupNorm, LayerNorm
from minidl.layers.normalization import Standardize
from minidl.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from minidl.layers.residual import Residual
from minidl.layers.shape import Flatten, Reshape
from minidl.layers.softmax import LogSoftmax, Softmax
from minidl.layers.transposed import ConvTranspose2d

__all__ = [
    "ELU",
    "GELU",
    "Add",
    "Affine",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Columns",
    "Concat",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAvgPool2d",
    "GroupNorm",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "LogSoftmax",
    "MaxPool2d",
    "ReLU",
    "Reshape",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Standardize",
    "Tanh",
]
