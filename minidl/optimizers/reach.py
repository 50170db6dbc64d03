"""How far an update can take the numbers that it changes: what spares a training the look at each of them."""

from __future__ import annotations

import math
from typing import Any


class Reaching:
    """What `Optimizer` says of the sizes of the numbers; see `reach`."""

    # No number of the values and of the state is larger. Infinity where that is to be measured; NaN where the
    # state was loaded, and need not be one that updates make.
    _largest: float = math.inf

    def reach(self, largest: float, norm: float, lr: float) -> float:
        """No number of the values and of the state is larger than this after an update; infinity by default.

        Where that is far inside the numbers of the dtype, a Trainer steps without looking at the result.
        Else it keeps a copy, looks through what the update made, and puts all back where a number is not
        finite: an optimizer without a `reach` of its own pays for that at every step. One that inherits
        its `update` or its `step` inherits the `reach` as well, and one that overrides them does not.

        Parameters
        ----------
        largest : float
            No number of the values and of the state is larger before.
        norm : float
            Of the gradients, and so no number of them is larger.
        lr : float
            The rate of the update.
        """
        return math.inf

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)

        def depth(name: str) -> int:
            return next((i for i, kind in enumerate(cls.__mro__) if name in vars(kind)), len(cls.__mro__))

        of_another = min(depth("update"), depth("step")) < depth("reach")
        if of_another and cls.reach is not Reaching.reach:
            cls.reach = Reaching.reach  # type: ignore[method-assign]
