"""Nets and states in files."""

from minidl.storage.checkpoints import load_state
from minidl.storage.nets import load, save

__all__ = ["load", "load_state", "save"]
