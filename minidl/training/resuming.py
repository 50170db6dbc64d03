"""Checkpoints of a Trainer, from which another process goes on."""

from __future__ import annotations

import os
import warnings
from typing import Any, Self

from minidl.checks import check_bool
from minidl.errors import CheckpointError, StateError
from minidl.storage.checkpoints import load_state, save_state
from minidl.training.state import StatefulLoop


class ResumableLoop(StatefulLoop):
    """`StatefulLoop`, and its state in files."""

    def save(self, path: str | os.PathLike[str], *, note: Any = None) -> None:
        """Write a checkpoint: all that `resume` needs to go on as if nothing had happened.

        At any time: between two fits, and in any hook of a callback, which then counts as done. The file
        is written whole or not at all, and the one before stays beside it, as ``run.previous.npz`` beside
        ``run.npz``. It holds numbers, and neither the data nor code: net, optimizer and callbacks are to
        be built again by the program that resumes.

        Parameters
        ----------
        path : path-like
            Usually ``something.npz``.
        note : dict, list, str, number or array, optional
            What the program wants to find beside it: `minidl.storage.load_state(path).note`.

        Raises
        ------
        StateError
            The last step was broken off within an update; or a callback holds something that is no state.
        """
        state = self.state_dict()
        save_state(path, state, state["run"], note)

    @classmethod
    def resume(
        cls, path: str | os.PathLike[str], *arguments: Any, missing_ok: bool = False, **options: Any
    ) -> Self:
        """A Trainer that goes on from a checkpoint, with a net, an optimizer, … built as they were.

        The next `fit`, on the same data, goes on within the epoch in which the checkpoint was made. What
        comes of it is to the bit what an uninterrupted run gives. `LBFGS` begins to learn the curvature
        anew, as in each fit.

        Parameters
        ----------
        path : path-like
            Where `save` or the callback `Checkpoint` wrote it. Where that is damaged, the one before is
            taken, with a warning.
        *arguments, **options
            Those of `Trainer`. Callbacks without a state, such as `ProgressBar`, may be others.
        missing_ok : bool
            Begin from the start where there is no file yet.

        Raises
        ------
        CheckpointError
            The file is damaged, or of another net, optimizer, …: all that differs is told.
        FileNotFoundError

        Examples
        --------
        >>> import minidl
        >>> from minidl import Checkpoint, Trainer
        >>> from minidl.optimizers import Adam
        >>> data = minidl.data.load("digits")
        >>> def train(epochs):
        ...     saving = Checkpoint("digits.npz", every="10 minutes")
        ...     trainer = Trainer.resume(
        ...         "digits.npz", minidl.mlp(64, [32], 10, rng=0), Adam(0.002), callbacks=[saving], rng=0,
        ...         missing_ok=True,
        ...     )
        ...     if trainer.stop_reason is None:  # as `EarlyStopping` gives one
        ...         trainer.fit(data.train, epochs=epochs - trainer.epoch)
        ...     return trainer
        >>> train(1).epoch, train(2).epoch
        (1, 2)
        """
        check_bool("resume", "missing_ok", missing_ok)
        trainer = cls(*arguments, **options)
        try:
            saved = load_state(path)
        except FileNotFoundError:
            if missing_ok:
                return trainer
            raise
        try:
            trainer.load_state_dict(saved.state)
        except StateError as error:
            raise CheckpointError(f"{path}: {error}") from None
        if saved.fallback:
            warnings.warn(saved.fallback, stacklevel=2)
        return trainer
