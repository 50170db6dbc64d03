"""Layers: array in, array out."""

from minidl.layers.activations import ReLU
from minidl.layers.affine import Affine
from minidl.layers.branches import Add, Concat
from minidl.layers.columns import Columns
from minidl.layers.containers import Sequential
from minidl.layers.layer import Layer
from minidl.layers.normalization import Standardize
from minidl.layers.residual import Residual
from minidl.layers.shape import Flatten

__all__ = [
    "Add",
    "Affine",
    "Columns",
    "Concat",
    "Flatten",
    "Layer",
    "ReLU",
    "Residual",
    "Sequential",
    "Standardize",
]
