"""Whether this is a notebook, and pictures in one."""

from __future__ import annotations

import sys
from typing import Any


def in_notebook() -> bool:
    """Whether the code runs in a kernel, as in Jupyter, VS Code or Colab; IPython in a terminal is none."""
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return getattr(get_shell() if get_shell else None, "kernel", None) is not None


class Picture:
    """A picture below the cell that runs, where the next one takes its place."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, png: bytes) -> None:
        """Show it, or put it in the place of the one before."""
        from IPython.display import Image, display

        if self._handle is None:
            self._handle = display(Image(png), display_id=True)
        else:
            self._handle.update(Image(png))
