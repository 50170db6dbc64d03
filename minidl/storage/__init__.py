"""Nets in files."""

from minidl.storage.nets import load, save

__all__ = ["load", "save"]
