"""Reads pickled dictionaries, lists, numbers, text and byte arrays, and executes nothing.

`pickle.Unpickler` runs what a file tells it to, and even with an allow-list its memo takes gigabytes
for one damaged byte. So this is a stack machine of its own, over what `pickletools` decodes: it knows
the few opcodes that data needs and four globals, and for these collects what is said of an array.
"""

from __future__ import annotations

import io
import math
import pickletools
import re
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.errors import DataError

_RECONSTRUCT, _NDARRAY, _DTYPE, _ENCODE = "_reconstruct", "ndarray", "dtype", "encode"
_ALLOWED = {
    "numpy.core.multiarray._reconstruct": _RECONSTRUCT,
    "numpy._core.multiarray._reconstruct": _RECONSTRUCT,
    "numpy.ndarray": _NDARRAY,
    "numpy.dtype": _DTYPE,
    "_codecs.encode": _ENCODE,
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_IGNORED = {"PROTO", "FRAME", "STOP"}
_LITERALS = {
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}
MAX_OPCODES = 1 << 19
"""Each makes a hundred bytes of Python's objects at most; an image takes five of them at most."""
MAX_WIDE_BYTES = 1 << 20  # of a text
_WIDE, _WIDE_ESCAPE = re.compile(rb"[\xc4-\xff]"), re.compile(rb"\\u(?!00)|\\U(?!000000)")
_MAX_DIMENSIONS = 8
_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}


def read_pickle(where: str, data: bytes) -> object:
    """The value a pickle of protocol 0 to 4 holds, in which arrays are `PickledArray`.

    Python 2's byte strings come as str, decoded by Latin-1.

    Raises
    ------
    DataError
        The pickle is truncated or malformed, or names a global that data does not need.
    """
    machine = _Machine(where, len(data))
    try:
        for name, argument in _operations(data):
            machine.step(name, argument)
        (value,) = machine.stack
        return value
    except DataError:
        raise
    except Exception as error:  # pickletools and the machine raise a dozen kinds on damaged input
        got = error or type(error).__name__
        raise DataError.expected(where, "a whole pickle", got, "get the file anew") from error


def _operations(data: bytes) -> Iterator[tuple[str, Any]]:
    """The opcodes and their arguments, of which none takes much more memory than the file."""
    stream = io.BytesIO(data)
    for _ in range(MAX_OPCODES):
        opcode = _OPCODES[stream.read(1).decode("latin-1")]
        if opcode.name in ("UNICODE", "BINUNICODE", "BINUNICODE8"):
            _check_text(opcode.name, data, stream.tell())
        yield opcode.name, opcode.arg.reader(stream) if opcode.arg else None
        if opcode.name == "STOP":
            return
    raise ValueError(f"more than {MAX_OPCODES:,} opcodes")


def _check_text(name: str, data: bytes, start: int) -> None:
    """Raise for a long text with a character beyond Latin-1, which makes each take two bytes or four."""
    size = 4 if name == "BINUNICODE" else 8
    end, wide = start + size + int.from_bytes(data[start : start + size], "little"), _WIDE
    if name == "UNICODE":
        end, wide = data.find(b"\n", start), _WIDE_ESCAPE
    if end - start > MAX_WIDE_BYTES and wide.search(data, start, end):
        raise ValueError(f"a text of more than {MAX_WIDE_BYTES:,} bytes that no array is written as")


class PickledArray:
    """What a pickle says about an array: an inert record, made of checked parts by `to_numpy`."""

    __slots__ = ("dtype", "fortran", "raw", "shape")

    def __init__(self) -> None:
        self.shape: object = None
        self.dtype: object = None
        self.fortran: object = False
        self.raw: object = None

    def to_numpy(self, where: str) -> npt.NDArray[np.uint8]:
        """The uint8 array, read-only, or `DataError` if the record is not one."""
        code = self.dtype.code if isinstance(self.dtype, _DType) else None
        if code not in ("u1", "|u1", "B"):
            raise DataError.expected(where, "an array of uint8", f"dtype {shown(code)}")
        raw = self.raw
        if not isinstance(self.shape, tuple) or not isinstance(raw, bytes):
            raise DataError.expected(where, "an array's shape and bytes", type(raw).__name__)
        sizes = [size for size in self.shape if type(size) is int and 0 <= size <= len(raw)]
        if not 0 < len(sizes) == len(self.shape) <= _MAX_DIMENSIONS or math.prod(sizes) != len(raw):
            raise DataError.expected(
                where, f"{len(raw)} bytes to fill an array", f"its sizes are {sizes[:4]}"
            )
        return np.frombuffer(raw, np.uint8).reshape(sizes, order="F" if self.fortran else "C")


