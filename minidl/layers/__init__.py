"""Layers: array in, array out."""

from minidl.layers.activations import ReLU
from minidl.layers.affine import Affine
from minidl.layers.containers import Sequential
from minidl.layers.layer import Layer
from minidl.layers.normalization import Standardize
from minidl.layers.shape import Flatten

__all__ = ["Affine", "Flatten", "Layer", "ReLU", "Sequential", "Standardize"]
