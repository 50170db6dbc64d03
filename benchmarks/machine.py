"""What the numbers were measured on."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_PACKAGES = {
    "minidl": "minidl",
    "NumPy": "numpy",
    "scikit-learn": "scikit-learn",
    "PyTorch": "torch",
    "JAX": "jax",
    "Keras": "keras",
    "thinc": "thinc",
    "tinygrad": "tinygrad",
}
_PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_APIS = {"openblas": "OpenBLAS", "mkl": "MKL", "blis": "BLIS"}


def describe_machine() -> dict[str, str]:
    """CPU, cores, system, Python and versions; and what is set that changes the BLAS's kernel."""
    machine = {
        "date": datetime.date.today().isoformat(),
        "CPU": _cpu(),
        "cores": f"{usable_cores()} usable of {os.cpu_count()}",
        "system": platform.platform(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": ", ".join(f"{title} {version}" for title, version in _versions()),
    }
    return machine | {name: os.environ[name] for name in _PINS if name in os.environ}


def blas_libraries() -> list[dict[str, Any]]:
    """The BLAS libraries of this process: a name with version and kernel, and the threads."""
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    return [
        describe_library(pool["internal_api"], pool["version"], pool.get("architecture"), pool["num_threads"])
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    ]


def describe_library(api: str, version: str | None, kernel: str | None, threads: int) -> dict[str, Any]:
    """The record of one library in one process."""
    name = f"{_APIS.get(api, api)} {version or '(version unknown)'}"
    return {"library": f"{name}, {kernel} kernel" if kernel else name, "threads": threads}


def usable_cores() -> int:
    """The cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _versions() -> Iterable[tuple[str, str]]:
    for title, package in _PACKAGES.items():
        try:
            yield title, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
