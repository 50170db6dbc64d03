"""Minibatches of a data set, epoch after epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from minidl.checks import check_int, check_shape
from minidl.data.batch_state import checked_place, checked_state
from minidl.data.buffers import Batch, new_buffers
from minidl.data.dataset import Dataset, check_dataset
from minidl.data.prefetch import Prefetch, has_idle_core
from minidl.data.sampling import Sampler
from minidl.data.transforming import transforming
from minidl.errors import StateError
from minidl.kernels.rows import gather, rows_are_scattered
from minidl.kernels.sparse import is_csr
from minidl.transforms import Transform
from minidl.types import Array, Rng

Lent: TypeAlias = "tuple[Batch, Batch]"
"""A batch and the buffers in which it lies; it is smaller than they are at the end of an epoch."""

_LEAST_PREFETCH_BYTES = 1 << 19
"""Of a batch's features: from this size, gathering it on another thread saves more than it costs."""

_GROUP_BYTES = 1 << 18
"""Of features: smaller batches are gathered several at a time, as NumPy's calls take longer than they do."""

_SCATTERED_GROUP_BYTES = 1 << 25
"""The same where a sample's numbers are scattered in memory: each time walks the whole data set."""


class Batches:
    """An endless iterator of ``(features, targets, weights)``, lent until the next batch is drawn.

    Weights are None where the data set has none. A draw that an interrupt broke off has drawn its batch
    or not, as `drawn` says; the following ones give what they would have given without it.

    Parameters
    ----------
    dataset : Dataset
    batch_size : int >= 1
    rng : Generator, seed or None
    sampling : "shuffle" or "replacement"
        ``"shuffle"``: every epoch visits every sample once, in a new order; the last batch may be
        smaller. ``"replacement"``: every batch is drawn independently, all of full size; an epoch
        is ``max(len(dataset) // batch_size, 1)`` of them.
    transform : Transform, optional
        Makes of each batch another one, from random numbers that follow from `rng` and its number.

    Attributes
    ----------
    steps_per_epoch : int
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        rng: Rng = None,
        sampling: str = "shuffle",
        transform: Transform | None = None,
    ) -> None:
        self.dataset = check_dataset("Batches", "dataset", dataset)
        self.batch_size = check_int("Batches", "batch_size", batch_size, at_least=1)
        self._sampler = Sampler(len(dataset), self.batch_size, sampling, rng)
        self.sampling = sampling
        if sampling == "replacement":
            check_shape("Batches", "a batch", (self.batch_size, *dataset.sample_shape))
        self.steps_per_epoch = self._sampler.steps_per_epoch
        self._sparse = is_csr(dataset.features)  # so that a batch is small
        self.transform = transform
        self._transforming = transforming(transform, dataset, self._sampler.rng)
        self._group, worth_a_thread = 1, False  # batches gathered at a time: one to transform
        if not self._sparse:
            size = max(dataset.features[:1].nbytes, 1) * self.batch_size
            scattered = rows_are_scattered(dataset.features)
            group_bytes = _SCATTERED_GROUP_BYTES if scattered else _GROUP_BYTES
            if self._transforming is None:
                self._group = max(min(group_bytes // size, self.steps_per_epoch), 1)
            # Scattered rows are worth no second buffer: theirs are large, and mapped files should stay small.
            worth_a_thread = self._group == 1 and size >= _LEAST_PREFETCH_BYTES and not scattered
        self._ahead = worth_a_thread and has_idle_core()
        self._prefetch: Prefetch[Lent] | None = Prefetch() if self._ahead or self._transforming else None
        # The number of an epoch, its order, and the batches drawn of it. They change together, in one
        # assignment, which no interrupt can cut in two.
        self._place = 0, np.empty(0, np.intp), self.steps_per_epoch
        self._gathered: Batch | None = None  # the group that is lent batch by batch
        self._lent: Batch | None = None  # the buffers in which what is lent lies
        self._spare: Batch | None = None  # a second set of buffers, while nobody uses it

    @property
    def position(self) -> int:
        """Batches drawn since the epoch began; 0 at an epoch's end."""
        return self._place[2] % self.steps_per_epoch

    @property
    def drawn(self) -> int:
        """Batches drawn over all epochs, less those to be done again."""
        epoch, _, step = self._place
        return (epoch - 1) * self.steps_per_epoch + step

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        epoch, order, step = self._place
        if step == self.steps_per_epoch:
            epoch, step = epoch + 1, 0
            order = self._sampler.draw(epoch)
        if self._prefetch is not None:
            batch = self._one_by_one(self._prefetch, epoch, order, step)
        else:
            within = step % self._group
            if within == 0 or self._gathered is None:
                self._lent = self._lent or self._new_buffers()
                self._gathered = self._gather(order, step - within, self._lent)
            batch = self._gathered
            if self._group > 1:
                features, targets, weights = batch
                start = within * self.batch_size
                rows = slice(start, start + self.batch_size)
                batch = features[rows], targets[rows], None if weights is None else weights[rows]
        self._place = epoch, order, step + 1  # last: from here on the batch counts as drawn
        return batch

    def redo(self) -> None:
        """Lend the last batch once more at the next draw, for a step that was broken off.

        Each further call goes back by one batch more, but not beyond the beginning of the epoch.

        Raises
        ------
        StateError
            No batch of this epoch was drawn.
        """
        epoch, order, step = self._place
        if step == 0 or not len(order):
            remedy = "redo a batch after it was drawn"
            raise StateError.expected("Batches", "a batch to lend once more", "none of this epoch", remedy)
        self._gathered = None  # it may be the group that follows
        self._place = epoch, order, step - 1

    def state_dict(self) -> dict[str, Any]:
        """From where the batches go on: copies of what another `Batches` on the same data needs.

        Returns
        -------
        dict
            ``batch_size`` and ``sampling``, as given; ``epoch``, the number of the epoch, from 1, or 0
            before the first; ``order``, int array, the samples' indices in the order of that epoch;
            ``step``, how many batches of it were drawn; ``generator``, the state of the random
            generator as NumPy gives it, from which the next epoch is drawn. With a transform, ``key``,
            two integers from which its random numbers follow.
        """
        epoch, order, step = self._place
        return {
            "batch_size": self.batch_size,
            "sampling": self.sampling,
            "epoch": epoch,
            "order": order.copy(),
            "step": step,
            "generator": self._sampler.state_before(epoch + 1),
            **({} if self._transforming is None else {"key": self._transforming.key.copy()}),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where the `Batches` was whose `state_dict` this is, to the bit on the same data.

        Raises
        ------
        StateError
            It is no such state, or is of another batch size, sampling, number of samples or kind of
            generator. Nothing has changed then.
        """
        checked_state(state, self.state_dict())
        place = checked_place(state, self._sampler)
        self._sampler.set_state(state["generator"])
        if self._transforming is not None:
            self._transforming.key = state["key"].copy()
        self._gathered = None
        if self._prefetch is not None:
            self._prefetch = Prefetch()  # what was asked for is of another order
        self._place = place

    def _one_by_one(self, prefetch: Prefetch[Lent], epoch: int, order: Array, step: int) -> Batch:
        """One batch, gathered ahead if there is a thread for that; the next one is asked for then.

        Buffers are either lent, or spare, or the thread's alone. An interrupt between two lines may
        lose some, for which new ones are made, but they never serve two ends at a time.
        """
        ahead = prefetch.take((epoch, step))
        if ahead is None:
            self._lent = self._lent or self._new_buffers()
            batch = self._gather_one(order, epoch, step, self._lent)
        else:
            free = self._lent
            batch, self._lent = ahead
            self._spare = free  # only after something else is lent
        following = epoch, step + 1
        if self._ahead and step + 1 < self.steps_per_epoch and not prefetch.has(following):
            spare = self._spare or self._new_buffers()
            self._spare = None
            prefetch.ask(following, self._gather_ahead, order, epoch, step + 1, spare)
        return batch

    def _gather_ahead(self, order: Array, epoch: int, step: int, buffers: Batch) -> Lent:
        return self._gather_one(order, epoch, step, buffers), buffers

    def _gather_one(self, order: Array, epoch: int, step: int, buffers: Batch) -> Batch:
        batch = self._gather(order, step, buffers)
        number = (epoch - 1) * self.steps_per_epoch + step
        return batch if self._transforming is None else self._transforming(batch, number)

    def _gather(self, order: Array, first: int, buffers: Batch) -> Batch:
        """The group of batches of which `first` is the first, in `buffers`."""
        size, data = self.batch_size, self.dataset
        indices = order[first * size : (first + self._group) * size]
        features, targets, weights = buffers
        if features is None:  # SciPy takes no `out`
            part = data[indices]
            return part.features, part.targets, part.weights
        if len(indices) < len(targets):  # at an epoch's end
            rows = slice(len(indices))
            features, targets = features[rows], targets[rows]
            weights = None if weights is None else weights[rows]
        if weights is not None and data.weights is not None:
            weights = gather(data.weights, indices, weights)
        return gather(data.features, indices, features), gather(data.targets, indices, targets), weights

    def _new_buffers(self) -> Batch:
        rows = self.batch_size * self._group
        return new_buffers(self.dataset, min(rows, len(self.dataset)) if self.sampling == "shuffle" else rows)

    def __getstate__(self) -> dict[str, object]:
        # What was gathered is gathered anew: it follows from the order and the number of batches drawn.
        prefetch: Prefetch[Lent] | None = None if self._prefetch is None else Prefetch()
        empty = {"_gathered": None, "_lent": None, "_spare": None, "_prefetch": prefetch}
        return {**self.__dict__, **empty}
