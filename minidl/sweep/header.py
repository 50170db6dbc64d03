"""The journal's first line: which sweep it is."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import reprlib
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from minidl.data import Dataset
from minidl.files import to_json
from minidl.kernels.rows import row_blocks
from minidl.kernels.sparse import arrays_of
from minidl.sweep.fields import Field, check_fields, is_count, is_text
from minidl.sweep.halving import Halving
from minidl.sweep.portable import name_of
from minidl.sweep.space import Configuration
from minidl.sweep.trial import Setup
from minidl.types import Array

HEADER = "the header of a minidl sweep"
_SHOWN = 120  # characters of a key's values; more is a count
_TOLD = 6  # differences, of many
_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _SHOWN


def describe(
    setup: Setup,
    configurations: Sequence[Configuration],
    budget: int,
    halving: Halving | None,
    sampler: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Everything that the rows depend on, in terms of JSON."""
    from minidl import __version__  # here: minidl may be half-way through its own import

    data = setup.data
    parts = {"train": _fingerprint(data.train), "validation": _fingerprint(data.validation)}
    return {
        "minidl": __version__,
        "model": name_of(setup.build),
        **describe_space(configurations),
        "data": {"name": name_of(data.name), **parts},
        setup.unit: budget,
        "objective": name_of(setup.objective),
        "seed": setup.seed,
        "halving": dataclasses.asdict(halving) if halving else None,
        "sampler": sampler,
    }


def describe_space(configurations: Sequence[Configuration]) -> dict[str, Any]:
    """The part of it that the configurations make."""
    return {
        "trials": len(configurations),
        "configurations": hashlib.sha256(to_json(configurations).encode()).hexdigest(),
        "keys": _keys(configurations),
    }


def check_header(where: str, found: Any) -> dict[str, Any]:
    """A header that comes from a file, or `CheckpointError`; it may lack what older ones lack."""
    return check_fields(where, found, _FIELDS, needed=("format", "version"), of=HEADER, others=True)


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[tuple[str, str]]:
    """In what two headers differ, in words: what is in `found`, and what in `wanted`."""
    pairs: list[tuple[str, str]] = []
    for name in {**wanted, **found}:
        theirs, ours = found.get(name), wanted.get(name)
        if theirs == ours or name == "keys":
            continue
        if name == "configurations":
            pairs += _key_differences(found.get("keys"), wanted.get("keys"))
        elif name == "data" and isinstance(theirs, dict) and isinstance(ours, dict):
            pairs += _data_differences(theirs, ours)
        else:
            pairs.append((_show(name, theirs), _show(name, ours)))
    return pairs


def in_words(pairs: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Both sides of what `differences` gave as a list each, cut where it is long."""
    more = [f"and {len(pairs) - _TOLD} more"] if len(pairs) > _TOLD else []
    theirs, ours = (", ".join([*side[:_TOLD], *more]) for side in zip(*pairs, strict=True))
    return theirs, ours


def _show(name: str, value: Any) -> str:
    return f"no {name}" if value is None else f"{name} {_repr.repr(value)}"


def _keys(configurations: Sequence[Configuration]) -> dict[str, list[Any]]:
    """Each key's values as a text, which is cut where it is long, and the checksum of all of them."""
    values: dict[str, dict[str, None]] = {}  # each once, as they come
    for configuration in configurations:
        for name, value in configuration.items():
            values.setdefault(name, {})[json.dumps(value)] = None
    keys = {}
    for name, texts in values.items():
        text = ", ".join(texts)
        shown = f"[{text}]" if len(text) <= _SHOWN else f"[{text[:_SHOWN]}...] ({len(texts):,} values)"
        keys[name] = [shown, zlib.crc32(text.encode())]
    return keys


def _key_differences(theirs: Any, ours: Any) -> Iterator[tuple[str, str]]:
    if not (isinstance(theirs, dict) and isinstance(ours, dict)):  # journals had no keys at first
        yield "the configurations that the journal was begun with", "others"
    elif theirs == ours:
        yield "configurations as the journal has them", "the same values in another order or combination"
    else:
        for name in {**ours, **theirs}:
            before, now = (
                f"{name} {keys[name][0]}" if name in keys else f"no {name}" for keys in (theirs, ours)
            )
            if before != now:
                yield before, now
            elif theirs[name] != ours[name]:
                yield before, f"{name} with other values after these"


def _data_differences(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if theirs.get("name") != ours.get("name"):
        yield _show("data", theirs.get("name")), _show("data", ours.get("name"))
    for part in ("train", "validation"):
        before, now = theirs.get(part), ours.get(part)
        if before is None or now is None:
            if before != now:
                pair = (f"no {part} part", f"a {part} part")
                yield pair if before is None else pair[::-1]
            continue
        for name in before:
            which = f"{part} {name}"
            (shape, dtype, content), (our_shape, our_dtype, our_content) = before[name], now[name]
            if (shape, dtype) != (our_shape, our_dtype):
                yield f"{which} of shape {shape}, {dtype}", f"{which} of shape {our_shape}, {our_dtype}"
            elif content != our_content:
                yield f"{which} as they were", f"{which} of the same shape and other content"


def _fingerprint(data: Dataset | None) -> dict[str, Any] | None:
    """What tells data sets apart: the arrays' shape, dtype and checksum."""
    if data is None:
        return None
    arrays = {"features": data.features, "targets": data.targets}
    return {name: [list(array.shape), str(array.dtype), _checksum(array)] for name, array in arrays.items()}


def _checksum(array: Array) -> int:
    total = 0
    for part in arrays_of(array):
        for _, block in row_blocks(part):
            total = zlib.crc32(block.data, total)
    return total


def _is_keys(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(each, list) and len(each) == 2 and is_text(each[0]) and is_count(each[1])
        for each in value.values()
    )


def _is_data(value: Any) -> bool:
    if not (isinstance(value, dict) and value.keys() == {"name", "train", "validation"}):
        return False
    parts = [part for name, part in value.items() if name != "name" and part is not None]
    return is_text(value["name"]) and all(map(_is_part, parts))


def _is_part(value: Any) -> bool:
    """Whether it is what a header holds of a data set: shape, dtype and checksum of each array."""
    return (
        isinstance(value, dict)
        and value.keys() == {"features", "targets"}
        and all(
            isinstance(each, list)
            and len(each) == 3
            and isinstance(each[0], list)
            and all(map(is_count, each[0]))
            and is_text(each[1])
            and is_count(each[2])
            for each in value.values()
        )
    )


def _is_object_or_null(value: Any) -> bool:
    return value is None or isinstance(value, dict)


_FIELDS: dict[str, Field] = {
    "format": ("'minidl sweep'", lambda value: value == "minidl sweep"),
    "version": ("a whole number", is_count),
    **dict.fromkeys(("minidl", "model", "configurations", "objective"), ("a text", is_text)),
    **dict.fromkeys(("trials", "steps", "epochs"), ("a whole number >= 0", is_count)),
    "keys": ("values and a checksum for each key", _is_keys),
    "data": ("a name and the checksums of two parts", _is_data),
    **dict.fromkeys(("halving", "sampler"), ("an object or null", _is_object_or_null)),
}
