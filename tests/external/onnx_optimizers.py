"""ONNX's optimizers as minidl has them; each brings a penalty along, which here is `L2`."""

from minidl import L2, SGD, Parameter, initializers
from minidl.optimizers import Adagrad as OurAdagrad
from minidl.optimizers import Adam as OurAdam
from minidl.vectors import ParameterVector
from tests.external.onnx_cases import cannot

_MANY = 10**6
"""Steps after which the means' start at 0 is forgotten to the last bit."""


def momentum(rate, count, *arrays, alpha, beta, mode, norm_coefficient):
    cannot("Momentum", count > 0 and beta != 1 and "beta, which damps the gradient")
    optimizer = SGD(float(rate), momentum=alpha, nesterov=mode == b"nesterov")
    return step(optimizer, arrays, ("velocity",), 0, norm_coefficient)


def adam(rate, count, *arrays, alpha, beta, epsilon, norm_coefficient, norm_coefficient_post=0.0):
    cannot(
        "Adam",
        norm_coefficient_post and "a decay after the step",
        count > 0 and "a correction that leaves epsilon out",
    )
    # At its count of 0, ONNX corrects nothing.
    optimizer = OurAdam(float(rate), (alpha, beta), epsilon)
    return step(optimizer, arrays, ("first_moment", "second_moment"), _MANY, norm_coefficient)


def adagrad(rate, count, *arrays, decay_factor, epsilon, norm_coefficient):
    optimizer = OurAdagrad(float(rate), decay_factor, eps=epsilon)
    return step(optimizer, arrays, ("sum_of_squares",), int(count), norm_coefficient)


def step(optimizer, arrays, names, steps, norm_coefficient):
    """One step on values, gradients and states, as many of each; gives values and states."""
    size = len(arrays) // (2 + len(names))
    values, gradients, *states = (arrays[i : i + size] for i in range(0, len(arrays), size))
    parameters, *vectors = map(vector_of, (values, *states))
    for parameter, gradient in zip(parts_of(parameters), gradients, strict=True):
        parameter.grad[...] = gradient
    state = {name: vector.values for name, vector in zip(names, vectors, strict=True)}
    optimizer.load_state_dict({**optimizer.state_dict(), "steps": steps, **state})
    L2(norm_coefficient / 2).add_gradients(parameters)
    optimizer.step(parameters)
    for name, vector in zip(names, vectors, strict=True):
        vector.values[...] = optimizer.state_dict()[name]
    return [part.value for vector in (parameters, *vectors) for part in parts_of(vector)]


def vector_of(arrays):
    parts = {
        f"p{i}": Parameter(array.shape, initializers.zeros, regularized=True)
        for i, array in enumerate(arrays)
    }
    vector = ParameterVector(parts)
    for part, array in zip(parts.values(), arrays, strict=True):
        part.value[...] = array
    return vector


def parts_of(vector):
    return [part for _, part in vector.items()]


OPERATORS = {
    "Adagrad": ("adagrad", adagrad),
    "Adam": ("adam", adam),
    "Momentum": ("momentum", momentum),
}
"""As those of the test file: by ONNX's name, its module of cases and the function above."""
