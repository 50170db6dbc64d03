"""Small convolutions, for the mutants to derive from, and what they are checked with."""

import numpy as np

from minidl.layers import Conv2d, ConvTranspose2d
from tests.testing.wrong.numbers import peek


class Same(Conv2d):
    """Of images that keep their size."""

    def __init__(self, *, rng=None, dtype=np.float32):
        super().__init__(2, 2, 3, padding=1, rng=rng, dtype=dtype)


class Strided(Conv2d):
    """Of windows that overlap along one axis and leave gaps along the other."""

    def __init__(self, *, rng=None, dtype=np.float32):
        super().__init__(2, 1, (3, 1), stride=2, padding=(1, 0), rng=rng, dtype=dtype)


class Dilated(Conv2d):
    def __init__(self, *, rng=None, dtype=np.float32):
        super().__init__(1, 2, 2, dilation=2, rng=rng, dtype=dtype)


class Grouped(Conv2d):
    def __init__(self, *, rng=None, dtype=np.float32):
        super().__init__(4, 2, 2, groups=2, bias=False, rng=rng, dtype=dtype)


class Enlarging(ConvTranspose2d):
    def __init__(self, *, rng=None, dtype=np.float32):
        super().__init__(2, 2, 3, stride=2, padding=1, output_padding=1, rng=rng, dtype=dtype)


SAME = {"shape": (2, 3, 3), "batch": 3}
STRIDED = {"shape": (2, 3, 3), "batch": 3}
DILATED = {"shape": (1, 3, 4), "batch": 2}
GROUPED = {"shape": (4, 2, 3), "batch": 2}
TRANSPOSED = {"shape": (2, 2, 2), "batch": 2}


def scattered(self, dy, *, windows=None, weight=None, assigned=False, places=None):
    """The gradient by the input, place by place."""
    images, _ = peek(self)
    Conv2d.backward(self, dy)
    weight = self.weight.value if weight is None else weight
    dx = np.zeros(images.shape, dy.dtype)
    for at, seen, by in list((windows or self._windows).over(images.shape, dy.shape))[:places]:
        part = np.einsum("nohw,oc->nchw", dy[by], weight[..., *at])
        dx[seen] = part if assigned else dx[seen] + part
    return dx
