"""Every kernel stands beside its definition, and a test compares the two."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import minidl.kernels

# How data is read, memory is taken and windows lie are no formulas, nor is which way the kernels take.
OTHERS = {"rows", "blocks", "constants", "memory", "windows", "way", "check", "_compiled", "__main__"}
FREE = {
    *(
        "threads_address",
        "is_found",
        "long_rows",
        "apply_to_rows",
    ),
    *("by_channel", "center", "subtract_mean"),
    *("is_batch", "is_csr", "check_csr", "as_batch", "arrays_of"),
}
MODULES = sorted(module.name for module in pkgutil.iter_modules(minidl.kernels.__path__))


@pytest.mark.parametrize("name", [name for name in MODULES if name not in OTHERS])
def test_each_kernel_has_a_definition_that_a_test_uses(name):
    module = importlib.import_module(f"minidl.kernels.{name}")
    tests = Path(__file__).with_name(f"test_{name}.py").read_text("utf-8")
    kernels = [
        function
        for function, value in vars(module).items()
        if inspect.isroutine(value) and value.__module__ == module.__name__ and not function.startswith("_")
    ]
    assert kernels
    for kernel in kernels:
        defined = kernel.removesuffix("_backward")  # a loss's definition gives its gradient, too
        if kernel not in FREE and not kernel.endswith("_definition"):
            assert {f"{kernel}_definition", f"{defined}_definition"} & {*kernels}, kernel
            assert f"{kernel}(" in tests or f"{kernel}," in tests, kernel
            assert f"{defined}_definition" in tests, kernel
