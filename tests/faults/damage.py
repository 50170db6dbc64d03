"""Files that are cut off or have a bit flipped."""

import random
import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from minidl.errors import MinidlError


def truncations(kind, count, seed=0):
    """The file cut off at every length, or where it has more than `count` of them, at `count`."""
    with TemporaryDirectory() as folder:
        path, content = _written(kind, folder)
        lengths = range(len(content))
        if len(lengths) > count:
            lengths = random.Random(seed).sample(lengths, count)
        return _outcomes(kind, path, (content[:length] for length in lengths))


def flips(kind, count, seed=0):
    """One random bit of the file flipped, `count` times."""
    rng = random.Random(seed)
    with TemporaryDirectory() as folder:
        path, content = _written(kind, folder)

        def flipped():
            damaged, place = bytearray(content), rng.randrange(8 * len(content))
            damaged[place // 8] ^= 1 << place % 8
            return bytes(damaged)

        return _outcomes(kind, path, (flipped() for _ in range(count)))


def _written(kind, folder):
    path = Path(folder) / f"file{kind.suffix}"
    kind.write(path, 0)
    kind.write(path, 0)
    assert kind.accepts(kind.load(path))
    return path, path.read_bytes()


def _outcomes(kind, path, contents):
    """How many were refused with an error of minidl's, read as they were written, and read as something else.

    Any other error, a warning included, is raised.
    """
    outcomes = Counter(refused=0, same=0, silent=0)
    for content in contents:
        path.write_bytes(content)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = kind.load(path)
        except MinidlError:
            outcomes["refused"] += 1
        else:
            outcomes["same" if kind.accepts(found) else "silent"] += 1
    return dict(outcomes)
