"""Callbacks: what else happens during a fit."""

from minidl.callbacks.callback import Callback
from minidl.callbacks.progress import ProgressBar

__all__ = ["Callback", "ProgressBar"]
