"""Every exception minidl raises, in one message format.

A message reads ``WHERE: expected WHAT, got WHAT; what to do``, for example
``Affine 'affine0': expected x of shape (batch, 784), got (32, 10)``.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

_NAMED = 5
"""Rows, columns and the like that a message names; of more it says how many."""


class MinidlError(Exception):
    """The base of minidl's exceptions: ``except MinidlError`` catches them all."""

    @classmethod
    def expected(cls, where: str, expected: object, got: object, remedy: str = "") -> Self:
        """The exception whose message says where, what was expected, what came, what to do."""
        message = f"{where}: expected {expected}, got {got}"
        return cls(f"{message}; {remedy}" if remedy else message)


class ShapeError(MinidlError, ValueError):
    """An array has another shape than the one fixed at construction."""


class DTypeError(MinidlError, TypeError):
    """An array has a dtype that the receiver does not take, or dtypes are mixed in one net."""


class StateError(MinidlError, RuntimeError):
    """A call came at the wrong moment, such as a backward with no training forward before it."""


class StructureError(MinidlError, ValueError):
    """Parts that do not make a net, such as a loss in the middle or one layer used twice."""


class ConfigurationError(MinidlError, ValueError):
    """A hyperparameter or option outside its domain, such as a learning rate of 0."""


class DataError(MinidlError, ValueError):
    """Data that cannot be trained on, or a data file that is missing, damaged or foreign."""


class CheckpointError(MinidlError, ValueError):
    """A saved net that is truncated, foreign or at odds with its own description."""


class MissingPartError(MinidlError, KeyError, IndexError):
    """A net or a vector has no part of that name or at that position."""

    __str__ = Exception.__str__  # a KeyError's would put the message in quotes


class DivergedError(MinidlError, ArithmeticError):
    """Training or inference left the finite numbers; the net keeps its last finite parameters."""

    @classmethod
    def in_rows(cls, where: str, expected: str, rows: npt.NDArray[np.intp], count: int) -> Self:
        """The exception that names the rows of the `count` in x that left the finite numbers."""
        names = ", ".join(map(str, rows[:_NAMED]))
        got = f"none in {len(rows):,} of {count:,} rows of x: {names}{', ...' if len(rows) > _NAMED else ''}"
        remedy = "look for NaN and for numbers far out of scale in these rows"
        if len(rows) == count:
            remedy += ", and in net.parameters.values"
        return cls.expected(where, expected, got, remedy)


class MissingExtraError(MinidlError, ImportError):
    """A feature needs a package that one of minidl's extras installs."""

    @classmethod
    def for_extra(cls, feature: str, package: str, extra: str) -> Self:
        """The exception that names the extra to install."""
        return cls(f"{feature} needs {package}, which is not installed: pip install 'minidl[{extra}]'")
