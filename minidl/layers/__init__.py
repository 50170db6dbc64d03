"""Layers: array in, array out."""

from minidl.layers.activations import ReLU
from minidl.layers.affine import Affine
from minidl.layers.batch_norm import BatchNorm1d, BatchNorm2d
from minidl.layers.branches import Add, Concat
from minidl.layers.columns import Columns
from minidl.layers.containers import Sequential
from minidl.layers.embedding import Embedding
from minidl.layers.layer import Layer
from minidl.layers.layer_norm import GroupNorm, LayerNorm
from minidl.layers.normalization import Standardize
from minidl.layers.residual import Residual
from minidl.layers.shape import Flatten

__all__ = [
    "Add",
    "Affine",
    "BatchNorm1d",
    "BatchNorm2d",
    "Columns",
    "Concat",
    "Embedding",
    "Flatten",
    "GroupNorm",
    "Layer",
    "LayerNorm",
    "ReLU",
    "Residual",
    "Sequential",
    "Standardize",
]
