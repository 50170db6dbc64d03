"""Who writes to what was lent: the calls of a module, and of every module in it, watched one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np

from minidl.module import Module
from minidl.testing.reports import ClauseError
from minidl.types import Array

_CALLS = (
    "forward", "backward", "backward_parameters", "probabilities", "predict", "check_targets", "total_weight",
)  # fmt: skip


@dataclass(frozen=True)
class _Lent:
    array: Array
    content: bytes
    name: str
    lender: Module | None  # None for what the caller lends


class Lending:
    """While it is entered, every call raises `ClauseError` that writes to an array which is lent.

    A training forward's output and what its backward gives are lent until the next training forward
    of the same module; what `lend` was given, to the end. So the fault is named at the call that
    makes it, although it may do harm only later or elsewhere, or in another net.
    """

    def __init__(self, module: Module) -> None:
        self._modules = tuple(part for _, part in module.named_modules())
        self._root = module.label
        self._lent: list[_Lent] = []
        self._running: list[str] = []
        self._own: list[dict[str, Any]] = []

    def lend(self, name: str, array: Array) -> None:
        """Watch an array of the caller's own."""
        self._record(name, array, None)

    def require_kept(self, who: str) -> None:
        """Raise if `who` wrote to an array since the last look."""
        for lent in self._lent:
            if lent.array.tobytes() != lent.content:
                raise ClauseError(f"{who} writes to {lent.name}")

    def __enter__(self) -> Self:
        self._own = [dict(vars(module)) for module in self._modules]
        for module in self._modules:
            methods = {call: getattr(module, call) for call in _CALLS if hasattr(module, call)}
            for call, method in methods.items():
                # Where attribute access looks before the class.
                vars(module)[call] = self._watched(module, call, method)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for module, own in zip(self._modules, self._own, strict=True):
            for call in _CALLS:
                vars(module).pop(call, None)
            vars(module).update({call: own[call] for call in _CALLS if call in own})

    def _watched(self, module: Module, call: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **options: Any) -> Any:
            training = bool(options.get("training", False))
            name = ("a training forward" if training else "inference") if call == "forward" else call
            who = f"{name} of {module.label}"
            self.require_kept(self._running[-1] if self._running else self._root)
            if training:
                self._lent = [lent for lent in self._lent if lent.lender is not module]
            self._running.append(who)
            try:
                given = method(*args, **options)
            finally:
                self._running.pop()
            self.require_kept(who)
            if (training or call == "backward") and isinstance(given, np.ndarray):
                # What it was given, or a view of that, is lent already, or is the caller's to write to.
                known = [lent.array for lent in self._lent]
                known += [array for array in args if isinstance(array, np.ndarray)]
                if not any(np.may_share_memory(given, array) for array in known):
                    what = "output" if training else "gradient"
                    self._record(f"the {what} lent by {module.label}", given, module)
            return given

        return watched

    def _record(self, name: str, array: Array, lender: Module | None) -> None:
        self._lent.append(_Lent(array, array.tobytes(), name, lender))
