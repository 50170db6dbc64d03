"""The kinds of files that minidl writes: a row each."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import minidl
from minidl.data.digits import BUNDLED, read_digits
from minidl.errors import CheckpointError
from minidl.layers import Dropout
from minidl.storage.checkpoints import load_state, save_state, state_to_bytes


@dataclass(frozen=True)
class Kind:
    """How a kind of file is written and read.

    Attributes
    ----------
    write : callable ``(path, which)``
        Writes the first or the second content (0 or 1) over what is there.
    load : callable ``(path) -> content``
        What was read, in terms that ``==`` compares to the bit.
    accepts : callable ``(content) -> bool``
        Whether it is one of those that were written.
    whole : bool
        Whether a file is replaced as a whole, and not appended to or only read.
    suffix : str
        Of the file's name.
    """

    name: str
    write: Callable[[Path, int], object]
    load: Callable[[Path], Any]
    accepts: Callable[[Any], bool]
    whole: bool = True
    suffix: str = ".npz"


@cache
def net(which):
    rng = np.random.default_rng(which)
    layers = minidl.Affine(6, 5, rng=rng), Dropout(0.5, rng=rng), minidl.Affine(5, 3, rng=rng)
    return minidl.Sequential(*layers, minidl.SoftmaxCrossEntropy())


def content_of_net(net):
    return repr(net), net.parameters.values.tobytes(), net.state.values.tobytes()


@cache
def history(which):
    made = minidl.History()
    for step in range(5):
        made.record_step(loss=1 / (2 + step + which), lr=0.1)
    made.record_epoch(step=5, train_loss=0.3 + which, lr=0.1, seconds=1.5)
    return made


def content_of_history(history):
    return repr((history.steps, history.epochs, history.unfinished, history.kept_epoch))


@cache
def splits(which):
    """Arrays above 4 KB, beyond which NumPy does not read a header together with the rest."""
    rng = np.random.default_rng(which)
    parts = (
        minidl.Dataset(rng.integers(0, 256, (n, 100), np.uint8), rng.integers(0, 3, n)) for n in (60, 10, 10)
    )
    return minidl.data.Splits("made", *parts)


def content_of_splits(splits):
    parts = (getattr(splits, name) for name in ("train", "validation", "test"))
    arrays = [array for part in parts if part for array in (part.features, part.targets)]
    return [(array.dtype.str, array.shape, array.tobytes()) for array in arrays]


@cache
def state(which):
    return {"net": net(which).state_dict(), "history": history(which).state_dict(), "step": which}


def load_checkpoint(path):
    """The newest generation; where it is damaged, the one before must be whole, or there is none."""
    found = load_state(path)
    content = state_to_bytes(found.state)
    if found.fallback:
        assert content in map(state_to_bytes, map(state, (0, 1)))
        raise CheckpointError(found.fallback)
    return content


def row(number):
    from minidl.sweep import Row

    return Row(number, {"lr": 0.1 * number}, number % 3, 1 + number, "done", value=0.5 + number)


def append_row(path, which):
    from minidl.sweep.journal import Journal

    with Journal(path, {}) as journal:
        for _ in range(1 + which):
            journal.append(row(len(journal.rows)))


def read_rows(path):
    from minidl.sweep.journal import read_journal

    return [each.to_json() for each in read_journal(path)[1]]


def are_rows(content):
    return content == [row(number).to_json() for number in range(len(content))]


def content_of_digits(path):
    return [(array.dtype.str, array.shape, array.tobytes()) for array in read_digits(path)]


def replaced(name, make, write, load, content, suffix=".npz"):
    """A kind whose file is replaced as a whole."""
    return Kind(
        name,
        lambda path, which: write(make(which), path),
        lambda path: content(load(path)),
        lambda found: found in (content(make(0)), content(make(1))),
        suffix=suffix,
    )


KINDS = [
    replaced("net", net, minidl.save, minidl.load, content_of_net),
    replaced("history", history, minidl.History.save, minidl.History.load, content_of_history, ".json"),
    replaced(
        "checkpoint",
        state,
        lambda made, path: save_state(path, made, "run"),
        load_checkpoint,
        lambda content: content if isinstance(content, bytes) else state_to_bytes(content),
    ),
    replaced("data", splits, minidl.data.save, minidl.data.load, content_of_splits),
    Kind(
        "digits",
        lambda path, which: shutil.copy(BUNDLED, path),
        content_of_digits,
        lambda found: found == content_of_digits(BUNDLED),
        whole=False,
        suffix=".csv.gz",
    ),
]
if find_spec("joblib") and find_spec("cloudpickle"):
    KINDS.append(Kind("journal", append_row, read_rows, are_rows, whole=False, suffix=".jsonl"))
NAMES = [kind.name for kind in KINDS]


def kind_of(name):
    return KINDS[NAMES.index(name)]
