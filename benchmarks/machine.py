"""What the numbers were measured on."""

from __future__ import annotations

import datetime
import os
import platform
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from minidl.cores import usable_cores
from minidl.kernels import way

_PACKAGES = ("minidl", "numpy", "scikit-learn", "torch", "jax", "keras", "thinc", "tinygrad")
_TITLES = {"numpy": "NumPy", "torch": "PyTorch", "jax": "JAX", "keras": "Keras"}
_PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_APIS = {"openblas": "OpenBLAS", "mkl": "MKL", "blis": "BLIS"}


def describe_machine() -> dict[str, str]:
    """CPU, cores, system, Python and versions; and what is set that changes the BLAS's kernel."""
    versions = []
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions.append(f"{_TITLES.get(package, package)} {version(package)}")
    machine = {
        "date": datetime.date.today().isoformat(),
        "CPU": _cpu(),
        "cores": f"{usable_cores()} usable of {os.cpu_count()}",
        "system": platform.platform(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": ", ".join(versions),
        "kernels": way.described(),
    }
    return machine | {name: os.environ[name] for name in _PINS if name in os.environ}


def header(facts: Mapping[str, str] | list[tuple[str, str]]) -> str:
    """Facts, a name and what is to be said on each line."""
    pairs = list(facts.items()) if isinstance(facts, Mapping) else facts
    width = max((len(name) for name, _ in pairs), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in pairs)


def blas_libraries() -> list[dict[str, Any]]:
    """The BLAS libraries of this process: a name with version and kernel, and the threads."""
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


class Bystanders:
    """How many cores other programs kept busy since this was made: on a quiet machine, none."""

    def __init__(self) -> None:
        self._start = self._read()

    def busy_cores(self) -> float | None:
        """Cores, on average; call it when all processes started meanwhile have ended. None: not known."""
        end = self._read()
        if self._start is None or end is None:
            return None
        clock, machine, own = (after - before for before, after in zip(self._start, end, strict=True))
        return max(machine - own, 0.0) / max(clock, 1e-9)

    @staticmethod
    def _read() -> tuple[float, float, float] | None:
        """Clock, the machine's busy seconds, and those of this process and its ended children."""
        try:
            fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        except OSError:
            return None
        user, nice, system, _, _, irq, soft, steal = (int(field) for field in fields)
        busy = (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")
        return time.perf_counter(), busy, sum(os.times()[:4])


def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
