"""The order in which an epoch visits the samples."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.checks import as_generator, check_choice
from minidl.errors import StateError
from minidl.types import Array, Rng


class Sampler:
    """Draws the order of one epoch after the other.

    Parameters
    ----------
    count : int
        Samples in the data set.
    batch_size : int
    sampling : "shuffle" or "replacement"
        ``"shuffle"``: an order holds every sample once. ``"replacement"``: each place is drawn
        independently, and all batches are of full size.
    rng : Generator, seed or None

    Attributes
    ----------
    steps_per_epoch : int
        Batches in an epoch.
    """

    def __init__(self, count: int, batch_size: int, sampling: str, rng: Rng = None) -> None:
        self.count = count
        self.sampling = check_choice("Batches", "sampling", sampling, ("shuffle", "replacement"))
        shuffles = sampling == "shuffle"
        # Rounded up where the last, smaller batch is kept.
        self.steps_per_epoch = -(-count // batch_size) if shuffles else max(count // batch_size, 1)
        self._length = count if shuffles else self.steps_per_epoch * batch_size
        self.rng = as_generator(rng, legacy=False)
        self._before_draw: tuple[int, dict[str, Any]] | None = None  # an epoch, and the state before it

    def draw(self, epoch: int) -> Array:
        """The order of the epoch of this number, shape (steps_per_epoch * batch_size,) or (count,).

        An epoch that is drawn once more, because an interrupt lost its order, gets the same one.
        """
        bits = self.rng.bit_generator
        if self._before_draw is not None and self._before_draw[0] == epoch:
            bits.state = self._before_draw[1]
        self._before_draw = epoch, dict(bits.state)
        if self.sampling == "shuffle":
            return np.asarray(self.rng.permutation(self.count))
        return np.asarray(self.rng.integers(self.count, size=self._length))

    def state_before(self, epoch: int) -> dict[str, Any]:
        """The generator's state, as NumPy gives it, from which this epoch, the next one, is drawn."""
        if self._before_draw is not None and self._before_draw[0] == epoch:
            return copy.deepcopy(self._before_draw[1])
        return dict(self.rng.bit_generator.state)

    def set_state(self, state: object) -> None:
        """Draw the next epoch from this state of the generator.

        Raises
        ------
        StateError
            It is none, or one of another kind of generator.
        """
        bits = self.rng.bit_generator
        before = bits.state
        try:
            bits.state = state
        except Exception as error:  # each kind of generator has checks of its own
            bits.state = before
            expected = f"generator to be the state of a {type(bits).__name__}"
            raise StateError.expected("Batches", expected, f"{shown(state)} ({error})") from None
        self._before_draw = None

    def check_order(self, order: object, epoch: int) -> Array:
        """A copy of `order`, if `draw` could give it for the epoch of this number; else `StateError`."""
        array = np.array(order)
        if epoch == 0:
            if array.size:
                raise StateError.expected("Batches", "an empty order before the first epoch", shown(order))
            return np.empty(0, np.intp)
        if array.dtype.kind in "iu" and array.shape == (self._length,):
            each_once = np.array_equal(np.sort(array), np.arange(self.count))
            if each_once or (self.sampling != "shuffle" and array.min() >= 0 and array.max() < self.count):
                return array.astype(np.intp)
        once = ", each once" if self.sampling == "shuffle" else ""
        expected = f"an order of {self._length} indices below {self.count}{once}"
        raise StateError.expected("Batches", expected, shown(order))
