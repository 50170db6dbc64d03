"""The loop, what it records, and how well a net does."""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.training.evaluation import evaluate as evaluate
    from minidl.training.history import History as History
    from minidl.training.trainer import Trainer as Trainer
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "evaluation": "evaluate",
            "history": "History",
            "trainer": "Trainer",
        },
    )
