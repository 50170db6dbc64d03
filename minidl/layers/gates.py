"""Activations that multiply x by a gate between 0 and 1, itself a smooth function of x."""

from __future__ import annotations

from minidl.checks import check_choice
from minidl.kernels.elementwise import gelu, gelu_tanh, silu
from minidl.layers.elementwise import Elementwise
from minidl.types import Array


class GELU(Elementwise, whole=True):
    """``y = x * Φ(x)``, with Φ the standard normal distribution's ``(1 + erf(x / √2)) / 2``.

    Any shape, any float dtype. Minus infinity gives NaN.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", 2016, arXiv:1606.08415.

    Parameters
    ----------
    approximate : "none" or "tanh"
        Whether Φ is exact, or ``(1 + tanh(√(2 / π) * (x + 0.044715 * x³))) / 2``, which is less than 0.0003
        off and faster.
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = check_choice(self.label, "approximate", approximate, ("none", "tanh"))

    def compute(self, x: Array, y: Array, slope: Array | None, work: Array) -> None:
        """The slope is ``Φ(x) + x * Φ'(x)``."""
        (gelu if self.approximate == "none" else gelu_tanh)(x, y, slope, work)


class SiLU(Elementwise, whole=True):
    """``y = x / (1 + exp(-x))``, x times its sigmoid; also known as swish.

    Any shape, any float dtype. Minus infinity gives NaN.

    Source: Hendrycks and Gimpel, 2016, arXiv:1606.08415; Ramachandran, Zoph and Le, "Searching for
    Activation Functions", 2017, arXiv:1710.05941.
    """

    def compute(self, x: Array, y: Array, slope: Array | None, work: Array) -> None:
        """With the sigmoid s the slope is ``s + y * (1 - s)``."""
        silu(x, y, slope, work)
