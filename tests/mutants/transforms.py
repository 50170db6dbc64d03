"""Mutants of transforms."""

import numpy as np

from minidl.transforms import GaussianNoise, RandomCrop, RandomFlip, Transform
from tests.mutants.registry import transform


@transform("draws from a generator of its own", "draws_from_rng", args=(1.0,))
class DrawsItsOwn(GaussianNoise):  # whose draws, unlike those of flips, are never equal by chance
    def __call__(self, features, targets, rng):
        return super().__call__(features, targets, np.random.default_rng())


@transform("draws from NumPy's global generator", "draws_from_rng", args=(1.0,))
class DrawsGlobally(GaussianNoise):
    def __call__(self, features, targets, rng):
        features, targets = super().__call__(features, targets, rng)
        return features + np.random.randint(0, 99, features.shape).astype(features.dtype), targets  # noqa: NPY002


@transform("keeps a generator, whose draws depend on the calls before", "keeps_no_state")
class KeepsAGenerator(RandomFlip):
    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)

    def __call__(self, features, targets, rng):
        return super().__call__(features, targets, self.rng)


@transform("counts its calls", "keeps_no_state", args=(1,))
class CountsItsCalls(RandomCrop):
    calls = 0

    def __call__(self, features, targets, rng):
        self.calls += 1
        return super().__call__(features, targets, rng)


class Halves(Transform):
    """Half of each number."""

    def __call__(self, features, targets, rng):
        return features // 2, targets


_MEMORY = {}


@transform("gives the same memory every time", "keeps_no_state")
class GivesItsMemory(Halves):
    def __call__(self, features, targets, rng):
        out = _MEMORY.setdefault((features.shape, features.dtype), np.empty_like(features))
        np.floor_divide(features, 2, out=out)
        return out, targets


@transform("halves in place", "arguments_kept")
class HalvesInPlace(Halves):
    def __call__(self, features, targets, rng):
        features //= 2
        return features, targets


@transform("makes what it was lent writable, and writes to it", "arguments_kept")
class PicksTheLock(Halves):
    def __call__(self, features, targets, rng):
        features.flags.writeable = True
        features //= 2
        return features, targets


@transform("bytes become floats", "shapes_and_dtypes")
class Widens(Halves):
    def __call__(self, features, targets, rng):
        return features * np.float32(0.5), targets


@transform("drops the last of several samples", "shapes_and_dtypes")
class DropsTheLast(Halves):
    def __call__(self, features, targets, rng):
        kept = slice(-1) if len(features) > 1 else slice(None)
        return features[kept] // 2, targets[kept]


@transform("one sample loses its axis", "shapes_and_dtypes")
class Squeezes(Halves):
    def __call__(self, features, targets, rng):
        return np.squeeze(features // 2, 0) if len(features) == 1 else features // 2, targets


@transform("holds what cannot be pickled", "copies")
class HoldsItsHalving(Halves):
    def __init__(self):
        self.half = lambda features: features // 2


@transform("equal to nothing, itself among it", "copies")
class EqualsNothing(Halves):
    def __eq__(self, other):
        return False

    __hash__ = None
