"""Containers: layers made of layers, first of all the net."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from minidl.checks import check_array, shown
from minidl.errors import DivergedError, DTypeError, MissingPartError, ShapeError, StructureError
from minidl.faults import explain
from minidl.kernels.rows import take_rows
from minidl.layers.layer import Layer
from minidl.losses.loss import ANY, Loss, check_loss
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt

Part: TypeAlias = "Layer | Loss | tuple[str, Layer | Loss]"

_CHUNK = 1 << 17
"""Numbers that a layer gives at once in inference, but no fewer than 512 rows and no more than 4,096."""

_BLOCK = (1 << 22) - 1
"""Bytes; for one more, NumPy would ask the system for huge pages."""


class Sequential(Layer):
    """Layers one after the other; with a `Loss` at the end, a net that can be trained.

    Parameters
    ----------
    *parts : Layer, Loss, or (name, layer)
        Unnamed layers are numbered per type, so that the parameters read ``affine0.weight``. A
        `Loss` may stand last; it is ``net.head``.

    Raises
    ------
    StructureError
        For a loss in the middle, an instance used twice, a name used twice, no layer at all.
    DTypeError
        For layers of different dtypes.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> from minidl import Affine, ReLU, SoftmaxCrossEntropy
    >>> net = Sequential(Affine(4, 8, rng=rng), ReLU(), Affine(8, 3, rng=rng), SoftmaxCrossEntropy())
    >>> net(np.ones((2, 4))).shape
    (2, 3)
    >>> list(net.parameters)
    ['affine0.weight', 'affine0.bias', 'affine1.weight', 'affine1.bias']
    """

    head: Loss | None

    def __init__(self, *parts: Part) -> None:
        numbers: dict[str, int] = {}
        layers: list[Layer] = []
        self.head = None
        for position, part in enumerate(parts):
            name, layer = part if isinstance(part, tuple) and len(part) == 2 else ("", part)
            if isinstance(layer, Loss) and position == len(parts) - 1:
                self.head = layer
                continue
            if not isinstance(layer, Layer):
                expected = "layers, and a loss at the very end only"
                got = f"{shown(layer)} as part {position} of {len(parts)}"
                remedy = "unpack them: Sequential(*layers)" if isinstance(layer, (list, tuple)) else ""
                self.fail(StructureError, expected, got, remedy)
            if isinstance(layer, Sequential) and layer.head is not None:
                self.fail(StructureError, "no loss inside a nested Sequential", repr(layer.head))
            if isinstance(name, str) and not name:
                kind = type(layer).__name__.lower()
                number = numbers.setdefault(kind, 0)
                numbers[kind] += 1
                name = f"{kind}{number}"
            elif not (isinstance(name, str) and name.isidentifier()):
                self.fail(StructureError, "a part's name to be an identifier", shown(name))
            if name in self._children or name == "head":
                self.fail(StructureError, "every part to have a name of its own", f"{name!r} twice")
            self._register(name, layer)
            layers.append(layer)
        if not layers:
            self.fail(StructureError, "at least one layer", "none")
        self.layers = tuple(layers)
        self.takes_raw = layers[0].takes_raw
        self.dtype = self._common_dtype()
        # Nobody asks for gradients before the first layer with parameters.
        first = next((i for i, layer in enumerate(layers) if any(layer.named_parameters())), len(layers))
        self._before, self._first = layers[:first], layers[first : first + 1]
        self._behind = layers[:first:-1]
        # Rows that inference takes at once: enough for the BLAS, few enough for the cache.
        sides = [side for _, parameter in self.named_parameters() for side in parameter.shape]
        widest = max(sides, default=1)
        self._rows = min(max(_CHUNK // widest, 512), 4096)
        # Inference allocates. What is freed above a threshold glibc hands back to the system, which clears it
        # for the next one: half of the time that rows of 64 numbers took. Any large block that a program
        # frees raises that threshold (see mallopt(3), M_TRIM_THRESHOLD): this one is only taken and freed.
        np.empty(_BLOCK, np.uint8)

    def _common_dtype(self) -> np.dtype[np.generic] | None:
        dtypes = {path: parameter.value.dtype for path, parameter in self.named_parameters()}
        dtypes |= {
            m.label: m.dtype for m in self.modules() if isinstance(m, Layer) and m is not self and m.dtype
        }
        if len(set(dtypes.values())) > 1:
            found = ", ".join(f"{dtype} in {path}" for path, dtype in dtypes.items())
            self.fail(DTypeError, "one dtype in all layers", found, "give them the same dtype=")
        return next(iter(dtypes.values()), None)

    # ---------------------------------------------------------------- as any layer

    def forward(self, x: Array, *, training: bool) -> Array:
        """The scores: each layer's forward in turn. Strict about dtype; the head takes no part."""
        for layer in self.layers:
            x = layer.forward(x, training=training)
        return x

    def backward(self, dy: Array) -> Array:
        """Each layer's backward in reverse turn; fills the gradients and returns the input's."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def backward_parameters(self, dy: Array) -> None:
        """The parameters' gradients only: work that would serve the input's alone is left out."""
        for layer in self._behind:
            dy = layer.backward(dy)
        for layer in self._first:
            layer.backward_parameters(dy)
        for layer in self._before:
            layer.forget()

    # ---------------------------------------------------------------- as a net

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Scores of `x` (batch, ...), by inference in chunks; an array of the caller's own."""
        x = self._input(x)
        scores = self._in_chunks(lambda scores: scores, x)
        return scores.copy() if np.may_share_memory(scores, x) else scores

    def score_chunks(self, x: npt.ArrayLike) -> Iterator[tuple[slice, Array]]:
        """Pairs of rows and their scores, by inference, so that memory stays bounded."""
        x = self._input(x)
        whole, count = x.flags.c_contiguous, self._rows
        for start in range(0, len(x), count):
            rows = slice(start, start + count)
            yield rows, self._scores(x, x[rows] if whole else take_rows(x, rows))

    def predict(self, x: npt.ArrayLike) -> Array:
        """Labels (batch,) of `x`, by inference in chunks.

        Raises
        ------
        DivergedError
            Scores are NaN or infinite, so that there is no class to name; says in which rows of `x`.
        """
        head, x = self._require_head(), self._input(x)
        try:
            return self._in_chunks(head.predict, x)
        except DivergedError:
            if len(x) > self._rows:
                head.predict(self(x))  # anew, on all of it: to name rows of x, not of a chunk
            raise

    def predict_probabilities(self, x: npt.ArrayLike) -> Array:
        """Probabilities (batch, classes) of `x`, by inference in chunks; NaN for scores of NaN."""
        head = self._require_head()
        return self._in_chunks(head.probabilities, self._input(x))  # type: ignore[attr-defined]

    def _in_chunks(self, function: Callable[[Array], Array], x: Array) -> Array:
        if len(x) <= self._rows:
            return function(self._scores(x, x))
        return np.concatenate([function(scores) for _, scores in self.score_chunks(x)])

    def loss(self, x: npt.ArrayLike, targets: npt.ArrayLike) -> float:
        """The data loss (no penalty) of `x` and `targets`, by inference in chunks."""
        head, x = self._require_head(), self._input(x)
        targets = check_array(self.label, "targets", targets, kinds=ANY)
        if len(x) <= self._rows or targets.shape[:1] != x.shape[:1]:  # the head refuses lengths that differ
            return check_loss(head, head.forward(self(x[: self._rows]), targets, training=False))
        total = 0.0
        for rows, scores in self.score_chunks(x):
            loss = check_loss(head, head.forward(scores, targets[rows], training=False))
            total += loss * len(scores)
        return total / len(x)

    def loss_and_gradients(self, x: npt.ArrayLike, targets: npt.ArrayLike) -> float:
        """The data loss of one batch; its gradients go into ``net.parameters.gradients``."""
        return self.forward_backward(x, targets)[0]

    def forward_backward(self, x: npt.ArrayLike, targets: npt.ArrayLike) -> tuple[float, Array]:
        """As `loss_and_gradients`, and the batch's scores, lent until the next training pass."""
        head = self.head or self._require_head()
        if self._vector is None:
            self.parameters  # noqa: B018 - packs, so that the gradients land in the vector
        x = self._input(x)
        try:
            scores = self.forward(self._convert(x, lend=True), training=True)
            loss = head.forward(scores, targets, training=True)
        except Exception as error:
            explain(self, self._innermost(), error, x, self._convert(x), training=True)
        if loss.__class__ is not float:
            loss = check_loss(head, loss)
        self.backward_parameters(head.backward())
        return loss, scores

    def _scores(self, x: Array, batch: Array) -> Array:
        """`forward` of `batch`, rows of `x`, by inference."""
        try:
            scores = self.forward(self._convert(batch), training=False)
            if not isinstance(scores, np.ndarray) or len(scores) != len(batch):
                raise ShapeError.expected(self.label, f"{len(batch)} rows of scores", shown(scores))
            return scores
        except Exception as error:
            explain(self, self._innermost(), error, x, self._convert(batch), training=False)

    def _innermost(self) -> Iterator[Layer]:
        """The layers one after the other, those inside a nested Sequential in its place."""
        for layer in self.layers:
            yield from layer._innermost() if isinstance(layer, Sequential) else (layer,)

    def _input(self, x: npt.ArrayLike) -> Array:
        # Every training step comes by here, so that even a call of `type` counts.
        if x.__class__ is not np.ndarray or x.dtype.kind not in "fiub":
            x = check_array(self.label, "x", x)
        if not x.ndim:
            self.fail(ShapeError, "x of shape (batch, ...)", x.shape)
        return x

    def _convert(self, x: Array, *, lend: bool = False) -> Array:
        if self.takes_raw or self.dtype is None or x.dtype == self.dtype:
            return x
        if not lend:
            return x.astype(self.dtype)
        converted = self.buffer("x", x.shape, self.dtype)
        np.copyto(converted, x, casting="same_kind")
        return converted

    def _require_head(self) -> Loss:
        if self.head is None:
            self.fail(StructureError, "a loss as the last part", "none", "add SoftmaxCrossEntropy()")
        return self.head

    # ---------------------------------------------------------------- as a list

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __getitem__(self, key: int | str) -> Layer:
        """The layer at a position or of a name: ``net[0]``, ``net["affine0"]``."""
        if isinstance(key, str) and isinstance(layer := self._children.get(key), Layer):
            return layer
        try:
            return self.layers[key]  # type: ignore[index]
        except (IndexError, TypeError):
            there = ", ".join(self._children)
            raise MissingPartError(f"{self.label}: no layer {shown(key)}; there are {there}") from None

    def __repr__(self) -> str:
        lines = [f"{name}: {child!r}".replace("\n", "\n  ") for name, child in self._children.items()]
        return "Sequential(\n  " + "\n  ".join(lines) + "\n)"
