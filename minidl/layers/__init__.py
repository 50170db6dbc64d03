"""Layers: array in, array out."""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.layers.activations import ELU as ELU
    from minidl.layers.activations import LeakyReLU as LeakyReLU
    from minidl.layers.activations import ReLU as ReLU
    from minidl.layers.activations import Sigmoid as Sigmoid
    from minidl.layers.activations import Softplus as Softplus
    from minidl.layers.activations import Tanh as Tanh
    from minidl.layers.affine import Affine as Affine
    from minidl.layers.batch_norm import BatchNorm1d as BatchNorm1d
    from minidl.layers.batch_norm import BatchNorm2d as BatchNorm2d
    from minidl.layers.branches import Add as Add
    from minidl.layers.branches import Concat as Concat
    from minidl.layers.columns import Columns as Columns
    from minidl.layers.containers import Sequential as Sequential
    from minidl.layers.convolution import Conv1d as Conv1d
    from minidl.layers.convolution import Conv2d as Conv2d
    from minidl.layers.dropout import Dropout as Dropout
    from minidl.layers.embedding import Embedding as Embedding
    from minidl.layers.gates import GELU as GELU
    from minidl.layers.gates import SiLU as SiLU
    from minidl.layers.layer import Layer as Layer
    from minidl.layers.layer_norm import GroupNorm as GroupNorm
    from minidl.layers.layer_norm import LayerNorm as LayerNorm
    from minidl.layers.normalization import Standardize as Standardize
    from minidl.layers.pooling import AvgPool2d as AvgPool2d
    from minidl.layers.pooling import GlobalAvgPool2d as GlobalAvgPool2d
    from minidl.layers.pooling import MaxPool2d as MaxPool2d
    from minidl.layers.residual import Residual as Residual
    from minidl.layers.shape import Flatten as Flatten
    from minidl.layers.shape import Reshape as Reshape
    from minidl.layers.softmax import LogSoftmax as LogSoftmax
    from minidl.layers.softmax import Softmax as Softmax
    from minidl.layers.transposed import ConvTranspose2d as ConvTranspose2d
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "activations": "ELU LeakyReLU ReLU Sigmoid Softplus Tanh",
            "affine": "Affine",
            "batch_norm": "BatchNorm1d BatchNorm2d",
            "branches": "Add Concat",
            "columns": "Columns",
            "containers": "Sequential",
            "convolution": "Conv1d Conv2d",
            "dropout": "Dropout",
            "embedding": "Embedding",
            "gates": "GELU SiLU",
            "layer": "Layer",
            "layer_norm": "GroupNorm LayerNorm",
            "normalization": "Standardize",
            "pooling": "AvgPool2d GlobalAvgPool2d MaxPool2d",
            "residual": "Residual",
            "shape": "Flatten Reshape",
            "softmax": "LogSoftmax Softmax",
            "transposed": "ConvTranspose2d",
        },
    )
