import os

import pytest

import minidl
from minidl import cores


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Writes files below the root that is looked at; the process may run on 16 cores."""
    monkeypatch.setattr(cores, "_ROOT", tmp_path)
    monkeypatch.setattr(cores, "affinity", lambda: 16)

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return write


def v1(quota, period=100_000, group="", mount="cpu"):
    """The files of a group of version 1 with this quota."""
    folder = f"sys/fs/cgroup/{mount}/{group}"
    return {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": f"{period}\n"}


def v2(text, group="", mount=""):
    return {f"sys/fs/cgroup/{mount}/{group}/cpu.max": f"{text}\n"}


GROUP_V1 = "9:name=systemd:/\n5:memory:/other\n4:cpu,cpuacct:/docker/0af\n0::/elsewhere\n"
GROUP_V2 = "0::/system.slice/job.scope\n"


@pytest.mark.parametrize(
    ("files", "quota", "usable"),
    [
        ({}, None, 16),
        (v2("max 100000"), None, 16),
        (v2("200000 100000"), 2, 2),
        (v2("50000 100000"), 0.5, 1),
        (v2("150000 100000"), 1.5, 1),
        (v2("250000 100000"), 2.5, 2),
        (v2("6400000 100000"), 64, 16),
        (v2("25000 50000", mount="unified"), 0.5, 1),
        (v1(-1), None, 16),
        (v1(200_000), 2, 2),
        (v1(350_000, mount="cpu,cpuacct"), 3.5, 3),
        # The group's own, below a mount; the least of it and those around it counts.
        ({"proc/self/cgroup": GROUP_V2} | v2("max 100000", "system.slice")
         | v2("300000 100000", "system.slice/job.scope"), 3, 3),
        ({"proc/self/cgroup": GROUP_V2} | v2("200000 100000", "system.slice")
         | v2("300000 100000", "system.slice/job.scope"), 2, 2),
        ({"proc/self/cgroup": GROUP_V1} | v1(400_000, group="docker/0af") | v1(-1), 4, 4),
        ({"proc/self/cgroup": GROUP_V1} | v1(400_000, group="docker/0af")
         | v1(300_000, group="docker"), 3, 3),
        # Within a container the group's name may be the host's: the mount is the container's group.
        ({"proc/self/cgroup": GROUP_V1} | v1(300_000), 3, 3),
        ({"proc/self/cgroup": "0::/../../sibling\n"} | v2("300000 100000"), 3, 3),
        # Another group's, and another controller's.
        ({"proc/self/cgroup": GROUP_V2} | v2("100000 100000", "system.slice/other.scope"), None, 16),
        ({"proc/self/cgroup": GROUP_V1} | v1(100_000, group="other")
         | v1(100_000, group="elsewhere"), None, 16),
        # Damaged.
        (v2(""), None, 16),
        (v2("100000"), None, 16),
        (v2("a lot"), None, 16),
        (v2("100000 0"), None, 16),
        (v2("-5 100000"), None, 16),
        (v1("", 100_000), None, 16),
        (v1(200_000, 0), None, 16),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000"}, None, 16),
        ({"sys/fs/cgroup/cpu.max": b"\xff\xfe"}, None, 16),
        ({"proc/self/cgroup": b"\xff:::\n\nnonsense\n7:cpu"} | v2("200000 100000"), 2, 2),
        ({"sys/fs/cgroup/cpu.max/here": "a folder"}, None, 16),
    ],
)  # fmt: skip
def test_the_quota_of_a_container(files, quota, usable, tree):
    tree(**files)
    assert cores.cpu_quota() == quota
    assert minidl.usable_cores() == usable
    assert cores.granted_cores() == min(quota or 16, 16)


def test_the_affinity_mask(monkeypatch, tmp_path):
    monkeypatch.setattr(cores, "_ROOT", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 8}, raising=False)
    assert minidl.usable_cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert minidl.usable_cores() == 1
