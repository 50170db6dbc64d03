"""Where in its data a fit stands, so that the fit of another Trainer goes on from there."""

from __future__ import annotations

from typing import Any

from minidl.code import without_addresses
from minidl.data import Batches, Dataset
from minidl.data.fingerprint import fingerprint
from minidl.errors import StateError
from minidl.generators import generator_state, load_generator_state
from minidl.stateful import copied
from minidl.training.minimizing import MinimizingLoop
from minidl.transforms import Transform


class PlacedLoop(MinimizingLoop):
    """`MinimizingLoop`, and the place in the data where it stands."""

    _resumed: dict[str, Any] | None = None  # the batches of the fit from which the next one goes on
    _told: tuple[Any, str] = None, ""  # batches, and what tells their data from others

    def _batches_state(self) -> dict[str, Any] | None:
        """Where the batches stand, and what of the data has to be the same."""
        if self._batches is None:
            return copied(self._resumed)  # type: ignore[no-any-return]
        if self._told[0] is not self._batches:
            self._told = self._batches, fingerprint(self._batches.dataset)
        told = {"data": self._told[1], "transform": _described(self._batches.transform)}
        return {"batches": self._batches.state_dict(), **told}

    def _go_on(self, train: Dataset, batch_size: int, sampling: str, transform: Transform | None) -> None:
        """Take up the batches of the checkpoint; where its fit had ended, other data may follow.

        Raises
        ------
        StateError
            The fit was broken off on other data, or with other batches.
        """
        kept = self._resumed
        if kept is None:
            return
        given = {"batch_size": batch_size, "sampling": sampling, "data": fingerprint(train)}
        given["transform"] = _described(transform)
        saved = {**kept["batches"], **kept}
        differing = [name for name, value in given.items() if saved[name] != value]
        if differing and (self.step >= self.last_step or self.stop_reason is not None):
            self._resumed = None
            return
        if differing:
            both = [f"{name} {saved[name]!r}" for name in differing if name != "data"]
            expected = ", ".join(both + ["the data that it was trained on"] * ("data" in differing))
            got = ", ".join(f"{name} {given[name]!r}" for name in differing if name != "data") or "others"
            remedy = "give fit what it was broken off with, or give the net to a new Trainer"
            raise StateError.expected("fit of a resumed Trainer", expected, got, remedy)
        rng = generator_state(self._rng)
        batches = Batches(train, batch_size, rng=self._rng, sampling=sampling, transform=transform)
        load_generator_state("Trainer", self._rng, rng)  # from which the new batches have spawned
        batches.load_state_dict(kept["batches"])
        self._batches, self._resumed = batches, None
        if self._done_of_epoch() and not self.history.steps["lr"]:
            self._batches, self._resumed = None, kept
            raise StateError.expected("Trainer", "a history of the epoch under way", "none")


def _described(transform: Transform | None) -> str | None:
    """A transform as code, without the addresses in memory that stand in it for functions and objects."""
    return None if transform is None else without_addresses(repr(transform))
