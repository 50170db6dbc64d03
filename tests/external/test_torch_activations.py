"""PyTorch as the judge of activations, softmaxes and dropout."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.layers import ELU, GELU, Dropout, LeakyReLU, LogSoftmax, Sigmoid, SiLU, Softmax, Softplus, Tanh
from tests.external.test_torch import SEEDS, vjp_agrees
from tests.external.torch_twins import as_array, judge, tensor, torch

LAYERS = {
    "LeakyReLU": st.builds(LeakyReLU, st.sampled_from([0.01, 0.3, 0.0, 1.0, -0.5, 2.0])),
    "ELU": st.builds(ELU, st.sampled_from([1.0, 0.3, 2.5])),
    "Sigmoid": st.builds(Sigmoid),
    "Tanh": st.builds(Tanh),
    "GELU": st.builds(GELU, st.sampled_from(["none", "tanh"])),
    "SiLU": st.builds(SiLU),
    "Softplus": st.builds(Softplus, st.sampled_from([1.0, 0.2, 5.0]), st.sampled_from([20.0, 3.0, 0.0])),
    "Softmax": st.builds(Softmax),
    "LogSoftmax": st.builds(LogSoftmax),
}
SHAPES = st.lists(st.integers(1, 6), min_size=2, max_size=4)
SCALES = st.sampled_from([1.0, 0.01, 10.0, 1e4])


@pytest.mark.parametrize("kind", LAYERS)
@given(data=st.data(), shape=SHAPES, scale=SCALES, seed=SEEDS)
def test_layer(kind, data, shape, scale, seed):
    rng = np.random.default_rng(seed)
    x = scale * rng.standard_normal(shape)
    x[..., 0] *= rng.integers(2)  # perhaps 0 and -0
    vjp_agrees(data.draw(LAYERS[kind]), x, rng)


@given(SHAPES, st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), SEEDS)
def test_dropout_of_the_same_numbers(shape, p, seed):
    """No two libraries draw the same mask: PyTorch's is set to that of the layer."""
    rng = np.random.default_rng(seed)
    x, dy = rng.standard_normal(shape), rng.standard_normal(shape)
    layer, inputs = Dropout(p, rng=seed), tensor(x)
    y = layer.forward(x, training=True).copy()
    kept = torch.from_numpy(y != 0)
    masked = torch.ops.aten.native_dropout_backward(inputs, kept, 1 / (1 - p) if p < 1 else 0.0)
    masked.backward(torch.from_numpy(dy))
    judge.agrees(y, as_array(masked), "y")
    judge.agrees(layer.backward(dy), inputs.grad.numpy(), "dx")
    judge.judged("layers")
