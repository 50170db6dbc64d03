"""A function from elsewhere as the judge of forward: plain NumPy's or SciPy's, PyTorch's or JAX's."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from minidl.testing.reports import ClauseError
from minidl.types import Array

Reference: TypeAlias = Callable[..., Any]
_Answer: TypeAlias = "tuple[Array, list[Array] | None]"


def evaluate(reference: Reference, arrays: Sequence[Array], dy: Any) -> _Answer:
    """What `reference` makes of `arrays`, in float64, and its own gradients of ``sum(dy * output)``.

    Returns
    -------
    output : ndarray
    gradients : list of ndarray, or None
        By each array of floats; None for a function that cannot differentiate itself.
    """
    given = [np.array(array) for array in arrays]  # in which it may write
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    try:
        output = reference(*given)
    except ClauseError:
        raise
    except Exception as error:
        if torch is None:  # or else it may be one of PyTorch's, which take tensors only
            raise
        try:
            return _by_torch(torch, reference, arrays, dy)
        except Exception:
            if "Tensor" in str(error):
                raise
            raise error from None  # a function of arrays: what it says of tensors would mislead
    if jax is not None and isinstance(output, jax.Array):
        return _by_jax(jax, reference, arrays, dy)
    if torch is not None and isinstance(output, torch.Tensor):
        output = output.detach()
    return np.asarray(output), None


def evaluate_training(reference: Reference, arrays: Sequence[Array], dy: Any) -> tuple[_Answer, list[Array]]:
    """What `evaluate` gives for a function that returns the output and then states, and those states."""
    states: list[Any] = []

    def output_of(*given: Any) -> Any:
        found = reference(*given)
        if not isinstance(found, (tuple, list)):
            got = f"{type(found).__name__} of shape {np.shape(found)}"
            raise ClauseError(f"training_reference gives a {got}, expected (y, *states)")
        output, *states[:] = found
        return output

    answer = evaluate(output_of, arrays, dy)
    return answer, [np.asarray(s.detach() if hasattr(s, "detach") else s) for s in states]


def of_torch_module(module: Any, names: Sequence[str], states: Sequence[str]) -> tuple[Reference, Reference]:
    """Inference and training pass of a PyTorch module: functions of input, parameters and states by name."""
    torch = sys.modules["torch"]
    module = copy.deepcopy(module).double()

    def call(x: Any, values: Sequence[Any], training: bool) -> Any:
        held = dict(zip([*names, *states], values, strict=True))
        held |= {name: held[name].detach().clone() for name in states}  # which it writes to
        output = torch.func.functional_call(module.train(training), held, (x,))
        return output, *(held[name] for name in states)

    return lambda x, *values: call(x, values, False)[0], lambda x, *values: call(x, values, True)


def is_torch_module(reference: Any) -> bool:
    """Whether it is a module of PyTorch's."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(reference, torch.nn.Module)


def _by_torch(torch: Any, reference: Reference, arrays: Sequence[Array], dy: Any) -> _Answer:
    tensors = [torch.from_numpy(np.array(a)).requires_grad_(a.dtype.kind == "f") for a in arrays]
    output = reference(*tensors)
    wanted = [tensor for tensor in tensors if tensor.requires_grad]
    if not output.requires_grad or output.shape != np.shape(dy):
        return output.detach().numpy(), [np.zeros(tensor.shape) for tensor in wanted]
    found = torch.autograd.grad(output, wanted, torch.as_tensor(dy, dtype=output.dtype), allow_unused=True)
    zeros = (np.zeros(tensor.shape) for tensor in wanted)
    gradients = [zero if g is None else g.numpy() for g, zero in zip(found, zeros, strict=True)]
    return output.detach().numpy(), gradients


def _by_jax(jax: Any, reference: Reference, arrays: Sequence[Array], dy: Any) -> _Answer:
    holder = jax if hasattr(jax, "enable_x64") else jax.experimental  # where older versions have it
    with holder.enable_x64(True):
        floats = [index for index, array in enumerate(arrays) if array.dtype.kind == "f"]

        def of_floats(*values: Any) -> Any:
            every = list(arrays)
            for index, value in zip(floats, values, strict=True):
                every[index] = value
            return reference(*every)

        output, pull = jax.vjp(of_floats, *(jax.numpy.asarray(arrays[index]) for index in floats))
        if output.shape != np.shape(dy):
            return np.asarray(output), [np.zeros(arrays[index].shape) for index in floats]
        return np.asarray(output), [np.asarray(g) for g in pull(jax.numpy.asarray(dy, output.dtype))]
