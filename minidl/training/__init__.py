"""The loop, what it records, and how well a net does."""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.training.evaluation import evaluate as evaluate
    from minidl.training.history import History as History
    from minidl.training.lr_finder import RateCurve as RateCurve
    from minidl.training.lr_finder import find_lr as find_lr
    from minidl.training.trainer import Trainer as Trainer
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "evaluation": "evaluate",
            "history": "History",
            "lr_finder": "RateCurve find_lr",
            "trainer": "Trainer",
        },
    )
