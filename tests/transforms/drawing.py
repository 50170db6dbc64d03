"""Batches to transform, and what the tests of all transforms ask."""

import numpy as np
from hypothesis import strategies as st
from scipy import stats

DTYPES = [np.bool_, np.uint8, np.int16, np.int64, np.uint64, np.float16, np.float32, np.float64]
SEEDS = st.integers(0, 2**32)


def image_shapes():
    """(N, H, W) and (N, C, H, W), down to nothing."""
    sides = st.integers(1, 6)
    outer = st.tuples(st.integers(0, 5)) | st.tuples(st.integers(0, 5), st.integers(1, 3))
    return st.builds(lambda outer, high, wide: (*outer, high, wide), outer, sides, sides)


def draw_features(shape, dtype, seed):
    """All of them but 0, so that what was set to 0 shows; read-only."""
    features = np.random.default_rng(seed).integers(1, 100, shape).astype(dtype)
    features.flags.writeable = False
    return features


def is_likely(count, draws, probability):
    """Whether so many of independent draws are no rarer than one chance in a million."""
    return stats.binomtest(int(count), draws, probability).pvalue > 1e-6
