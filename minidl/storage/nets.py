"""Nets in files: one ``.npz`` with the arrays and a JSON description of the layers.

Nothing is pickled and no code comes from the file: the description names classes of minidl, or
classes and functions that the caller of `load` hands in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minidl.advice import shown
from minidl.checks import check_list
from minidl.errors import CheckpointError, ConfigurationError, MinidlError, StructureError
from minidl.files import as_path, atomic_write
from minidl.inspection import check_found
from minidl.module import Module
from minidl.parameters import State
from minidl.storage.description import ARGUMENT, build, check_known, check_names, describe
from minidl.storage.manifest import read_manifest, write_manifest
from minidl.types import Array

_DESCRIPTION = "description.json"
_FORMAT = "minidl net"
_VERSION, _READ = 3, (1, 2, 3)  # what is written and what is read: 1 has no states, 2 no hashes


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
    if not isinstance(net, Module):
        raise StructureError.expected(
            "save", "a net or a layer", shown(net), "of a Trainer, give trainer.net, or call trainer.save"
        )
    check_found(net)
    check_names(net)
    kept = _kept(net)
    arrays = {name: part.value for parts in kept.values() for name, part in parts.items()}
    described = describe(net, arrays)
    named = {kind: list(parts) for kind, parts in kept.items()}
    content = {"format": _FORMAT, "version": _VERSION, "net": described, **named}
    with atomic_write(path) as file:
        write_manifest(file, _DESCRIPTION, content, arrays)


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
    path = as_path("load", path)
    where = str(path)
    if isinstance(custom, type) or (callable(custom) and not isinstance(custom, (list, tuple))):
        name = getattr(custom, "__name__", type(custom).__name__)
        expected, remedy = "custom to be a list of classes and functions", f"write custom=[{name}]"
        raise ConfigurationError.expected("load", expected, shown(custom), remedy)
    known = check_list("load", "custom", custom, Callable, "classes and functions")
    named = {getattr(thing, "__name__", ""): thing for thing in known}
    description, arrays = read_manifest(path, where, _DESCRIPTION, _FORMAT, _READ)
    try:
        check_known(description["net"], named)
        net = build(description["net"], arrays, named)
        _fill(net, description, arrays)
    except CheckpointError as error:
        raise CheckpointError(f"{where}: {error}") from error
    except MinidlError as error:
        raise CheckpointError(f"{where}: its description makes no net: {error}") from error
    except (LookupError, ValueError, TypeError, AttributeError,
            MemoryError, RecursionError) as error:  # fmt: skip
        raise CheckpointError.expected(where, "a net written by minidl.save", f"{error!r}") from error
    return net


def _kept(net: Module) -> dict[str, dict[str, State]]:
    """What of a net is kept as arrays, by the description's key for it."""
    return {"parameters": dict(net.named_parameters()), "states": dict(net.named_states())}


def _shapes(arrays: Mapping[str, Array]) -> dict[str, Any]:
    return {name: [list(array.shape), str(array.dtype)] for name, array in arrays.items()}


def _fill(net: Any, description: dict[str, Any], arrays: dict[str, Array]) -> None:
    if not isinstance(net, Module):
        raise CheckpointError.expected("description", "a net", repr(net))
    held = _shapes({name: a for name, a in arrays.items() if not name.startswith(ARGUMENT)})
    listed = [description["parameters"], description.get("states", {})]
    # Before version 3, shapes stood here; what they are now, the manifest says.
    named = {
        name: held.get(name) if isinstance(names, list) else names[name] for names in listed for name in names
    }
    if named != held:
        raise CheckpointError.expected("parameters", f"{named}", f"{held} in the file")
    parts = {name: part for found in _kept(net).values() for name, part in found.items()}
    described = _shapes({name: part.value for name, part in parts.items()})
    differ = {name: (described.get(name), held.get(name)) for name in {**described, **held}}
    differ = {name: pair for name, pair in differ.items() if pair[0] != pair[1]}
    if differ:
        remedy = "a class has changed since; load with the class as it was"
        expected, got = ({name: pair[side] for name, pair in differ.items()} for side in (0, 1))
        raise CheckpointError.expected("parameters", expected, f"{got} in the file", remedy)
    for name, part in parts.items():
        part.value[...] = arrays[name]
