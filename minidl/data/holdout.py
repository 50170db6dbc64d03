"""A validation part for data that comes without one."""

from __future__ import annotations

import numpy as np

from minidl.data.dataset import Dataset


def stratified_hold_out(train: Dataset, most: int) -> tuple[Dataset, Dataset | None]:
    """`train` without a seeded draw of its samples, and those: `most`, but never more than a tenth.

    Each class gives its share, so that data sorted by class is split as well as any, and the same
    data gives the same parts every time. Fewer than ten samples give no second part.
    """
    held = min(most, len(train) // 10)
    if not held:
        return train, None
    order = np.random.default_rng(0).permutation(len(train))
    by_class = order[np.argsort(train.targets[order], kind="stable")]
    is_held = np.zeros(len(train), bool)
    is_held[by_class[(np.arange(held) * 2 + 1) * len(train) // (2 * held)]] = True
    return train[~is_held], train[is_held]
