"""``minidl doctor``: what this machine gives minidl, and what slows it down."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import minidl
from minidl.cores import THREAD_VARIABLES, affinity, cpu_quota, usable_cores
from minidl.kernels import blas, way

_PACKAGES = ("numpy", "scipy", "tqdm", "threadpoolctl", "matplotlib", "pooch")
# Variables that pin a kernel or its blocking, which a BLAS chooses better by itself.
_PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_ENABLE_INSTRUCTIONS", "BLIS_ARCH_TYPE")
_MEASURE = """
import sys
import time
import numpy as np
from threadpoolctl import threadpool_limits
threadpool_limits(int(sys.argv[1]), "blas")
a, b = np.ones((2, 1024, 1024), np.float32)
seconds = []
for _ in range(12):
    start = time.perf_counter()
    a @ b
    seconds.append(time.perf_counter() - start)
print(2 * 1024**3 / sorted(seconds[2:])[5] / 1e9)
"""


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="show versions, CPU, BLAS, kernels and speed, and what slows them down",
        description="Show versions, CPU, BLAS (kernel and threads), whether minidl's kernels are compiled, "
        "and the speed of a float32 matrix product, with what to change if something slows it down.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Look and print; returns the exit code."""
    rows = [("minidl", minidl.__version__), ("Python", platform.python_version())]
    rows += [(name, _version(name)) for name in _PACKAGES]
    load = _load()  # before this command adds to it
    rows += [("CPU", _cpu()), ("cores", _describe_cores())]
    if load is not None:
        rows.append(("load", f"{load:.1f} on {os.cpu_count()} cores, in the mean of the last minute"))
    pools = _pools()
    for pool in pools:
        kernel = pool.get("architecture") or "kernel unknown"
        library = f"{pool['internal_api']} {pool.get('version') or ''}".strip()
        rows.append(("BLAS", f"{library}, {kernel}, {pool['num_threads']} threads"))
    rows.append(("kernels", way.described()))
    speed = _gflops(dict(os.environ), _most_threads(pools))
    rows.append(("float32 product", f"{speed:.0f} GFLOP/s (1024 × 1024)"))
    for name, value in rows:
        print(f"{name:<16} {value}")
    print()
    for line in _advice(pools, speed, load) or ["nothing slows this machine down"]:
        print(f"- {line}")
    return 0


def _advice(pools: list[dict[str, Any]], speed: float, load: float | None = None) -> list[str]:
    advice = []
    cores, most = usable_cores(), _most_threads(pools)
    pins = [name for name in _PINS if name in os.environ]
    if pins:
        free = _gflops({name: value for name, value in os.environ.items() if name not in pins}, most)
        settings = " and ".join(f"{name}={os.environ[name]}" for name in pins)
        verdict = f"{free:.0f} GFLOP/s without, {speed:.0f} with"
        if free > 1.1 * speed:
            advice.append(f"{settings} pins an older kernel: {verdict}; run: unset {' '.join(pins)}")
        else:
            advice.append(f"{settings} pins a kernel, which costs nothing here: {verdict}")
    limits = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if os.environ.get(name)]
    if limits and most < cores:
        advice.append(f"{' '.join(limits)} leaves {cores - most} of {cores} cores without work")
    if most > cores:
        advice.append(
            f"{most} BLAS threads share {cores} core{'s' * (cores != 1)} and wait for each other; "
            f"run: export OMP_NUM_THREADS={cores}"
        )
    elif not limits and cores < affinity():
        advice.append(
            f"the CPU quota leaves {cores} of {affinity()} cores, and minidl's commands keep to as many BLAS "
            "threads; in Python: with threadpoolctl.threadpool_limits(minidl.usable_cores(), user_api='blas')"
        )
    total = os.cpu_count() or 1
    by_blas = way.level() in (None, "base")  # others compute products on threads that sleep when they wait
    if load is not None and load > total and most > 1 and by_blas:
        alone = _gflops(dict(os.environ), 1)
        advice.append(
            f"a load of {load:.1f} on {total} cores: the {most} threads of a product wait for each other, "
            f"{speed:.0f} GFLOP/s, {alone:.0f} with one; while other programs run: export OMP_NUM_THREADS=1"
        )
    if not pools:
        advice.append("no BLAS was recognized; pip install numpy brings OpenBLAS along")
    elif not blas.is_found():
        advice.append(
            "in NumPy's BLAS no axpy was found, so that updates and penalties take two passes over the "
            "memory instead of one; pip install numpy brings a BLAS that has it"
        )
    return advice + _advice_on_kernels(cores, way.level() is not None, blas.threads_address())


def _advice_on_kernels(cores: int, compiled: bool, threads_address: int) -> list[str]:
    advice = []
    if way.remedy():
        advice.append(f"the kernels are {way.described()}, which is not their fastest way; {way.remedy()}")
    if compiled and cores > 1 and not threads_address:
        advice.append(
            "NumPy's BLAS does not say how many threads it uses, so that compiled kernels keep to one; "
            "pip install numpy brings OpenBLAS, which does"
        )
    return advice


def _pools() -> list[dict[str, Any]]:
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    return [pool for pool in threadpool_info() if pool["user_api"] == "blas"]


def _most_threads(pools: list[dict[str, Any]]) -> int:
    return max((pool["num_threads"] for pool in pools), default=1)


def _load() -> float | None:
    """How many threads of all programs ran or waited for a core in the last minute; None where unknown."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none
        return None


def _gflops(environment: dict[str, str], threads: int) -> float:
    """Speed of the product in a process of its own: a BLAS reads its variables only at the start."""
    command = [sys.executable, "-c", _MEASURE, str(threads)]
    return float(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)


def _describe_cores() -> str:
    quota = cpu_quota()
    granted = "no CPU quota" if quota is None else f"CPU quota {quota:g}"
    return f"{usable_cores()} usable of {os.cpu_count()} (affinity mask {affinity()}, {granted})"


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
