"""Minibatches of a data set, epoch after epoch."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import as_generator, check_choice, check_int, check_shape
from minidl.cores import usable_cores
from minidl.data.dataset import Dataset, check_dataset
from minidl.kernels.rows import rows_are_scattered, take_rows
from minidl.types import Array, Rng

if TYPE_CHECKING:
    from queue import SimpleQueue

_WORTH_A_THREAD = 1 << 19
"""Bytes of a batch from which gathering it on another thread costs less than it saves."""

_AT_ONCE = 1 << 18
"""Bytes that are gathered at once where batches are smaller: a call of NumPy's costs more than they do."""

_SCATTERED_AT_ONCE = 1 << 25
"""Bytes that are gathered at once where a row's numbers are scattered: each time walks the whole set."""


class Batches:
    """An endless iterator of ``(features, targets)``, lent until the next one is drawn.

    Parameters
    ----------
    dataset : Dataset
    batch_size : int >= 1
    rng : Generator, seed or None
    sampling : "shuffle" or "replacement"
        ``"shuffle"``: every epoch visits every sample once, in a new order; the last batch may be
        smaller. ``"replacement"``: every batch is drawn independently, all of full size; an epoch
        is ``max(len(dataset) // batch_size, 1)`` of them.

    Attributes
    ----------
    steps_per_epoch : int
    position : int
        Batches drawn since the epoch began; 0 at an epoch's end.
    """

    def __init__(
        self, dataset: Dataset, batch_size: int, *, rng: Rng = None, sampling: str = "shuffle"
    ) -> None:
        self.dataset = check_dataset("Batches", "dataset", dataset)
        self.batch_size = check_int("Batches", "batch_size", batch_size, at_least=1)
        self.sampling = check_choice("Batches", "sampling", sampling, ("shuffle", "replacement"))
        if sampling == "replacement":
            check_shape("Batches", "a batch", (self.batch_size, *dataset.sample_shape))
        self.position = 0
        count = len(dataset)
        # Ceiling where the last, smaller batch is kept; whole numbers either way.
        whole = max(count // self.batch_size, 1)
        self.steps_per_epoch = -(-count // self.batch_size) if sampling == "shuffle" else whole
        size = max(dataset.features[:1].nbytes, 1) * self.batch_size
        scattered = rows_are_scattered(dataset.features)
        at_once = _SCATTERED_AT_ONCE if scattered else _AT_ONCE
        self._at_once = max(min(at_once // size, self.steps_per_epoch), 1)  # batches
        rows = self.batch_size * self._at_once
        self._rows = min(rows, count) if sampling == "shuffle" else rows
        self._rng = as_generator(rng, legacy=False)
        self._order: Array = np.empty(0, np.intp)
        self._buffers: dict[int, tuple[Array, Array]] = {}
        self._gathered: tuple[Array, Array] | None = None
        self._ahead: tuple[int, SimpleQueue[Any]] | None = None  # where the next batch will come
        # Scattered rows are worth no second buffer: theirs are large, and mapped files should stay small.
        worth_a_thread = size >= _WORTH_A_THREAD and not scattered
        self._looks_ahead = self._at_once == 1 and worth_a_thread and _has_idle_core()

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        return self

    def __next__(self) -> tuple[Array, Array]:
        if self.position == 0:
            self._order = self._draw_epoch()
        within = self.position % self._at_once
        if within == 0 or self._gathered is None:
            self._gathered = self._gathered_ahead() or self._gather(self.position - within)
        features, targets = self._gathered
        if self._at_once > 1:
            rows = slice(within * self.batch_size, (within + 1) * self.batch_size)
            features, targets = features[rows], targets[rows]
        self.position = (self.position + 1) % self.steps_per_epoch
        if self._looks_ahead and self.position:
            # NumPy copies without the interpreter's lock: the next batch is ready, in the other
            # buffer, by the time this one has been trained on.
            answer = _new_queue()
            _requests(os.getpid()).put((self._gather, self.position, answer))
            self._ahead = os.getpid(), answer  # last: nobody may wait for what was not asked for
        return features, targets

    def _draw_epoch(self) -> Array:
        """The samples' indices in the order of the epoch that begins."""
        count = len(self.dataset)
        if self.sampling == "shuffle":
            return np.asarray(self._rng.permutation(count))
        return np.asarray(self._rng.integers(count, size=self.steps_per_epoch * self.batch_size))

    def _gathered_ahead(self) -> tuple[Array, Array] | None:
        process, answer = self._ahead or (0, None)
        self._ahead = None
        if answer is None or process != os.getpid():  # a fork has no threads but the one that forked
            return None
        batch = answer.get()
        if isinstance(batch, BaseException):
            raise batch
        return batch  # type: ignore[no-any-return]

    def _gather(self, position: int) -> tuple[Array, Array]:
        """The batch at `position` of the epoch, and those that are gathered with it."""
        indices = self._order[position * self.batch_size : (position + self._at_once) * self.batch_size]
        # The second buffer is for the thread: what was lent from the first is in use by then.
        features, targets = self._buffer(position % 2 if self._looks_ahead else 0)
        rows = slice(len(indices))
        data = self.dataset
        # The indices are in range; mode "clip" only spares `take` a copy through a buffer.
        targets = data.targets.take(indices, 0, targets[rows], "clip")
        if data.features.flags.c_contiguous:  # `take` would first copy any other array whole
            return data.features.take(indices, 0, features[rows], "clip"), targets
        return take_rows(data.features, indices, features[rows]), targets

    def _buffer(self, which: int) -> tuple[Array, Array]:
        if which not in self._buffers:
            data = self.dataset
            features = np.empty((self._rows, *data.sample_shape), data.features.dtype)
            self._buffers[which] = features, np.empty(self._rows, data.targets.dtype)
        return self._buffers[which]

    def __getstate__(self) -> dict[str, object]:
        # What was gathered ahead is gathered anew: it follows from order and position.
        return {**self.__dict__, "_buffers": {}, "_gathered": None, "_ahead": None}


_processes = 1


def share_cores(processes: int) -> None:
    """Say that so many processes train at a time, this one among them."""
    global _processes
    _processes = processes


def _has_idle_core() -> bool:
    """Whether the BLAS leaves a core without work; on a busy one, a thread would only delay it."""
    from threadpoolctl import threadpool_info

    return usable_cores() // _processes > max((pool["num_threads"] for pool in threadpool_info()), default=1)


def _new_queue() -> SimpleQueue[Any]:
    from queue import SimpleQueue  # where it is used: not every start needs it

    return SimpleQueue()


@functools.cache
def _requests(process: int) -> SimpleQueue[Any]:
    """Feeds the process's one thread that gathers; a pool's futures take five times as long."""
    requests = _new_queue()

    def serve() -> None:
        while True:
            gather, position, answer = requests.get()
            try:
                answer.put(gather(position))
            except BaseException as error:  # raised where the batch is asked for
                answer.put(error)
            del gather, answer  # or the thread would keep the last data set alive

    threading.Thread(target=serve, name="minidl-batches", daemon=True).start()
    return requests
