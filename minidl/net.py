"""Net: what a row of layers, or any other module, is once a loss ends it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.advice import shown
from minidl.checks import check_array, check_shape
from minidl.errors import DivergedError, ShapeError, StructureError
from minidl.faults import explain
from minidl.inspection import Traced, check_found, summary, trace
from minidl.kernels.memory import keep_freed_memory
from minidl.kernels.rows import take_rows
from minidl.kernels.sparse import as_batch, is_batch
from minidl.losses.loss import ANY, Loss, check_loss
from minidl.losses.tally import Tally
from minidl.module import Module
from minidl.net_state import StatefulModule
from minidl.types import Array
from minidl.vectors import ParameterVector, StateVector

if TYPE_CHECKING:
    import numpy.typing as npt

_CHUNK_NUMBERS = 1 << 22
"""What the widest layer gives at once in inference: work for several threads, in bounded memory."""

_LEAST_ROWS, _MOST_ROWS = 512, 4096
"""Rows taken at once, however wide or narrow the layers are."""


class Net(StatefulModule, ABC):
    """A module from features to scores, and the loss that makes scores a number: `head`.

    `Sequential` is one; any other `Layer` becomes one by this base class, named behind it as in
    ``class Dense(Affine, Net)``, and a loss, assigned to `head`. The public calls convert their input
    to the net's dtype and give arrays of the caller's own.

    Attributes
    ----------
    head : Loss or None
    dtype : numpy.dtype or None
        Of the layers, which have it in common; None where none of them has one.
    accepts : "float", "real" or "index"
        What the first layer takes, as `Layer.accepts`.
    accepts_sparse : bool
        Whether `x` may be a CSR matrix of ``scipy.sparse``, as where `Affine` or `Embedding` comes first.
    """

    head: Loss | None
    dtype: np.dtype[Any] | None
    accepts: str
    accepts_sparse: bool

    @abstractmethod
    def forward(self, x: Array, *, training: bool) -> Array:
        """The scores of a batch in the net's dtype."""

    @abstractmethod
    def backward_parameters(self, dy: Array) -> None:
        """Assign the parameters' gradients, from that of the scores."""

    def pack(self) -> tuple[ParameterVector, StateVector]:
        """As `Module.pack`; for the inferences to come, the process keeps the memory that they free."""
        check_found(self)
        keep_freed_memory()
        return super().pack()

    def widest(self, sample_shape: tuple[int, ...]) -> int:
        """How many numbers a sample takes where it takes most."""
        return self.parameters.count

    def innermost(self) -> Iterator[Module]:
        """The layers that the net is a row of; itself, where it is none."""
        yield self

    # ---------------------------------------------------------------- inference

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Scores of `x` (batch, ...), by inference in chunks; an array of the caller's own."""
        x = self._input(x)
        scores = self._in_chunks(lambda scores: scores, x)
        return scores.copy() if np.may_share_memory(scores, x) else scores

    def score_chunks(self, x: npt.ArrayLike) -> Iterator[tuple[slice, Array]]:
        """Pairs of rows and their scores, by inference, so that memory stays bounded."""
        x = self._input(x)
        whole, count = x.flags.c_contiguous, self._chunk_rows(x)
        for start in range(0, len(x), count):
            rows = slice(start, start + count)
            yield rows, self._scores(x, x[rows] if whole else take_rows(x, rows))

    def predict(self, x: npt.ArrayLike) -> Array:
        """What the scores of `x` say, by inference in chunks: labels (batch,), or numbers (batch, ...).

        Raises
        ------
        DivergedError
            Scores are NaN or infinite and say nothing; says in which rows of `x`.
        """
        head, x = self.head or self._require_head(), self._input(x)
        try:
            predicted = self._in_chunks(head.predict, x)
        except DivergedError:
            if len(x) > _LEAST_ROWS:
                head.predict(self(x))  # anew, on all of it: to name rows of x, not of a chunk
            raise
        return predicted.copy() if np.may_share_memory(predicted, x) else predicted

    def predict_probabilities(self, x: npt.ArrayLike) -> Array:
        """Probabilities (batch, classes) of `x`, by inference in chunks; NaN for scores of NaN."""
        head = self._require_head()
        if not hasattr(head, "probabilities"):
            self.fail(StructureError, "a loss of classes at the end", head.label, "call predict(x)")
        return self._in_chunks(head.probabilities, self._input(x))

    def loss(
        self, x: npt.ArrayLike, targets: npt.ArrayLike, *, weights: npt.ArrayLike | None = None
    ) -> float:
        """The data loss (no penalty) of `x` and `targets`, by inference in chunks."""
        head, x = self._require_head(), self._input(x)
        targets = check_array(self.label, "targets", targets, kinds=ANY)
        weights = None if weights is None else check_array(self.label, "weights", weights)
        lengths = {len(array) if array.ndim else 0 for array in (x, targets, weights) if array is not None}
        if len(x) <= _LEAST_ROWS or len(lengths) > 1:  # the head refuses lengths that differ
            return head_loss(head, self(x[:_LEAST_ROWS]), targets, weights)
        tally = Tally(head, [])
        for rows, scores in self.score_chunks(x):
            part = targets[rows], None if weights is None else weights[rows]
            tally.add(head_loss(head, scores, *part), scores, *part)
        return tally.result()["loss"]

    def trace(self, x: npt.ArrayLike) -> list[Traced]:
        """What each layer, at any depth, makes of `x` in one inference, in the order of their answers."""
        return trace(self, self._convert(self._input(x)))

    def summary(self, sample_shape: tuple[int, ...] | None = None) -> str:
        """A table of the layers, their parameters and, given one sample's shape, their outputs."""
        return summary(self, [] if sample_shape is None else self._traced(sample_shape))

    def _traced(self, sample_shape: tuple[int, ...]) -> list[Traced]:
        shape = 1, *check_shape(self.label, "sample_shape", sample_shape)
        return trace(self, np.zeros(shape, np.int64 if self.accepts == "index" else self.dtype))

    def diagram(self, path: str | os.PathLike[str], sample_shape: tuple[int, ...] | None = None) -> None:
        """Draw the layers into an image file, with the shapes that a sample has (extra ``plot``)."""
        from minidl.diagram import boxes, draw

        traced = [] if sample_shape is None else self._traced(sample_shape)
        draw(boxes(self, {one.path: one.y.shape[1:] for one in traced}), path)

    # ---------------------------------------------------------------- training

    def loss_and_gradients(
        self, x: npt.ArrayLike, targets: npt.ArrayLike, *, weights: npt.ArrayLike | None = None
    ) -> float:
        """The data loss of one batch; its gradients go into ``net.parameters.gradients``."""
        return self.forward_backward(x, targets, weights)[0]

    def forward_backward(
        self, x: npt.ArrayLike, targets: npt.ArrayLike, weights: npt.ArrayLike | None = None
    ) -> tuple[float, Array]:
        """As `loss_and_gradients`, and the batch's scores, lent until the next training pass."""
        head, batch = self.head or self._require_head(), x
        if x.__class__ is not np.ndarray or x.dtype is not self.dtype or not x.ndim:
            x = self._input(x)
            batch = self._convert(x, lend=True) if self.accepts == "float" else x
        try:
            scores = self.forward(batch, training=True)  # type: ignore[arg-type]  # an array by now
            if weights is None:  # of which a loss need not know
                loss = head.forward(scores, targets, training=True)
            else:
                loss = head.forward(scores, targets, weights=weights, training=True)
        except Exception as error:
            x = self._input(x)
            explain(self, self.innermost(), error, x, self._convert(x), training=True)
        if loss.__class__ is not float:
            loss = check_loss(head, loss)
        self.backward_parameters(head.backward())
        return loss, scores

    # ---------------------------------------------------------------- what both need

    def _in_chunks(self, function: Callable[[Array], Array], x: Array) -> Array:
        if len(x) <= _LEAST_ROWS:
            return function(self._scores(x, x))
        return np.concatenate([function(scores) for _, scores in self.score_chunks(x)])

    def _chunk_rows(self, x: Array) -> int:
        widest = 1
        with suppress(Exception):  # x or a layer is wrong, as the pass itself will say, or takes no zeros
            widest = max(self.widest(x.shape[1:]), 1)
        return min(max(_CHUNK_NUMBERS // widest, _LEAST_ROWS), _MOST_ROWS)

    def _scores(self, x: Array, batch: Array) -> Array:
        """`forward` of `batch`, rows of `x`, by inference."""
        try:
            scores = self.forward(self._convert(batch), training=False)
            if not isinstance(scores, np.ndarray) or len(scores) != len(batch):
                raise ShapeError.expected(self.label, f"{len(batch)} rows of scores", shown(scores))
            return scores
        except Exception as error:
            explain(self, self.innermost(), error, x, self._convert(batch), training=False)

    def _input(self, x: npt.ArrayLike) -> Array:
        # Every training step comes by here, so that even a call of `type` counts.
        if x.__class__ is not np.ndarray or x.dtype.kind not in "fiub":
            x = as_batch(self, x)
        if not x.ndim:
            self.fail(ShapeError, "x of shape (batch, ...)", x.shape)
        return x

    def _convert(self, x: Array, *, lend: bool = False) -> Array:
        if self.dtype is None or x.dtype == self.dtype or self.accepts != "float":
            return x
        if not lend or is_batch(x):
            return x.astype(self.dtype)
        converted = self.buffer("x", x.shape, self.dtype)
        np.copyto(converted, x, casting="same_kind")
        return converted

    def _require_head(self) -> Loss:
        if self.head is None:
            self.fail(StructureError, "a loss as the last part", "none", "add SoftmaxCrossEntropy()")
        return self.head


def head_loss(
    head: Loss, scores: Array, targets: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> float:
    """The loss of a batch by inference; without weights, of which a loss need not know, none are passed."""
    options = {} if weights is None else {"weights": weights}
    return check_loss(head, head.forward(scores, targets, **options, training=False))
