"""Callbacks: what else happens during a fit."""

from minidl.callbacks.callback import Callback
from minidl.callbacks.clipping import ClipNorm
from minidl.callbacks.progress import ProgressBar

__all__ = ["Callback", "ClipNorm", "ProgressBar"]
