"""The loop, what it records, and how well a net does."""

from minidl.training.evaluation import evaluate
from minidl.training.history import History
from minidl.training.trainer import Trainer

__all__ = ["History", "Trainer", "evaluate"]
