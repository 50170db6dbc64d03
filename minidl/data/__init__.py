"""Data sets: `Dataset` and `Splits`, and `load` for the known ones and for tables and `.npz` files."""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.data.batches import Batches as Batches
    from minidl.data.catalog import load as load
    from minidl.data.columns import Column as Column
    from minidl.data.dataset import Dataset as Dataset
    from minidl.data.npz import save as save
    from minidl.data.splits import Splits as Splits
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "batches": "Batches",
            "catalog": "load",
            "columns": "Column",
            "dataset": "Dataset",
            "npz": "save",
            "splits": "Splits",
        },
    )
