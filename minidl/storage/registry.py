"""What a net's file may name without being told: minidl's own layers, losses and initializers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from minidl import initializers, layers, losses

KNOWN: dict[str, Callable[..., Any]] = {
    name: getattr(room, name)
    for room in (initializers, layers, losses)
    for name in room.__all__  # what else a module holds, such as what it imports, is no part of a net
    if not inspect.isabstract(getattr(room, name))
}
