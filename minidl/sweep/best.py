"""The best trial's net and history, which outlive a kill at any moment."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Any

from minidl.errors import CheckpointError
from minidl.net import Net
from minidl.storage import load, save
from minidl.temporaries import remove_strays
from minidl.training import History

_NAME = re.compile(r"([0-9]{3,18})\.(npz|json)")


class Best:
    """Keeps net and history of one trial, in the folder ``best`` or, without a directory, in memory.

    `keep` comes before the trial's line in the journal and `keep_only` after it, so that at any moment
    the journal's best trial has its files.
    """

    def __init__(self, directory: Path | None) -> None:
        self._folder = directory / "best" if directory else None
        self._held: dict[int, tuple[Net, History]] = {}

    def keep(self, trial: int, net: Net, history: History) -> None:
        """Keep a trial's, beside what is kept already."""
        if self._folder is None:
            self._held[trial] = net, history
            return
        self._folder.mkdir(exist_ok=True)
        save(net, self._folder / _name(trial, "npz"))
        history.save(self._folder / _name(trial, "json"))

    def keep_only(self, trial: int, done: Container[int]) -> None:
        """Drop what is kept of the others that are `done`, where this one's is there.

        In the folder that goes by the names: files of other names stay.
        """
        if not self.holds(trial):
            return
        if self._folder:
            remove_strays(self._folder)
        self._held = {number: held for number, held in self._held.items() if number == trial}
        for path in self._folder.iterdir() if self._folder else ():
            found = _NAME.fullmatch(path.name)
            number = int(found[1]) if found else trial
            drop = number != trial and number in done and found and path.name == _name(number, found[2])
            if drop and path.is_file() and not path.is_symlink():
                path.unlink()

    def holds(self, trial: int) -> bool:
        """Whether a trial's are kept."""
        if self._folder is None:
            return trial in self._held
        return all((self._folder / _name(trial, suffix)).is_file() for suffix in ("npz", "json"))

    def net(self, trial: int, custom: Sequence[Callable[..., Any]]) -> Net:
        """A kept net; one's own copy where it comes from a file."""
        if self._folder is None:
            return self._held[trial][0]
        net: Net = load(self._existing(trial, "npz"), custom=custom)
        return net

    def history(self, trial: int) -> History:
        """A kept history."""
        return self._held[trial][1] if self._folder is None else History.load(self._existing(trial, "json"))

    def _existing(self, trial: int, suffix: str) -> Path:
        assert self._folder is not None
        path = self._folder / _name(trial, suffix)
        if not path.is_file():
            remedy = "run the sweep anew in another directory"
            raise CheckpointError.expected("Results", f"the best trial's {path}", "no such file", remedy)
        return path


def _name(trial: int, suffix: str) -> str:
    return f"{trial:03}.{suffix}"
