"""PyTorch as the judge: the same nets in float64, built from the same parameters."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl import SGD, Affine, ReLU, Sequential, SoftmaxCrossEntropy

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'minidl[judges]'")


def torch_net(net):
    """The net's twin."""
    modules = []
    for layer in net:
        if isinstance(layer, Affine):
            linear = torch.nn.Linear(layer.in_features, layer.out_features, dtype=torch.float64)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(layer.weight.value.T.copy()))
                linear.bias.copy_(torch.from_numpy(layer.bias.value.copy()))
            modules.append(linear)
        else:
            modules.append(torch.nn.ReLU())
    return torch.nn.Sequential(*modules)


@settings(deadline=None)
@given(
    st.integers(1, 20),
    st.lists(st.integers(1, 12), min_size=2, max_size=6),
    st.floats(0.1, 10),
    st.integers(0, 2**32),
)
def test_loss_and_every_gradient(batch, sizes, scale, seed):
    rng = np.random.default_rng(seed)
    parts = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        parts += [Affine(fan_in, fan_out, rng=rng, dtype=np.float64), ReLU()]
    net = Sequential(*parts[:-1], SoftmaxCrossEntropy())
    for _, parameter in net.named_parameters():
        parameter.value[...] = scale * rng.standard_normal(parameter.shape)
    x, labels = rng.standard_normal((batch, sizes[0])), rng.integers(sizes[-1], size=batch)
    twin = torch_net(net)
    expected = torch.nn.functional.cross_entropy(twin(torch.from_numpy(x)), torch.from_numpy(labels))
    expected.backward()
    np.testing.assert_allclose(net(x), twin(torch.from_numpy(x)).detach().numpy(), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(net.loss_and_gradients(x, labels), expected.item(), rtol=1e-10, atol=1e-10)
    linears = [module for module in twin if isinstance(module, torch.nn.Linear)]
    for layer, linear in zip((part for part in net if isinstance(part, Affine)), linears, strict=True):
        np.testing.assert_allclose(layer.weight.grad, linear.weight.grad.numpy().T, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(layer.bias.grad, linear.bias.grad.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}])
def test_sgd_over_a_hundred_steps(options, make_net, make_batch):
    net = make_net(dtype=np.float64)
    x, labels = make_batch(dtype=np.float64)
    twin = torch_net(net)
    ours, theirs = SGD(0.1, **options), torch.optim.SGD(twin.parameters(), lr=0.1, **options)
    for step in range(100):
        ours.lr = theirs.param_groups[0]["lr"] = 0.1 * 0.99**step
        net.loss_and_gradients(x, labels)
        ours.step(net.parameters)
        theirs.zero_grad()
        loss = torch.nn.functional.cross_entropy(twin(torch.from_numpy(x)), torch.from_numpy(labels))
        loss.backward()
        theirs.step()
    np.testing.assert_allclose(
        net["affine0"].weight.value, twin[0].weight.detach().numpy().T, rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(
        net["affine1"].bias.value, twin[2].bias.detach().numpy(), rtol=1e-10, atol=1e-10
    )
