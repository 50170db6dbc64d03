"""Layers: array in, array out."""

from minidl.layers.activations import ReLU
from minidl.layers.affine import Affine
from minidl.layers.containers import Sequential
from minidl.layers.convolution import Conv1d, Conv2d
from minidl.layers.layer import Layer
from minidl.layers.normalization import Standardize
from minidl.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from minidl.layers.shape import Flatten, Reshape
from minidl.layers.transposed import ConvTranspose2d

__all__ = [
    "Affine",
    "AvgPool2d",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "Flatten",
    "GlobalAvgPool2d",
    "Layer",
    "MaxPool2d",
    "ReLU",
    "Reshape",
    "Sequential",
    "Standardize",
]
