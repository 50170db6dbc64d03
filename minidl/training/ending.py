"""The end of a fit, at which every callback is called, whatever happened before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def calling_at_the_end(hooks: Callable[[], list[tuple[Any, str]]], trainer: Any) -> Iterator[None]:
    """Call all `hooks` on the way out, and raise the first error that there was; it is told of the others."""
    first: BaseException | None = None
    try:
        yield
    except BaseException as error:
        first = error
    for callback, name in hooks():
        try:
            getattr(callback, name)(trainer)
        except Exception as error:
            if first is None:
                first = error
            else:
                first.add_note(f"{type(callback).__name__}.{name} raised, too: {error!r}")
    if first is not None:
        raise first
