"""Of `minidl.kernels.linear` and `minidl.kernels.activations`."""

from minidl.kernels.activations import relu, relu_backward
from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.linear import affine, affine_relu, input_gradient, sum_rows, weight_gradient
from minidl.types import Array


def _affine(draw: Draw) -> tuple[object, ...]:
    rows, fan_in, fan_out = draw.sizes(3)
    out = draw.lent(rows, fan_out) if draw.integer(0, 1) else None
    return draw.array(rows, fan_in), draw.array(fan_in, fan_out), draw.array(fan_out), out


def _weight_gradient(draw: Draw) -> tuple[Array, ...]:
    rows, fan_in, fan_out = draw.sizes(3)
    return draw.array(rows, fan_in), draw.array(rows, fan_out), draw.lent(fan_in, fan_out)


def _input_gradient(draw: Draw) -> tuple[Array, ...]:
    rows, fan_in, fan_out = draw.sizes(3)
    return draw.array(rows, fan_out), draw.array(fan_in, fan_out), draw.lent(rows, fan_in)


def _rows(draw: Draw) -> tuple[Array, ...]:
    rows, columns = draw.sizes(2)
    return draw.array(rows, columns), draw.lent(columns)


def _same(draw: Draw) -> tuple[Array, ...]:
    shape = draw.sizes(draw.integer(1, 3))
    return draw.array(*shape), draw.empty(*shape)


def _backward(draw: Draw) -> tuple[Array, ...]:
    shape = draw.sizes(draw.integer(1, 3))
    return draw.array(*shape), draw.array(*shape), draw.empty(*shape)


CASES = [
    # Both are the BLAS's, which need not take products in the same way for parts of a matrix.
    Case(affine, _affine, ulps=100, of_array=True, special=False),
    Case(affine_relu, _affine, ulps=100, of_array=True, special=False),
    Case(weight_gradient, _weight_gradient, ulps=100, of_array=True, special=False),
    Case(input_gradient, _input_gradient, ulps=100, of_array=True, special=False),
    Case(sum_rows, _rows, ulps=300, of_array=True, special=False),
    Case(relu, _same, ulps=0),
    Case(relu_backward, _backward, ulps=0),
]
