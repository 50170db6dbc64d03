"""PyTorch as the judge, and what it has for each of minidl's layers, in float64."""

import numpy as np

from minidl import Affine, Flatten, ReLU, Sequential, Standardize
from minidl.layers import (
    ELU,
    GELU,
    Add,
    BatchNorm1d,
    BatchNorm2d,
    Columns,
    Concat,
    Embedding,
    GroupNorm,
    LayerNorm,
    LeakyReLU,
    LogSoftmax,
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


def norm_twin(kind, *arguments):
    """Of a norm, by the names of its arguments, with its parameters and statistics as they are now."""

    def twin(layer):
        made = kind(*(getattr(layer, name) for name in arguments), eps=layer.eps, dtype=torch.float64)
        if hasattr(layer, "momentum"):
            made.momentum = layer.momentum
        with torch.no_grad():
            for name, part in (*layer.named_parameters(), *layer.named_states()):
                getattr(made, name).copy_(torch.from_numpy(part.value.copy()))
        return made

    return twin


class Mirrored(torch.nn.Module):
    """Holds its parameters with their axes mirrored, as `parameters_agree` expects of weights."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer.config()
        for name, part in layer.named_parameters():
            setattr(self, name, torch.nn.Parameter(torch.from_numpy(part.value.T.copy())))

    def mirrored(self, name):
        parameter = getattr(self, name)
        return parameter.permute(*reversed(range(parameter.ndim)))


class LayerNormTwin(Mirrored):
    def forward(self, x):
        shape, eps = self.layer["normalized_shape"], self.layer["eps"]
        weight, bias = self.mirrored("weight"), self.mirrored("bias")
        return torch.nn.functional.layer_norm(x, shape, weight, bias, eps)


class EmbeddingTwin(Mirrored):
    def forward(self, x):
        x, weight = x.long(), self.mirrored("weight")
        if self.layer["mode"] is None:
            return torch.nn.functional.embedding(x, weight)
        return torch.nn.functional.embedding_bag(x, weight, mode=self.layer["mode"])


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
        super().__init__(twin_of(part) for _, part in layer.columns.values())

    def forward(self, x):
        return torch.cat([twin(x[:, places]) for places, twin in zip(self.places, self, strict=True)], 1)


def residual_twin(layer):
    ways = [torch.nn.Sequential(*map(twin_of, layer._row))]
    ways.append(twin_of(layer.shortcut) if layer.shortcut else torch.nn.Identity())
    return Branches(ways, sum)


# These have arguments of the same names.
NAMESAKES = (ELU, GELU, LeakyReLU, Sigmoid, SiLU, Softplus, Tanh)


def namesake(layer):
    return getattr(torch.nn, type(layer).__name__)(**layer.config())


LAYER_TWINS = {
    Add: lambda layer: Branches(layer._branches, sum),
    Columns: ColumnsTwin,
    Concat: lambda layer: Branches(layer._branches, lambda outputs: torch.cat(outputs, layer.axis)),
    Residual: residual_twin,
    **dict.fromkeys(NAMESAKES, namesake),
    LogSoftmax: lambda layer: torch.nn.LogSoftmax(dim=-1),
    Softmax: lambda layer: torch.nn.Softmax(dim=-1),
    Affine: affine_twin,
    BatchNorm1d: norm_twin(torch.nn.BatchNorm1d, "num_features"),
    BatchNorm2d: norm_twin(torch.nn.BatchNorm2d, "num_features"),
    Embedding: EmbeddingTwin,
    GroupNorm: norm_twin(torch.nn.GroupNorm, "num_groups", "num_channels"),
    LayerNorm: LayerNormTwin,
    Flatten: lambda layer: FlattenTwin(),
    ReLU: lambda layer: torch.nn.ReLU(),
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


def parameters_agree(net, twin, attribute):
    """Each parameter's ``value`` or ``grad`` is its twin's, whose weights are (out, in)."""
    for (name, ours), theirs in zip(net.parameters.items(), twin.parameters(), strict=True):
        expected = as_array(theirs if attribute == "value" else theirs.grad).T
        judge.agrees(getattr(ours, attribute), expected, f"{name}.{attribute}")