def is_text(word: str) -> bool:
    """Whether it can be written: half a character cannot."""
    return not re.search("[\ud800-\udfff]", word)


def shown(value: object) -> str:
    """A value of a foreign pickle for a message, never longer than a line nor by the value's own depth."""
    if isinstance(value, str) or (type(value) is int and abs(value) < 1 << 63):
        return repr(value)[:80]
    return type(value).__name__


class _DType:
    def __init__(self, code: object) -> None:
        self.code = code


class _Global:
    def __init__(self, name: str) -> None:
        self.name = name


class _Machine:
    def __init__(self, where: str, budget: int) -> None:
        self.where = where
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.budget = budget  # bytes that may still be encoded: no legitimate file needs more than its length

    def step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _LITERALS:
            stack.append(argument)
        elif name in _IGNORED:
            pass
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memo[argument])
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name == "MARK":
            self.marks.append(len(stack))
        elif name in ("GLOBAL", "INST"):
            self.push_global(argument.replace(" ", "."))
        elif name == "STACK_GLOBAL":
            module, attribute = self.pop(2)
            if not isinstance(module, str) or not isinstance(attribute, str):
                raise ValueError("a global whose name is not text")
            self.push_global(f"{module}.{attribute}")
        elif name == "REDUCE":
            stack.append(self.reduced(*self.pop(2)))
        elif name == "BUILD":
            self.build(stack.pop())
        else:
            self.collect(name)

    def collect(self, name: str) -> None:
        """The opcodes that make or fill a tuple, a list or a dictionary."""
        stack = self.stack
        if name in ("EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "TUPLE"):
            count = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}.get(name)
            stack.append(tuple(self.pop_marked() if count is None else self.pop(count)))
        elif name in ("EMPTY_LIST", "LIST"):
            stack.append(self.pop_marked() if name == "LIST" else [])
        elif name in ("APPEND", "APPENDS"):
            items = self.pop_marked() if name == "APPENDS" else self.pop(1)
            self.top(list).extend(items)
        elif name in ("EMPTY_DICT", "DICT"):
            items = self.pop_marked() if name == "DICT" else []
            stack.append(self.paired(items))
        elif name in ("SETITEM", "SETITEMS"):
            items = self.pop_marked() if name == "SETITEMS" else self.pop(2)
            self.top(dict).update(self.paired(items))
        else:
            got = f"the opcode {name}, which is not allowed"
            raise DataError.expected(self.where, "a pickle of plain data", got)

    def push_global(self, name: str) -> None:
        if name not in _ALLOWED:
            raise DataError(
                f"{self.where}: the pickle names {name[:80]}, which is not allowed; nothing was run"
            )
        self.stack.append(_Global(_ALLOWED[name]))

    def reduced(self, function: object, arguments: Any) -> object:
        name = function.name if isinstance(function, _Global) else None
        if name == _RECONSTRUCT:
            return PickledArray()
        if name == _DTYPE:
            return _DType(arguments[0])
        if name == _ENCODE and len(arguments) == 2 and arguments[1] in ("latin1", "latin-1"):
            return self.encoded(arguments[0])
        raise ValueError("a call that makes neither an array nor bytes")

    def encoded(self, text: str) -> bytes:
        self.budget -= len(text)
        if self.budget < 0:
            raise ValueError("more bytes than the file has")
        return text.encode("latin-1")

    def build(self, state: Any) -> None:
        target = self.stack[-1]
        if isinstance(target, PickledArray):
            _version, target.shape, target.dtype, target.fortran, raw = state
            target.raw = self.encoded(raw) if isinstance(raw, str) else raw
        elif not isinstance(target, _DType):  # a dtype's state is its byte order, of which one byte has none
            raise ValueError(f"a state for {type(target).__name__}")

    def pop(self, count: int) -> list[Any]:
        if count > len(self.stack):
            raise ValueError("an empty stack")
        start = len(self.stack) - count
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def pop_marked(self) -> list[Any]:
        return self.pop(len(self.stack) - self.marks.pop())

    def top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise ValueError(f"{type(self.stack[-1]).__name__} where a {kind.__name__} belongs")
        return self.stack[-1]

    def paired(self, items: list[Any]) -> dict[Hashable, Any]:
        keys = items[::2]
        if len(items) % 2 or not all(isinstance(key, (str, bytes)) for key in keys):
            raise ValueError("a dictionary whose keys are not text")
        return dict(zip(keys, items[1::2], strict=True))
