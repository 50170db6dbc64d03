"""How far a training has come, as lines where there is no terminal for a bar, such as in a batch job."""

from __future__ import annotations

import math
import sys

from minidl.callbacks import Callback, ProgressBar
from minidl.callbacks.callback import Training
from minidl.tables import last_measured

_MOST_LINES = 20


def progress() -> Callback:
    """A bar where standard error is a terminal, else lines."""
    is_terminal = getattr(sys.stderr, "isatty", lambda: False)
    return ProgressBar() if is_terminal() else EpochLines()


class EpochLines(Callback):
    """A line on standard error at an epoch's end; of many epochs, no more than some twenty lines."""

    state_names = ()

    def on_fit_start(self, trainer: Training) -> None:
        """Find out how many epochs there will be."""
        self.epochs = math.ceil(trainer.last_step / math.ceil(len(trainer.train) / trainer.batch_size))
        self.every = math.ceil(self.epochs / _MOST_LINES)

    def on_epoch_end(self, trainer: Training) -> None:
        """Print it, for the first epoch, each so many, and the last."""
        columns = trainer.history.epochs
        epoch = len(columns["lr"])
        if epoch not in (1, self.epochs) and epoch % self.every:
            return
        width = len(f"{self.epochs:,}")
        shown = [f"epoch {epoch:{width},} of {self.epochs:,}", f"loss {columns['train_loss'][-1]:.4f}"]
        print("  ".join([*shown, *last_measured(columns)]), file=sys.stderr, flush=True)
