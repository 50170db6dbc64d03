"""What a row of the table of bad input is, and what must be as it was after each.

A row is a function that sets things up and gives the wrong call (`call`), the class of the error, and
what its message holds, in this order: what was wrong by its name, what was expected, what came. To add one,
write it into `ROWS` of the file of its room; nothing else has to know.
"""

import operator
import os
import random
import re
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minidl.cli import main
from minidl.testing import state
from tests.public_calls import call


class Row(NamedTuple):
    """A wrong call, and the refusal that it gets."""

    make: Callable
    error: type
    message: str  # "…" stands for what need not be so to the letter


def row(make, error, message):
    return Row(make, error, message)


class Typed(NamedTuple):
    """A command line, and what is said on standard error in the one line of its refusal."""

    line: str
    message: str


def typed(line, message):
    return Typed(line, message)


def run(line):
    """The exit code of a command."""
    try:
        return main(line.split())
    except SystemExit as ended:
        return ended.code


def item(holder, key):
    return call(operator.getitem, holder, key)


def assign(holder, name, value):
    return call(setattr, holder, name, value)


def of_a_fit(kept, function, *args, **kwargs):
    """A call that begins a fit, which notes how far it is to go; what must stay is `kept` alone."""
    return partial(_hidden, (function, args, kwargs)), kept, {}


def _hidden(what, *kept):
    function, args, kwargs = what
    function(*args, **kwargs)


def says(message, wanted):
    """Whether `message` is one line that holds the parts of `wanted` between its "…", in their order."""
    pattern = ".*".join(re.escape(part.strip()) for part in wanted.split("…"))
    return re.search(pattern, message) and len(message.splitlines()) == 1


# ---------------------------------------------------------------- what stays as it was

_OVERWRITTEN = re.compile(r"\b(workspace|cache|grad|gradients|_views|_largest)\b")


def everything(*objects):
    """All that a call could change: what `objects` hold, the working directory, the process.

    Of the objects, parameters, states, vectors of optimizers, counters, histories, random generators
    and the arrays handed in; not what the next training pass overwrites: the workspace of layers, what
    they remember between two passes, and the gradients.
    """
    found = state.snapshot(objects)
    return {
        **{path: leaf for path, leaf in found.items() if not _OVERWRITTEN.search(path)},
        **{f"file {path}": content for path, content in files().items()},
        **process(),
    }


def held(function, args, kwargs):
    """What a call can reach: its arguments, and the object whose method it is."""
    return args, kwargs, getattr(function, "__self__", None)


def process():
    """What of the process a refusal might leave behind; `process_state` knows more, and costs too much."""
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002 - looked at only
    return {
        "NumPy's errors": np.geterr(),
        "NumPy's random state": (legacy["state"]["pos"], legacy["state"]["key"].tobytes()),
        "random state": random.getstate(),
        "warning filters": list(warnings.filters),
        "working directory": Path.cwd(),
        "environment": dict(os.environ),
    }


def files():
    """The mode and the content of every file below the working directory, and when it was last written."""
    found = {}
    for path in sorted(Path().rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else path.readlink() if path.is_symlink() else None
        found[str(path)] = status.st_mode, content is not None and status.st_mtime_ns, content
    return found


def changed(before, after):
    """The names of what is not as it was."""
    return [name for name in {**before, **after} if before.get(name, files) != after.get(name, files)]
