"""What a net's file may name without being told: minidl's own layers, losses and initializers."""

from __future__ import annotations

import inspect
from typing import Any

from minidl import initializers, layers, losses


def known(name: str) -> Any:
    """What minidl calls so, or None: what it offers under no such name, or as a base of others."""
    for room in (initializers, layers, losses):
        if name in room.__all__:  # what else a module holds, such as what it imports, is no part of a net
            thing = getattr(room, name)
            return None if inspect.isabstract(thing) else thing
    return None
