"""Nets in files: one ``.npz`` with the arrays and a JSON description of the layers.

Nothing is pickled and no code comes from the file: the description names classes of minidl, or
classes and functions that the caller of `load` hands in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.advice import shown
from minidl.checks import check_list
from minidl.errors import CheckpointError, ConfigurationError, MinidlError, StructureError
from minidl.files import as_path, atomic_write, to_json
from minidl.inspection import check_found
from minidl.module import Module
from minidl.parameters import State
from minidl.storage.description import ARGUMENT, build, check_known, check_names, describe
from minidl.types import Array

if TYPE_CHECKING:
    import zipfile

# json and zipfile are imported where they are used: they would double the time that `import minidl` takes.

_DESCRIPTION = "description.json"
_FORMAT = "minidl net"
_VERSION, _READ = 2, (1, 2)  # what is written and what is read: 1 has no states


def save(net: Module, path: str | os.PathLike[str]) -> None:
    """Write a net into one file, whole or not at all.

    Parameters
    ----------
    net : Module
        A layer or a whole net; its layers' constructor arguments and parameters are written.
    path : path-like
        Usually ``something.npz``; taken as it is.

    Raises
    ------
    CheckpointError
        For a constructor argument that no file can describe; for two classes of one name; nothing is written.
    StructureError
        For what is no net, such as a Trainer; for a parameter that stands in a list, where it is not found.
    """
    import zipfile

    if not isinstance(net, Module):
        raise StructureError.expected(
            "save", "a net or a layer", shown(net), "of a Trainer, give trainer.net"
        )
    check_found(net)
    check_names(net)
    listed: dict[str, Any] = {}
    arrays: dict[str, Array] = {}
    for kind, parts in _kept(net).items():
        values = {name: part.value for name, part in parts.items()}
        arrays |= values
        listed[kind] = _shapes(values)
    description = {
        "format": _FORMAT,
        "version": _VERSION,
        "net": describe(net, arrays),
        **listed,
    }
    text = to_json(description, indent=1)
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        # A fixed date: the same net gives the same bytes.
        archive.writestr(zipfile.ZipInfo(_DESCRIPTION), text)
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


def load(path: str | os.PathLike[str], *, custom: Sequence[Callable[..., Any]] = ()) -> Any:
    """The net that `save` wrote.

    Parameters
    ----------
    path : path-like
    custom : sequence of classes and functions
        The layer classes, losses and initializers in the net that are not minidl's.

    Raises
    ------
    CheckpointError
        For a file that is truncated, foreign or at odds with its own description.
    FileNotFoundError
    """
    import zipfile

    path = as_path("load", path)
    where = str(path)
    if isinstance(custom, type) or (callable(custom) and not isinstance(custom, (list, tuple))):
        name = getattr(custom, "__name__", type(custom).__name__)
        expected, remedy = "custom to be a list of classes and functions", f"write custom=[{name}]"
        raise ConfigurationError.expected("load", expected, shown(custom), remedy)
    known = check_list("load", "custom", custom, Callable, "classes and functions")
    named = {getattr(thing, "__name__", ""): thing for thing in known}
    try:
        with zipfile.ZipFile(path) as archive:
            description, arrays = _read(archive)
        check_known(description["net"], named)
        net = build(description["net"], arrays, named)
        _fill(net, description, arrays)
    except FileNotFoundError:
        raise
    except CheckpointError as error:
        raise CheckpointError(f"{where}: {error}") from error
    except MinidlError as error:
        raise CheckpointError(f"{where}: its description makes no net: {error}") from error
    except (zipfile.BadZipFile, OSError, EOFError, LookupError, ValueError, TypeError, AttributeError,
            MemoryError, RecursionError, NotImplementedError, RuntimeError) as error:  # fmt: skip
        raise CheckpointError.expected(where, "a net written by minidl.save", f"{error!r}") from error
    return net


def _read(archive: zipfile.ZipFile) -> tuple[dict[str, Any], dict[str, Array]]:
    import json
    import zipfile

    members = archive.infolist()
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise CheckpointError.expected("archive", "every member once", f"{sorted(names)}")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        # Stored members cannot be larger than the file that holds them.
        raise CheckpointError.expected("archive", "members that are not compressed", "compressed ones")
    description = json.loads(archive.read(_DESCRIPTION))
    if description.get("format") != _FORMAT or description.get("version") not in _READ:
        expected = f"format {_FORMAT!r}, version {' or '.join(map(str, _READ))}"
        got = f"{description.get('format')!r}, version {description.get('version')!r}"
        raise CheckpointError.expected("description", expected, got, "a newer minidl may read it")
    arrays = {}
    for name in names:
        if name != _DESCRIPTION:
            arrays[name.removesuffix(".npy")] = _read_array(archive, name)
    return description, arrays


def _read_array(archive: zipfile.ZipFile, name: str) -> Array:
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        if version != (1, 0):
            raise CheckpointError.expected(name, "array format (1, 0)", version)
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
        data = member.read()
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if dtype.kind not in "fiub" or fortran or len(data) != size:
        raise CheckpointError.expected(name, f"{size} bytes of numbers in C order", f"{len(data)} of {dtype}")
    return np.frombuffer(data, dtype).reshape(shape)


def _kept(net: Module) -> dict[str, dict[str, State]]:
    """What of a net is kept as arrays, by the description's key for it."""
    return {"parameters": dict(net.named_parameters()), "states": dict(net.named_states())}


def _shapes(arrays: Mapping[str, Array]) -> dict[str, Any]:
    return {name: [list(array.shape), str(array.dtype)] for name, array in arrays.items()}


def _fill(net: Any, description: dict[str, Any], arrays: dict[str, Array]) -> None:
    if not isinstance(net, Module):
        raise CheckpointError.expected("description", "a net", repr(net))
    stored = {name: a for name, a in arrays.items() if not name.startswith(ARGUMENT)}
    parts: dict[str, State] = {}
    listed: dict[str, Any] = {}
    for kind, found in _kept(net).items():
        parts |= found
        listed |= description[kind] if kind == "parameters" else description.get(kind, {})
    described, held = _shapes({name: part.value for name, part in parts.items()}), _shapes(stored)
    if not listed == described == held:
        differ = {name: (described.get(name), held.get(name)) for name in {**described, **held}}
        differ = {name: pair for name, pair in differ.items() if pair[0] != pair[1]}
        if differ and listed == held:  # the file is whole
            remedy = "a class has changed since; load with the class as it was"
            expected, got = ({name: pair[side] for name, pair in differ.items()} for side in (0, 1))
            raise CheckpointError.expected("parameters", expected, f"{got} in the file", remedy)
        raise CheckpointError.expected("parameters", f"{described}", f"{held} in a file that lists {listed}")
    for name, part in parts.items():
        part.value[...] = stored[name]
