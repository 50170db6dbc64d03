"""PyTorch as the judge, and what it has for each of minidl's layers, in float64."""

import numpy as np

from minidl import Affine, Flatten, ReLU, Sequential, Standardize
from minidl.layers import (
    AvgPool2d,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    GlobalAvgPool2d,
    MaxPool2d,
    Reshape,
)
from tests.external.judging import summon

torch, judge = summon("torch", "PyTorch")
cross_entropy = torch.nn.functional.cross_entropy


class StandardizeTwin(torch.nn.Module):
    """By the arguments that the layer was given, not by what it made of them."""

    def __init__(self, layer):
        super().__init__()
        arguments = layer.config()
        self.mean, self.scale = (
            torch.tensor(np.array(arguments[name])).double() for name in ("mean", "scale")
        )

    def forward(self, x):
        return (x - self.mean) / self.scale


class FlattenTwin(torch.nn.Flatten):
    """PyTorch's own, which refuses samples that are single numbers."""

    def forward(self, x):
        return super().forward(x if x.ndim > 1 else x[:, None])


def affine_twin(layer):
    linear = torch.nn.Linear(layer.in_features, layer.out_features, dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(layer.weight.value.T.copy()))
        linear.bias.copy_(torch.from_numpy(layer.bias.value.copy()))
    return linear


def convolution_twin(layer):
    """PyTorch's of the same name and arguments."""
    arguments = layer.config()
    del arguments["initializer"], arguments["dtype"]
    twin = getattr(torch.nn, type(layer).__name__)(**arguments, dtype=torch.float64)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            getattr(twin, name).copy_(torch.from_numpy(parameter.value.copy()))
    return twin


def pool_twin(layer):
    return getattr(torch.nn, type(layer).__name__)(**layer.config())


LAYER_TWINS = {
    Affine: affine_twin,
    AvgPool2d: pool_twin,
    Conv1d: convolution_twin,
    Conv2d: convolution_twin,
    ConvTranspose2d: convolution_twin,
    Flatten: lambda layer: FlattenTwin(),
    GlobalAvgPool2d: lambda layer: torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()),
    MaxPool2d: pool_twin,
    ReLU: lambda layer: torch.nn.ReLU(),
    Reshape: lambda layer: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Unflatten(1, layer.shape)),
    Sequential: lambda layer: torch.nn.Sequential(*map(twin_of, layer)),
    Standardize: StandardizeTwin,
}


def twin_of(layer):
    return LAYER_TWINS[type(layer)](layer)


def tensor(x):
    return torch.from_numpy(x.astype(np.float64)).requires_grad_()


def as_array(tensor):
    """The numbers, out of autograd's reach."""
    return tensor.detach().numpy().copy()


def parameters_agree(net, twin, attribute):
    """Each parameter's ``value`` or ``grad`` is its twin's; PyTorch's linear weights are (out, in)."""
    turned = {id(module.weight) for module in twin.modules() if isinstance(module, torch.nn.Linear)}
    for (name, ours), theirs in zip(net.parameters.items(), twin.parameters(), strict=True):
        expected = as_array(theirs if attribute == "value" else theirs.grad)
        expected = expected.T if id(theirs) in turned else expected
        judge.agrees(getattr(ours, attribute), expected, f"{name}.{attribute}")
