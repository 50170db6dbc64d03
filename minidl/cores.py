"""How many of the machine's cores this process may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OPENBLAS_DEFAULT_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""By which a user says how many threads a BLAS is to have."""

_ROOT = Path("/")
_MOUNTS_V1 = ("sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup/cpuacct,cpu")
_MOUNTS_V2 = ("sys/fs/cgroup", "sys/fs/cgroup/unified")


def usable_cores() -> int:
    """The cores that this process may use: its affinity mask, within a container's CPU quota.

    Of a quota of 2.5 cores it is 2, for a third thread of a BLAS would make the others wait for it
    more than it does; of half a core, 1. NumPy's BLAS sees no quota. `minidl`, the command, keeps it
    to so many threads, unless a variable such as ``OMP_NUM_THREADS`` says how many; in Python nothing
    is changed unless you say so::

        with threadpoolctl.threadpool_limits(minidl.usable_cores(), user_api="blas"):
            trainer.fit(...)
    """
    return max(int(granted_cores()), 1)


def granted_cores() -> float:
    """The quota's cores, where there is one and it is below the affinity mask's, else those."""
    quota = cpu_quota()
    return affinity() if quota is None else min(affinity(), quota)


def affinity() -> int:
    """The cores that this process's threads may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_quota() -> float | None:
    """The cores that Linux's control groups grant, the least of this one's and those around it; else None."""
    return min(_quotas(), default=None)


def _quotas() -> Iterator[float]:
    for mount, group in _groups():
        for folder in (mount / part for part in (group, *group.parents)):
            # Not there, not to be read, "max" for no limit, or damaged: then it grants what there is.
            with suppress(OSError, ValueError):
                if (folder / "cpu.max").is_file():  # version 2
                    quota, period = map(int, (folder / "cpu.max").read_text().split())
                else:
                    quota = int((folder / "cpu.cfs_quota_us").read_text())
                    period = int((folder / "cpu.cfs_period_us").read_text())
                if quota > 0 and period > 0:  # version 1 writes -1 for no limit
                    yield quota / period


def _groups() -> Iterator[tuple[Path, PurePosixPath]]:
    """Each mount of the controller, and this process's group below it.

    In a container the group's name may be the host's, which is not there; the mount itself is then the
    container's group.
    """
    lines = ["0::/", "0:cpu:/"]
    with suppress(OSError):
        lines += os.fsdecode((_ROOT / "proc/self/cgroup").read_bytes()).splitlines()
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if not controllers or "cpu" in controllers.split(","):
            for mount in _MOUNTS_V1 if controllers else _MOUNTS_V2:
                yield _ROOT / mount, PurePosixPath(group.lstrip("/"))
