"""Whether this is a notebook, and pictures in one."""

from __future__ import annotations

import sys
from typing import Any


def in_notebook() -> bool:
    """Whether the code runs in a kernel, as in Jupyter, VS Code or Colab; IPython in a terminal is none."""
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return getattr(get_shell() if get_shell else None, "kernel", None) is not None


class Output:
    """What is shown below the cell that runs, where the next one takes its place."""

    def __init__(self, shown: object) -> None:
        from IPython.display import display

        self._handle: Any = display(shown, display_id=True)

    def update(self, shown: object) -> None:
        """Show this in the place of the one before."""
        self._handle.update(shown)


def picture(png: bytes) -> object:
    """A PNG file's content as what a notebook shows."""
    from IPython.display import Image

    return Image(png)
