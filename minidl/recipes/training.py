"""The training that suits ready-made nets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minidl.callbacks import Callback
from minidl.net import Net
from minidl.optimizers import SGD
from minidl.regularizers import L2
from minidl.schedulers import StepDecay
from minidl.training import Trainer
from minidl.types import Rng


def sgd_trainer(
    net: Net, settings: Mapping[str, Any], *, callbacks: Sequence[Callback] = (), rng: Rng = None
) -> Trainer:
    """The classic training: SGD with momentum, a rate that decays every epoch, an L2 penalty.

    Parameters
    ----------
    net : Net
    settings : mapping
        ``lr``, and where they are other than 0, 0.95 and 0: ``momentum``, ``lr_decay``, ``reg``.
    callbacks, rng
        As `Trainer` takes them.
    """
    return Trainer(
        net,
        SGD(settings["lr"], momentum=settings.get("momentum", 0.0)),
        scheduler=StepDecay(settings.get("lr_decay", 0.95)),
        regularizer=L2(settings.get("reg", 0.0)),
        callbacks=callbacks,
        rng=rng,
    )
