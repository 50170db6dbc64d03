"""PyTorch as the judge, and what it has for each of minidl's layers, in float64."""

import copy

import numpy as np

from minidl import Affine, Flatten, ReLU, Sequential, Standardize
from minidl.layers import (
    ELU,
    GELU,
    Add,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Columns,
    Concat,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Embedding,
    GlobalAvgPool2d,
    GroupNorm,
    LayerNorm,
    LeakyReLU,
    LogSoftmax,
    MaxPool2d,
    Reshape,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
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


def holding(twin, layer):
    """The twin with the layer's parameters and statistics, of the same names, as they are now."""
    with torch.no_grad():
        for name, part in (*layer.named_parameters(), *layer.named_states()):
            getattr(twin, name).copy_(torch.from_numpy(part.value.copy()))
    return twin


def norm_twin(layer):
    """PyTorch's of the same name and arguments."""
    arguments = layer.config()
    del arguments["dtype"]
    return holding(getattr(torch.nn, type(layer).__name__)(**arguments, dtype=torch.float64), layer)


def embedding_twin(layer):
    sizes = layer.num_embeddings, layer.embedding_dim
    if layer.mode:
        return holding(torch.nn.EmbeddingBag(*sizes, mode=layer.mode, dtype=torch.float64), layer)
    return holding(torch.nn.Embedding(*sizes, dtype=torch.float64), layer)


class DropoutTwin(torch.nn.Module):
    """Drops what a copy of the layer drops, for PyTorch's own stream gives other masks."""

    def __init__(self, layer):
        super().__init__()
        self.layer = copy.deepcopy(layer)

    def forward(self, x):
        if not self.training:
            return x
        return x * torch.from_numpy(self.layer.forward(np.ones(x.shape), training=True).copy())


class Branches(torch.nn.ModuleList):
    """Twins side by side, whose outputs `join` brings together."""

    def __init__(self, layers, join):
        super().__init__(map(twin_of, layers))
        self.join = join

    def forward(self, x):
        return self.join([twin(x) for twin in self])


class ColumnsTwin(torch.nn.ModuleList):
    def __init__(self, layer):
        self.places = [places for places, _ in layer.columns.values()]
        self.layers = [part for _, part in layer.columns.values()]
        super().__init__(map(twin_of, self.layers))

    def forward(self, x):
        kinds = [torch.int64 if layer.accepts == "index" else torch.float64 for layer in self.layers]
        ways = zip(self, self.places, kinds, strict=True)
        return torch.cat([twin(x[:, places].to(kind)) for twin, places, kind in ways], 1)


def residual_twin(layer):
    ways = [torch.nn.Sequential(*map(twin_of, layer._row))]
    ways.append(twin_of(layer.shortcut) if layer.shortcut else torch.nn.Identity())
    return Branches(ways, sum)


# These have arguments of the same names.
NAMESAKES = (ELU, GELU, LeakyReLU, Sigmoid, SiLU, Softplus, Tanh)


def namesake(layer):
    return getattr(torch.nn, type(layer).__name__)(**layer.config())


def convolution_twin(layer):
    """PyTorch's of the same name and arguments."""
    arguments = layer.config()
    del arguments["initializer"], arguments["dtype"]
    return holding(getattr(torch.nn, type(layer).__name__)(**arguments, dtype=torch.float64), layer)


LAYER_TWINS = {
    Add: lambda layer: Branches(layer._branches, sum),
    Columns: ColumnsTwin,
    Concat: lambda layer: Branches(layer._branches, lambda outputs: torch.cat(outputs, layer.axis)),
    Residual: residual_twin,
    **dict.fromkeys(NAMESAKES, namesake),
    LogSoftmax: lambda layer: torch.nn.LogSoftmax(dim=-1),
    Softmax: lambda layer: torch.nn.Softmax(dim=-1),
    Affine: affine_twin,
    BatchNorm1d: norm_twin,
    BatchNorm2d: norm_twin,
    Embedding: embedding_twin,
    GroupNorm: norm_twin,
    LayerNorm: norm_twin,
    AvgPool2d: namesake,
    Dropout: DropoutTwin,
    Conv1d: convolution_twin,
    Conv2d: convolution_twin,
    ConvTranspose2d: convolution_twin,
    Flatten: lambda layer: FlattenTwin(),
    GlobalAvgPool2d: lambda layer: torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()),
    MaxPool2d: namesake,
    ReLU: lambda layer: torch.nn.ReLU(),
    Reshape: lambda layer: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Unflatten(1, layer.shape)),
    Sequential: lambda layer: torch.nn.Sequential(*map(twin_of, layer)),
    Standardize: StandardizeTwin,
}


def twin_of(layer):
    if isinstance(layer, torch.nn.Module):
        return layer
    return LAYER_TWINS[type(layer)](layer)


def tensor(x):
    return torch.from_numpy(x.astype(np.float64)).requires_grad_()


def as_array(tensor):
    """The numbers, out of autograd's reach."""
    return tensor.detach().numpy().copy()


def statistics_agree(net, twin):
    """Each running statistic is its twin's."""
    ours = {name: part.value for name, part in net.named_states() if "running_" in name}
    theirs = [buffer for name, buffer in twin.named_buffers() if "running_" in name]
    for (name, value), expected in zip(ours.items(), theirs, strict=True):
        judge.agrees(value, expected.numpy(), name)


def parameters_agree(net, twin, attribute):
    """Each parameter's ``value`` or ``grad`` is its twin's; PyTorch's linear weights are (out, in)."""
    turned = {id(module.weight) for module in twin.modules() if isinstance(module, torch.nn.Linear)}
    for (name, ours), theirs in zip(net.parameters.items(), twin.parameters(), strict=True):
        expected = as_array(theirs if attribute == "value" else theirs.grad)
        expected = expected.T if id(theirs) in turned else expected
        judge.agrees(getattr(ours, attribute), expected, f"{name}.{attribute}")
