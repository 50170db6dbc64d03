"""An input, tried: refused with minidl's own error, accepted, or a fault."""

import random
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from minidl.errors import MinidlError
from tests.fuzz.readers import READERS


def is_accepted(reader: str, content: bytes, folder: Path) -> bool:
    """Whether the reader takes a file of this content; whatever it raises beside `MinidlError` comes out."""
    row = READERS[reader]
    try:
        if row.takes_bytes:
            row.read(content)
            return True
        path = folder / row.name
        path.write_bytes(content)
        row.read(path)
        return True
    except MinidlError:
        return False


def inputs(reader: str, seed: int, count: int) -> Iterator[bytes]:
    """Files made of the reader's seeds; the same seed gives the same ones."""
    row, rng = READERS[reader], random.Random(f"{reader} {seed}")
    seeds = row.seeds()
    for _ in range(count):
        yield row.wrap(row.mutate(rng.choice(seeds), seeds, rng))


class Folder:
    """A folder for files, in memory where that can be, and gone at the end; warnings are faults meanwhile."""

    def __enter__(self) -> Path:
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
        self._folder = tempfile.mkdtemp(dir=memory)
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("error")
        return Path(self._folder)

    def __exit__(self, *error: object) -> None:
        self._warnings.__exit__(*error)
        shutil.rmtree(self._folder)
