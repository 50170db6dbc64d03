"""SciPy's minimizers, which choose direction and length of each step themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Never

import numpy as np

from minidl.checks import check_choice, check_float
from minidl.errors import ConfigurationError, StateError
from minidl.optimizers.optimizer import Optimizer
from minidl.types import Array
from minidl.vectors import ParameterVector

METHODS = ("L-BFGS-B", "BFGS", "CG", "Newton-CG", "SLSQP", "TNC")
"""Those of `scipy.optimize.minimize` that need no more than the gradient."""

_DIFFERENCES = {"Newton-CG": "eps", "TNC": "accuracy"}
"""The options by which methods are told how far apart two gradients tell of curvature, not of rounding."""


class LBFGS(Optimizer):
    """L-BFGS on all samples at once, or another of SciPy's minimizers; for small nets and data sets.

    The Trainer lets it minimize loss and penalty: ``Trainer(net, LBFGS()).fit(train, epochs=100)``. One
    iteration of the minimizer is one step and one epoch. The net computes in its own dtype and SciPy in
    float64. What SciPy has learned of the curvature goes with the fit: the next one begins anew.
    Source: Liu and Nocedal (1989), "On the limited memory BFGS method for large scale optimization"; see
    `scipy.optimize.minimize` for the others.

    Parameters
    ----------
    method : str
        One of "L-BFGS-B", "BFGS", "CG", "Newton-CG", "SLSQP", "TNC". BFGS and SLSQP work on a matrix
        of the parameters' number squared: they are for some hundreds.
    tolerance : float > 0, optional
        SciPy's ``tol``.
    **options
        SciPy's options of the method, such as ``maxcor=20`` or ``gtol=1e-6``, as they are.

    Attributes
    ----------
    lr : float
        1, and of no effect.
    """

    def __init__(self, method: str = "L-BFGS-B", *, tolerance: float | None = None, **options: Any) -> None:
        super().__init__(1.0)
        self.method = check_choice("LBFGS", "method", method, METHODS)
        self.tolerance = None if tolerance is None else check_float("LBFGS", "tolerance", tolerance, above=0)
        if "maxiter" in options:
            remedy = "give fit(epochs=...), of which each is an iteration"
            raise ConfigurationError.expected("LBFGS", "no option maxiter", options["maxiter"], remedy)
        self.options = options

    def update(self, values: Array, gradients: Array, lr: float, **state: Array) -> Never:
        """`StateError`: a step needs more than one gradient."""
        remedy = "give it to a Trainer: Trainer(net, LBFGS()).fit(train, epochs=100)"
        raise StateError.expected("LBFGS", "to be asked to minimize", "one gradient", remedy)

    def minimize(
        self,
        parameters: ParameterVector,
        evaluate: Callable[[], float],
        arrived: Callable[[float], bool],
        iterations: int,
    ) -> str:
        """Move ``parameters.values`` to where the loss is low; what is frozen and the padding stay.

        However it ends, the values are those at which the last whole iteration arrived.

        Parameters
        ----------
        evaluate : callable ``() -> loss``
            At ``parameters.values``; puts the gradient into ``parameters.gradients``.
        arrived : callable ``loss -> bool``
            Called after each iteration, with the values and the last evaluation those of its end;
            whether to go on.
        iterations : int >= 1
            At most.

        Returns
        -------
        str
            Why SciPy ended by itself; empty where it was asked to.
        """
        from scipy.optimize import minimize

        trained = [parameter for _, parameter in parameters.items() if not parameter.frozen]
        if not trained:
            raise ConfigurationError.expected("LBFGS", "a parameter that is not frozen", "none")
        ends = np.cumsum([parameter.value.size for parameter in trained])[:-1]
        kept = latest = _flat([parameter.value for parameter in trained])
        loss, going, trainable = 0.0, True, parameters.trainable

        def put(x: Array) -> None:
            for parameter, part in zip(trained, np.split(x, ends), strict=True):
                parameter.value[...] = part.reshape(parameter.shape)

        def evaluate_at(x: Array) -> tuple[float, Array]:
            nonlocal latest, loss
            put(x)
            loss, latest = evaluate(), x.copy()  # SciPy may write to its array
            return loss, _flat([parameter.grad for parameter in trained])

        def after_iteration(x: Array) -> None:
            nonlocal kept, going
            if not np.array_equal(x, latest):
                evaluate_at(x)
            kept = x.copy()
            self.steps += 1
            going = arrived(loss)
            if not going:
                raise StopIteration
            if parameters.trainable is not trainable:
                expected, got = "the same parameters frozen until the end", "others"
                raise StateError.expected("LBFGS", expected, got, "freeze them between two fits")

        try:
            result = minimize(
                evaluate_at,
                kept,
                jac=True,
                method=self.method,
                tol=self.tolerance,
                callback=after_iteration,
                options=self._scipy_options(iterations, parameters.values.dtype),
            )
        except StopIteration:  # some methods take it for the end, and others let it pass
            return ""
        finally:
            put(kept)
        return str(result.message) if going else ""

    def _scipy_options(self, iterations: int, dtype: np.dtype[Any]) -> dict[str, Any]:
        chosen: dict[str, Any] = {} if self.method == "TNC" else {"maxiter": iterations}
        if self.method in ("TNC", "L-BFGS-B"):
            chosen["maxfun"] = 1_000 * iterations  # or it would end before the iterations do
        if dtype == np.float32 and self.method in _DIFFERENCES:
            chosen[_DIFFERENCES[self.method]] = math.sqrt(np.finfo(dtype).eps)
        return {**chosen, **self.options}

    def __repr__(self) -> str:
        options = {"tolerance": self.tolerance, **self.options}
        arguments = [repr(self.method), *(f"{name}={value!r}" for name, value in options.items())]
        return f"LBFGS({', '.join(arguments)})"


def _flat(arrays: list[Array]) -> Array:
    """All numbers in one vector of float64, a copy."""
    return np.concatenate([array.ravel() for array in arrays], dtype=np.float64)
