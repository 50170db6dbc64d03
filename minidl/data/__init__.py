"""Data sets: `Dataset` and `Splits`, and `load` for the known ones and for tables and `.npz` files."""

from minidl.data.batches import Batches
from minidl.data.catalog import load
from minidl.data.dataset import Dataset
from minidl.data.splits import Splits

__all__ = ["Batches", "Dataset", "Splits", "load"]
