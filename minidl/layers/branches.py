"""Layers side by side: what they give is added, or joined."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NoReturn

from minidl.checks import check_int
from minidl.errors import ShapeError, StructureError
from minidl.inspection import common_dtype
from minidl.layers.layer import Layer
from minidl.layers.parts import Part, add_layers, add_up, as_given, join, split
from minidl.layers.shapes import Shape, fixed_shape, shape_after, shape_through
from minidl.module import Module
from minidl.types import Array


class _Branches(Layer):
    """Branches that all get the same `x`, and whose gradients by it are added up."""

    def _settle(self, branches: Sequence[Layer]) -> None:
        """Take over what the branches have in common, and refuse shapes that do not fit, where they tell."""
        self._branches, self.dtype = tuple(branches), common_dtype(self)
        kinds = {branch.accepts: branch.label for branch in reversed(self._branches)}
        if len(kinds) > 1:
            got = ", ".join(f"{kind} in {label}" for kind, label in kinds.items())
            self.fail(StructureError, "branches that accept one kind of input", got)
        self.accepts = self._branches[0].accepts
        self.accepts_sparse = all(branch.accepts_sparse for branch in self._branches)
        self.sample_shape = fixed_shape(self._branches)
        given = [shape_through([branch], self.sample_shape) for branch in self._branches]
        if (shapes := [shape for shape in given if shape is not None]) == given:
            self._joined(shapes)

    @property
    def branches(self) -> tuple[Part, ...]:
        """The branches as they were given."""
        return as_given(self, self._branches)

    def ways(self) -> tuple[tuple[Module, ...], ...]:
        """The branches side by side."""
        return tuple((branch,) for branch in self._branches)

    @abstractmethod
    def _joined(self, shapes: list[Shape]) -> Shape:
        """The shape of what comes of samples of these shapes, one from each branch, or `ShapeError`."""

    def _misfit(self, expected: str, shapes: list[Shape]) -> NoReturn:
        got = ", ".join(f"{shape} of {b.label}" for b, shape in zip(self._branches, shapes, strict=True))
        self.fail(ShapeError, f"branches that give {expected}", got)

    def output_shape(self, sample_shape: Shape) -> Shape:
        """That of the branches' outputs, added or joined."""
        return self._joined([shape_after(sample_shape, branch) for branch in self._branches])

    def _forward_all(self, x: Array, training: bool) -> list[Array]:
        outputs = [branch.forward(x, training=training) for branch in self._branches]
        self._joined([y.shape[1:] for y in outputs])
        return outputs

    def backward(self, dy: Array) -> Array:
        """The sum of the branches' gradients, each for its own part of `dy`."""
        pairs = zip(self._branches, self._parts_of(dy), strict=True)
        return add_up(self, "dx", [branch.backward(part) for branch, part in pairs], lend=True)

    def backward_parameters(self, dy: Array) -> None:
        """The gradients of the branches' parameters."""
        for branch, part in zip(self._branches, self._parts_of(dy), strict=True):
            branch.backward_parameters(part)

    @abstractmethod
    def _parts_of(self, dy: Array) -> list[Array]:
        """Each branch's part of `dy`."""


class Add(_Branches):
    """The sum of what the branches make of the same `x`: ``sum(branch(x))``.

    Parameters
    ----------
    *branches : Layer or (name, Layer)
        Each gives the same shape; several layers after one another make a branch as a `Sequential`.

    Raises
    ------
    StructureError
        For what is no layer; for branches that accept different kinds of input.
    ShapeError, DTypeError
        Branches whose shapes or dtypes differ.
    """

    joint = "+"

    def __init__(self, *branches: Part) -> None:
        self._settle(add_layers(self, branches))

    def _joined(self, shapes: list[Shape]) -> Shape:
        if len(set(shapes)) > 1:
            self._misfit("one shape", shapes)
        return shapes[0]

    def forward(self, x: Array, *, training: bool) -> Array:
        """The sum of the branches' outputs."""
        return add_up(self, "y", self._forward_all(x, training), lend=training)

    def _parts_of(self, dy: Array) -> list[Array]:
        return [dy] * len(self._branches)


class Concat(_Branches):
    """What the branches make of the same `x`, joined along an axis.

    Parameters
    ----------
    *branches : Layer or (name, Layer)
    axis : int >= 1
        Of the batch, whose axis 0 is the samples': 1 joins features, or the channels of images.

    Raises
    ------
    StructureError, ShapeError, DTypeError
        As in `Add`, but along the axis the shapes may differ.
    """

    joint = "concat"

    def __init__(self, *branches: Part, axis: int = 1) -> None:
        self.axis = check_int(self.label, "axis", axis, at_least=1)
        self._settle(add_layers(self, branches))

    def _joined(self, shapes: list[Shape]) -> Shape:
        along = self.axis - 1
        if len({(*shape[:along], *shape[along + 1 :]) for shape in shapes}) > 1 or len(shapes[0]) <= along:
            self._misfit(f"one shape but along axis {self.axis}", shapes)
        return *shapes[0][:along], sum(shape[along] for shape in shapes), *shapes[0][along + 1 :]

    def forward(self, x: Array, *, training: bool) -> Array:
        """The branches' outputs, one behind the other."""
        return join(self, self._forward_all(x, training), self.axis, training=training)

    def _parts_of(self, dy: Array) -> list[Array]:
        return split(self, dy, self.axis, *self.recall())
