"""Pictures of a run: curves, weights, mistakes. They take arrays, and need the extra ``plot``."""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.plots.classes import plot_confusion_matrix as plot_confusion_matrix
    from minidl.plots.classes import plot_mistakes as plot_mistakes
    from minidl.plots.history import plot_history as plot_history
    from minidl.plots.numbers import plot_predictions as plot_predictions
    from minidl.plots.smoothing import smooth as smooth
    from minidl.plots.units import plot_units as plot_units
    from minidl.plots.weights import plot_weights as plot_weights
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "classes": "plot_confusion_matrix plot_mistakes",
            "history": "plot_history",
            "numbers": "plot_predictions",
            "smoothing": "smooth",
            "units": "plot_units",
            "weights": "plot_weights",
        },
    )
