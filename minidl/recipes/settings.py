"""How a data set is trained on where nothing else is said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How a data set is trained on where nothing else is said.

    `prior` gives the L2 penalty's strength as ``prior / training samples``: like a prior's, its
    weight against the data falls as they grow, so that one number suits a data set and a sample
    of it. `first_scale` shrinks the first layer's start, as `mlp` explains.
    """

    hidden: tuple[int, ...] = (100,)
    epochs: int = 40
    batch_size: int = 50
    lr: float = 0.05
    lr_decay: float = 0.95
    momentum: float = 0.9
    prior: float = 5.0
    first_scale: float = 1.0


SETTINGS = {
    "digits": Settings(hidden=(100,), epochs=60, batch_size=32),
    "mnist": Settings(hidden=(300,), epochs=15, batch_size=100, lr_decay=0.85, first_scale=0.1),
    "fashion-mnist": Settings(hidden=(300,), epochs=15, batch_size=100, lr_decay=0.85, first_scale=0.1),
    "cifar10": Settings(hidden=(300,), epochs=20, lr=0.005, lr_decay=0.9, prior=100.0, first_scale=0.1),
}
"""What suits the data sets that come by name."""
