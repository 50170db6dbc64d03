"""The loop, what it records, and what becomes of a trained net."""

from minidl.training.callbacks import Callback, ProgressBar
from minidl.training.checkpoint import load, save
from minidl.training.evaluation import evaluate
from minidl.training.history import History
from minidl.training.trainer import Trainer

__all__ = ["Callback", "History", "ProgressBar", "Trainer", "evaluate", "load", "save"]
