"""What the tests of kernels draw: a seed and sizes, arrays from them, and how near two of them must be."""

import numpy as np
from hypothesis import strategies as st

reals = st.sampled_from([np.float32, np.float64])
seeds = st.integers(0, 2**32 - 1)
layouts = st.sampled_from(
    [
        np.ascontiguousarray,
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
        lambda x: x[::-1].copy()[::-1],
    ]
)
shares_not_finite = st.sampled_from([0.0, 0.0, 0.05])


def draw(shape, seed, dtype, layout=np.asarray, not_finite=0.0):
    """A read-only array of normal numbers, of which a share is NaN, infinite or zero."""
    rng = np.random.default_rng(seed)
    x = np.asarray(rng.standard_normal(shape))
    special = rng.random(shape) < not_finite
    x[special] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], special.sum())
    x = layout(x.astype(dtype)).reshape(x.shape)
    x.flags.writeable = False
    return x


def assert_near(found, expected, terms=1):
    """Equal to rounding, for sums of so many `terms` about as large as 1; NaN and infinities in place."""
    eps = np.finfo(found.dtype).eps
    np.testing.assert_allclose(found, expected, rtol=50 * eps, atol=20 * eps * terms)


def garbage(name, shape, dtype):
    """Memory as a layer lends it, at its worst: full of NaN, or of True."""
    return np.full(shape, np.nan, dtype)
