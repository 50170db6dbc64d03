"""What a training run recorded, as plain columns of Python numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from minidl.advice import shown
from minidl.errors import ConfigurationError
from minidl.files import as_path, atomic_write, plain_number, read_json, to_json
from minidl.tables import counted, last_measured
from minidl.training.columns import NAMES, checked, sealed, state_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from minidl.data import Dataset, Splits
    from minidl.net import Net
    from minidl.training.diagnosis import Finding


class History:
    """The columns of a run; each is a list with one number, Python's own, a step or an epoch.

    Parameters
    ----------
    metrics : sequence of str
        Names of metrics, for which there are columns from the start; others come when recorded.

    Attributes
    ----------
    steps : dict of str to list
        ``loss``: of the batch, penalty included. ``lr``: the rate used.
    epochs : dict of str to list
        ``step``: steps done at the epoch's end. ``train_loss``, and ``train_NAME`` of each metric:
        over the epoch's samples as they were trained on (penalty not included). ``validation_loss``,
        ``validation_NAME``: at the epoch's end; None where there was no validation set. ``lr``: of
        the epoch's last step. ``seconds``: of the epoch, validation included.
    unfinished : dict or None
        Where the last fit ended within an epoch, by its length, a `stop` or Ctrl-C: the same columns,
        one number each, of the part of the epoch that is done. The next fit drops them.
    kept_epoch : int or None
        The epoch, counted from 1, whose values the net holds after the last fit, where that left it
        other values than its last: the best one's, by `EarlyStopping`. The next fit drops it.
    """

    def __init__(self, metrics: Sequence[str] = ()) -> None:
        self.steps: dict[str, list[float]] = {"loss": [], "lr": []}
        names = [f"{part}_{name}" for name in ("loss", *metrics) for part in ("train", "validation")]
        self.epochs: dict[str, list[Any]] = {name: [] for name in ("step", *names, "lr", "seconds")}
        self.unfinished: dict[str, float | None] | None = None
        self.kept_epoch: int | None = None

    def record_step(self, *, loss: float, lr: float) -> None:
        """Append one step's numbers."""
        loss, lr = _number("loss", loss), _number("lr", lr)
        self.steps["loss"].append(loss)
        self.steps["lr"].append(lr)

    def record_epoch(self, **columns: float | None) -> None:
        """Append one epoch's numbers; a column that is new has None for the epochs before."""
        numbers = {name: None if value is None else _number(name, value) for name, value in columns.items()}
        new = [name for name in numbers if name not in self.epochs]
        self.epochs.update((name, [None] * len(self.epochs["lr"])) for name in new)
        for name, column in self.epochs.items():
            column.append(numbers.get(name))

    def state_dict(self) -> dict[str, Any]:
        """The attributes, by name, as copies; a column of floats in `steps` as an array of float64."""
        return state_of(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave, to the bit.

        Raises
        ------
        StateError
            For anything else; nothing is changed.
        """
        self.__dict__.update(checked(state))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the columns as JSON, whole or not at all; NaN and infinities, which it lacks, are null."""
        with atomic_write(path) as file:
            file.write(to_json(sealed({name: getattr(self, name) for name in NAMES})).encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> History:
        """Read what `save` wrote, null as NaN but for validation.

        Raises
        ------
        CheckpointError
            For anything else.
        OSError
            There is no such file, or it is no regular one.
        """
        path, history = as_path("History.load", path), cls()
        history.__dict__.update(checked(read_json(path), path))
        return history

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the curves into an image file (extra ``plot``); see `minidl.plots.plot_history`."""
        from minidl.plots import plot_history

        plot_history(self.steps, self.epochs, path, unfinished=self.unfinished, kept_epoch=self.kept_epoch)

    def diagnose(
        self, net: Net | None = None, data: Splits | Dataset | npt.ArrayLike | None = None
    ) -> list[Finding]:
        """What data and curves say, and what to try; an empty list where nothing is amiss.

        The data come first: a rate is not to blame for them.

        Parameters
        ----------
        net : Net, optional
            With data, the scale of what its first affine layer gets is looked at, and whether hidden
            units fire for none of the samples.
        data : array of shape (samples, ...), Dataset or Splits, optional
            What the net was trained on. Features that are all zero or mostly constant are looked
            for; in `Splits` also classes that only the validation or test part has, and samples
            that these have in common with the training part. Of a large data set, samples spread
            evenly over it are looked at.
        """
        from minidl.training.data_diagnosis import diagnose

        return diagnose(self.steps, self.epochs, net, data)

    def __repr__(self) -> str:
        steps, epochs = len(self.steps["loss"]), len(self.epochs["lr"])
        shown = [counted(steps, "step"), counted(epochs, "epoch")]
        if steps:
            shown.append(f"loss {self.steps['loss'][-1]:.4f}")
        shown += last_measured(self.epochs, self.kept_epoch)
        return f"History({', '.join(shown)})"


def _number(name: str, value: object) -> int | float:
    if not isinstance(value, (str, bytes)):  # which float would read
        with suppress(Exception):
            return plain_number(value)
    raise ConfigurationError.expected("History", f"{name} to be a number", shown(value))
