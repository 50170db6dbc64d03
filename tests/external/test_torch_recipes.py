"""PyTorch as the judge of the recipes for images: the same nets, written as one writes them there."""

import numpy as np
import pytest

from minidl import Standardize
from minidl.recipes import residual_conv_net, small_conv_net
from tests.external.torch_twins import (
    as_array,
    cross_entropy,
    judge,
    parameters_agree,
    statistics_agree,
    torch,
)

twins = pytest.importorskip("benchmarks.contestants.torch_images")

NETS = {
    "small, grey": (
        *(small_conv_net, (9, 9), {"channels": (3, 4), "hidden": (7, 5)}),
        lambda: twins.small(1, (3, 4), 9, (7, 5), 3),
    ),
    "small, colours": (
        small_conv_net,
        (2, 8, 8),
        {"channels": 3, "hidden": ()},
        lambda: twins.small(2, (3,), 8, (), 3),
    ),
    "residual, grey": (
        *(residual_conv_net, (9, 9), {"channels": (3, 4), "blocks": 2}),
        lambda: twins.residual(1, (3, 4), 2, 3),
    ),
    "residual, colours": (
        *(residual_conv_net, (2, 8, 8), {"channels": (3, 3, 5)}),
        lambda: twins.residual(2, (3, 3, 5), 1, 3),
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_the_same_net(name):
    make, shape, options, make_twin = NETS[name]
    rng = np.random.default_rng(0)
    x, labels = rng.integers(256, size=(6, *shape), dtype=np.uint8), rng.integers(3, size=6)
    mean = rng.uniform(80, 120, shape)
    net = make(
        shape, 3, standardize=Standardize(mean, 50, dtype=np.float64), rng=1, dtype=np.float64, **options
    )
    twin = make_twin().double()
    for (name, ours), theirs in zip(net.parameters.items(), twin.parameters(), strict=True):
        ours.value[...] += 0.1 * rng.standard_normal(ours.shape)  # biases and the norms' scales, too
        with torch.no_grad():
            value = ours.value.T if name.startswith("affine") and "weight" in name else ours.value
            theirs.copy_(torch.from_numpy(value.copy()))
    inputs = torch.from_numpy(((x - mean) / 50).reshape(6, -1, *shape[-2:]))
    for _ in range(2):
        twin.zero_grad()
        loss = cross_entropy(twin(inputs), torch.from_numpy(labels))
        loss.backward()
        judge.agrees(net.loss_and_gradients(x, labels), loss.item(), "loss")
        parameters_agree(net, twin, "grad")
    statistics_agree(net, twin)
    with torch.no_grad():
        judge.agrees(net(x), as_array(twin.eval()(inputs)), "scores in inference")
    judge.judged("recipes")
