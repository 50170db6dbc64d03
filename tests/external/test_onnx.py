"""ONNX as the judge: its own test cases for every operator that minidl has a part for.

A case that minidl cannot express is skipped by a reason that says why, so that ``pytest -rs`` of
this file lists what ONNX's operators have and minidl's layers have not.
"""

import importlib

import numpy as np
import pytest

from minidl import Affine, Flatten, ReLU, SoftmaxCrossEntropy
from tests.external import onnx_activations, onnx_optimizers
from tests.external.onnx_cases import NOT_2D, NOT_AXIS_1, both_ways, cannot, judge, onnx
from tests.external.onnx_convolution import CONVOLUTION_OPERATORS
from tests.external.onnx_normalization import NORMALIZATION

# ------------------------------------------------------------------- operators as minidl has them


def affine(x, weight, bias):
    layer = Affine(*weight.shape)
    layer.weight.value[...], layer.bias.value[...] = weight, bias
    return [both_ways(layer, x)]


def gemm(a, b, c=None, *, alpha=1.0, beta=1.0, transA=0, transB=0):
    bias = np.float32(0) if c is None else c
    of_rows = bias.ndim == 2 and len(bias) > 1
    cannot("Gemm", (alpha, beta) != (1, 1) and "alpha or beta", of_rows and "a bias for each row")
    return affine(a.T if transA else a, b.T if transB else b, bias)


def matmul(a, b):
    cannot("MatMul", (a.ndim, b.ndim) != (2, 2) and "arrays that are not matrices")
    return affine(a, b, 0)


def relu(x):
    return [both_ways(ReLU(), x)]


def flatten(x, *, axis=1):
    cannot("Flatten", axis % x.ndim != 1 and NOT_AXIS_1)
    return [both_ways(Flatten(), x)]


def log_probabilities(scores):
    """Each one as minus the loss of its row, would it be the label."""
    loss = SoftmaxCrossEntropy()
    rows = [
        [-loss.forward(row[None], [label], training=False) for label in range(row.size)] for row in scores
    ]
    return np.array(rows, scores.dtype)


def softmax_cross_entropy_loss(scores, labels, weights=None, *, reduction=b"mean", ignore_index=None):
    cannot(
        "SoftmaxCrossEntropyLoss",
        scores.ndim != 2 and NOT_2D,
        ignore_index is not None and "ignore_index",
        reduction == b"sum" and "reduction sum",
    )
    if reduction == b"none":  # the mean of each row alone
        losses = [mean_loss(row[None], label[None]) for row, label in zip(scores, labels, strict=True)]
        losses = losses if weights is None else losses * weights[labels]
    else:
        losses = mean_loss(scores, labels, weights)
    return [np.array(losses, scores.dtype), log_probabilities(scores)]


def mean_loss(scores, labels, class_weights=None):
    loss = SoftmaxCrossEntropy(class_weights=class_weights)
    value = loss.forward(scores, labels, training=False)
    assert loss.forward(scores, labels, training=True) == pytest.approx(value, rel=1e-6)
    return value


def argmax(x, *, axis=0, keepdims=1, select_last_index=0):
    cannot(
        "ArgMax",
        x.ndim != 2 and NOT_2D,
        axis % x.ndim != 1 and NOT_AXIS_1,
        select_last_index and "select_last_index",
    )
    labels = SoftmaxCrossEntropy().predict(x)
    return [labels[:, None] if keepdims else labels]


OPERATORS = {
    **onnx_activations.OPERATORS,
    "ArgMax": ("argmax", argmax),
    "Flatten": ("flatten", flatten),
    "Gemm": ("gemm", gemm),
    "MatMul": ("matmul", matmul),
    "Relu": ("relu", relu),
    "SoftmaxCrossEntropyLoss": ("softmax_cross_entropy_loss", softmax_cross_entropy_loss),
    **NORMALIZATION,
    **onnx_optimizers.OPERATORS,
    **CONVOLUTION_OPERATORS,
}
"""By ONNX's name: its module of cases and the function above."""


def all_cases():
    """One parameter a case, without those that spell an operator out in simpler ones."""
    package = "onnx.backend.test.case.node"
    for module, _ in OPERATORS.values():  # which makes the cases; all of the package takes seconds
        importlib.import_module(f"{package}.{module}")
    for case in importlib.import_module(package)._NodeTestCases:
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in OPERATORS:
            yield pytest.param(nodes[0], *case.data_sets[0], id=case.name.removeprefix("test_"))


CASES = list(all_cases())


@pytest.mark.parametrize(("node", "inputs", "outputs"), CASES)
def test_case(node, inputs, outputs):
    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    _, operator = OPERATORS[node.op_type]
    found = operator(*inputs, **attributes)[: len(outputs)]
    for actual, expected, name in zip(found, outputs, node.output, strict=True):
        # The cases are float32 and so are ONNX's answers.
        judge.agrees(actual, expected, name, rtol=1e-6)
    judge.judged("cases")


def test_every_operator_has_cases():
    assert {case.values[0].op_type for case in CASES} == set(OPERATORS)
