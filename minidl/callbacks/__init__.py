"""Callbacks: what else happens during a fit."""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.callbacks.averaging import Average as Average
    from minidl.callbacks.callback import Callback as Callback
    from minidl.callbacks.checkpoint import Checkpoint as Checkpoint
    from minidl.callbacks.clipping import ClipNorm as ClipNorm
    from minidl.callbacks.csv_log import CSVLog as CSVLog
    from minidl.callbacks.live_plot import LivePlot as LivePlot
    from minidl.callbacks.plateau import ReduceOnPlateau as ReduceOnPlateau
    from minidl.callbacks.progress import ProgressBar as ProgressBar
    from minidl.callbacks.stopping import EarlyStopping as EarlyStopping
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "averaging": "Average",
            "callback": "Callback",
            "checkpoint": "Checkpoint",
            "clipping": "ClipNorm",
            "csv_log": "CSVLog",
            "live_plot": "LivePlot",
            "plateau": "ReduceOnPlateau",
            "progress": "ProgressBar",
            "stopping": "EarlyStopping",
        },
    )
