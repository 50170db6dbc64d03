"""``Trainer(check_finite="all")``: the layer whose pass gives the first number that is not finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import numpy as np

from minidl.checks import check_choice
from minidl.errors import DivergedError
from minidl.module import Module
from minidl.net import Net
from minidl.parameters import Parameter
from minidl.training.divergence import blame, explained, first_wrong, span
from minidl.training.step import compute_gradients


def gradients_of(loop: Any, check_finite: str) -> Callable[..., Any]:
    """What computes a step's gradients: `compute_gradients`, or it with a look at all that it passes by."""
    check_choice("Trainer", "check_finite", check_finite, ("loss", "all"))
    if check_finite == "loss" and not loop.net.state:
        return compute_gradients
    return _Keeping(compute_gradients if check_finite == "loss" else partial(_watched_gradients, loop))


class _Keeping:
    """Computes a step's gradients, and keeps the states as they were: running statistics follow the batch."""

    def __init__(self, compute: Callable[..., Any]) -> None:
        self._compute = compute
        self._kept: Any = None

    def __call__(self, net: Net, *given: Any) -> Any:
        if self._kept is None:
            self._kept = net.state.values.copy()
        np.copyto(self._kept, net.state.values)
        try:
            return self._compute(net, *given)
        except DivergedError:
            self.put_back(net)
            raise

    def put_back(self, net: Net) -> None:
        """What the last step's forward changed; nothing where it was that of another process."""
        if self._kept is not None:
            net.state.values[...] = self._kept


def explained_of(loop: Any, error: DivergedError) -> DivergedError:
    """`error` of the update of `loop`, and where it comes from; the net's states are put back."""
    if isinstance(loop._gradients, _Keeping):
        loop._gradients.put_back(loop.net)
    if loop.check_finite == "all" and (found := _wrong_gradients(loop)):  # they were right when computed
        return _error(loop, "the callbacks' on_gradients", found, "")
    return explained(error, loop.step, loop.net, loop._batches)


def _watched_gradients(loop: Any, *given: Any) -> Any:
    """As `compute_gradients`, for a step of `loop`.

    Raises
    ------
    DivergedError
        At the first number that is not finite.
    """
    with watching(loop):
        result = compute_gradients(*given)
    if not np.isfinite(result[0]):
        raise _error(loop, f"{type(loop.regularizer).__name__}'s penalty", str(result[0]), "")
    if wrong := _wrong_gradients(loop):
        raise _error(loop, f"{type(loop.regularizer).__name__}'s add_gradients", wrong, "")
    return result


def _wrong_gradients(loop: Any) -> str:
    for path, parameter in loop.net.parameters.items():
        if not parameter.frozen and (wrong := _wrong(parameter.grad)):
            return f"{wrong} of {path}.grad"
    return ""


@contextmanager
def watching(loop: Any) -> Iterator[None]:
    """Look at all that the passes of the net's modules give in here, where the `loop` is to check all.

    The modules' methods are wrapped no longer than a step computes its gradients, and so no copy of the net
    that a callback or another thread makes between two steps has a wrapper.
    """
    with ExitStack() as undo:
        if loop.check_finite == "all":
            seen: list[Any] = [None]  # what was looked at last: a container gives what its last layer gave
            for _, module in loop.net.named_modules():
                for name in _PASSES:
                    if callable(getattr(module, name, None)):
                        _wrap(loop, module, name, seen, undo)
        yield


_PASSES = {"forward": "numbers", "backward": "gradients", "backward_parameters": "gradients"}
"""The methods, and what each is given."""


def _wrap(loop: Any, module: Module, name: str, seen: list[Any], undo: ExitStack) -> None:
    function, own = getattr(module, name), vars(module)
    first = module is loop.net and name == "forward"

    def call(*given: Any, **options: Any) -> Any:
        if options.get("training") is False:
            return function(*given, **options)
        if first and (wrong := _wrong(given[0])):
            raise _error(loop, "the features", wrong, "look at the data, and at what transforms them")
        result = function(*given, **options)
        wrong = "" if name == "forward" else _wrong_gradient(module)
        if result is not seen[0]:
            wrong = wrong or _wrong(result)
            seen[0] = result
        if wrong:
            took = _took(_PASSES[name], given)
            raise _error(loop, f"{module.label} {name.partition('_')[0]}", wrong, took)
        return result

    if name in own:
        undo.callback(own.__setitem__, name, function)
    else:
        undo.callback(own.__delitem__, name)
    own[name] = call


def _took(what: str, given: tuple[Any, ...]) -> str:
    with suppress(Exception):  # no array: a layer of a user's own may take what it likes
        return f"it was given {what} {span(given[0])}, and "
    return ""


def _wrong_gradient(module: Module) -> str:
    for name, part in module._parts.items():
        if isinstance(part, Parameter) and not part.frozen and (wrong := _wrong(part.grad)):
            return f"{wrong} of {name}.grad"
    return ""


def _wrong(x: Any) -> str:
    """The first number of `x` that is not finite and its index; nothing where all are."""
    matrix = getattr(x, "matrix", x)
    if matrix is None or (isinstance(matrix, np.ndarray) and matrix.dtype.kind != "f"):
        return ""
    numbers = matrix if isinstance(matrix, (float, np.floating, np.ndarray)) else getattr(matrix, "data", ())
    return "" if np.isfinite(numbers).all() else first_wrong(matrix)


def _error(loop: Any, source: str, wrong: str, given: str) -> DivergedError:
    where = f"epoch {loop.epoch}, step {loop.step}"
    remedy = given if given.startswith("look") else f"{given}{blame(loop.net)}"
    return DivergedError.expected(where, f"finite numbers from {source}", wrong, remedy)
