"""Things with one slip each: what the checkers must catch, by the clause that names the slip."""

from tests.testing.wrong.layers import WRONG_LAYERS
from tests.testing.wrong.losses import WRONG_LOSSES
from tests.testing.wrong.nets import WRONG_NETS
from tests.testing.wrong.optimizers import WRONG_OPTIMIZERS, WRONG_SCHEDULERS

__all__ = ["WRONG_LAYERS", "WRONG_LOSSES", "WRONG_NETS", "WRONG_OPTIMIZERS", "WRONG_SCHEDULERS"]
