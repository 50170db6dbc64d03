"""Random nets in float64: a recipe that hypothesis draws and a person can read."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from minidl import Affine, Flatten, ReLU, Sequential, SoftmaxCrossEntropy, Standardize


@dataclass(frozen=True)
class Recipe:
    """What net to build, and the seed of everything that is not a shape."""

    batch: int
    sample_shape: tuple[int, ...]
    hidden: tuple[int, ...]
    classes: int
    standardize: bool
    nesting: int
    gain: float
    seed: int

    def build(self):
        """The net, a batch for it and the labels."""
        rng = np.random.default_rng(self.seed)
        net = self._nested(self._front(rng) + self._body(rng), rng)
        for _, parameter in net.named_parameters():
            fan_in = parameter.shape[0] if len(parameter.shape) == 2 else 1
            parameter.value[...] = self.gain / np.sqrt(fan_in) * rng.standard_normal(parameter.shape)
            if rng.random() < 0.2:
                # The same unit without weight and bias is at the ReLU's kink, exactly.
                parameter.value[..., -1] = 0
        x = rng.standard_normal((self.batch, *self.sample_shape))
        if self.standardize and rng.random() < 0.5:
            x = rng.integers(256, size=x.shape, dtype=np.uint8)
        return net, x, rng.integers(self.classes, size=self.batch)

    def _front(self, rng):
        """From raw samples to rows."""
        parts = [Flatten()] if len(self.sample_shape) != 1 else []
        if self.standardize:
            shape = self.sample_shape if rng.random() < 0.5 else ()
            mean, scale = 100 * rng.random(shape), 50 + 50 * rng.random(shape)
            parts.insert(0, Standardize(mean, scale, dtype=np.float64))
        return parts

    def _body(self, rng):
        """Affine layers; before, between and after them what has no parameters, or nothing."""
        parts = []
        width = int(np.prod(self.sample_shape))
        for out in (*self.hidden, self.classes):
            if rng.random() < (0.8 if parts else 0.2):
                parts.append(ReLU())
            if rng.random() < 0.1:
                parts.append(Flatten())
            parts.append(Affine(width, out, rng=rng, dtype=np.float64))
            width = out
        return [*parts, ReLU()] if rng.random() < 0.1 else parts

    def _nested(self, parts, rng):
        """The parts in a net, neighbours put into a Sequential of their own `nesting` times over."""
        for _ in range(self.nesting):
            start, stop = np.sort(rng.choice(len(parts) + 1, 2, replace=False))
            parts = [*parts[:start], Sequential(*parts[start:stop]), *parts[stop:]]
        return Sequential(*parts, SoftmaxCrossEntropy())


def recipes(max_batch=12, max_depth=5, max_width=12):
    """Recipes of nets, simplest first."""
    return st.builds(
        Recipe,
        batch=st.integers(1, max_batch),
        sample_shape=st.lists(st.integers(1, 6), max_size=3).map(tuple),
        hidden=st.lists(st.integers(1, max_width), max_size=max_depth).map(tuple),
        classes=st.integers(1, max_width),
        standardize=st.booleans(),
        nesting=st.integers(0, 3),
        gain=st.sampled_from([1.0, 0.2, 3.0]),
        seed=st.integers(0, 2**32),
    )


def input_gradient(net, x, labels):
    """The loss's gradient by `x`, which training never asks for; fills the net's gradients too."""
    net.head.forward(net.forward(x, training=True), labels, training=True)
    return net.backward(net.head.backward())
