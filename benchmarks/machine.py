"""What the numbers were measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from pathlib import Path

from benchmarks.processes import Process

_PACKAGES = {"minidl": "minidl", "NumPy": "numpy", "scikit-learn": "scikit-learn", "PyTorch": "torch"}
_PINS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_APIS = {"openblas": "OpenBLAS", "mkl": "MKL", "blis": "BLIS"}


def describe_machine() -> dict[str, str]:
    """CPU, cores, system, Python and versions; and what is set that changes the BLAS's kernel."""
    machine = {
        "CPU": _cpu(),
        "cores": f"{usable_cores()} usable of {os.cpu_count()}",
        "system": platform.platform(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": ", ".join(f"{title} {version}" for title, version in _versions()),
    }
    return machine | {name: os.environ[name] for name in _PINS if name in os.environ}


def describe_blas(processes: Iterable[Process]) -> list[str]:
    """Each BLAS with its kernel, who loads it, and the threads it has there, as the workers found them."""
    users: dict[str, list[str]] = {}
    threads: dict[str, list[str]] = {}
    for process in processes:
        for library in process.ask("libraries"):
            name = _APIS.get(library["internal_api"], library["internal_api"])
            kernel = library.get("architecture") or "unknown"
            text = f"{name} {library.get('version') or '(version unknown)'}, {kernel} kernel"
            _append_new(users.setdefault(text, []), process.title)
            _append_new(threads.setdefault(text, []), f"{library['num_threads']}")
    return [
        f"{text}, threads {' and '.join(threads[text])}: {', '.join(titles)}"
        for text, titles in users.items()
    ]


def usable_cores() -> int:
    """The cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _append_new(texts: list[str], text: str) -> None:
    if text not in texts:
        texts.append(text)


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
