"""Callbacks: what else happens during a fit."""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.callbacks.callback import Callback as Callback
    from minidl.callbacks.clipping import ClipNorm as ClipNorm
    from minidl.callbacks.progress import ProgressBar as ProgressBar
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "callback": "Callback",
            "clipping": "ClipNorm",
            "progress": "ProgressBar",
        },
    )
