"""A sweep, or a worker of it, killed at a random moment: the finished journal is the same.

One moment here, of a sweep with halving; more, and without it as well, by ``HYPOTHESIS_PROFILE``.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.sweep.small import kept, lines

ROOT = Path(__file__).resolve().parents[2]
PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
MOMENTS = {"dev": 1, "nightly": 24}.get(PROFILE, 4)
VICTIMS = ("sweep", "worker", "interrupted sweep", "sweep and workers")
SWEEPS = {"halving": True} if PROFILE == "dev" else {"plain": False, "halving": True}

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds workers through /proc")


def start(directory, halving):
    """The sweep as a program of its own; what it puts aside goes into the folder ``temporary``."""
    temporary = directory / "temporary"
    temporary.mkdir(parents=True, exist_ok=True)
    places = {name: str(temporary) for name in ("TMPDIR", "JOBLIB_TEMP_FOLDER")}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.sweep.small", directory, *["halving"] * halving],
        env={**os.environ, **places, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def workers(process):
    """The ids of the sweep's workers."""
    found = []
    with suppress(OSError):  # processes come and go
        for thread in Path(f"/proc/{process}/task").iterdir():
            found += [int(child) for child in (thread / "children").read_text().split()]
    return [pid for pid in sorted(found) if b"popen_loky_posix" in command_line(pid)]


def command_line(pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def finish(process):
    """Its exit code and what it wrote to standard error, once its workers are gone as well."""
    try:
        errors = process.communicate(timeout=600)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, errors


def what_stays(look):
    """What is still there in the end."""
    deadline = time.monotonic() + 120
    while look() and time.monotonic() < deadline:
        time.sleep(0.05)
    return look()


@pytest.fixture(scope="module", params=SWEEPS.values(), ids=SWEEPS)
def uninterrupted(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("uninterrupted")
    started = time.monotonic()
    assert finish(start(directory, request.param)) == (0, "")
    return directory, request.param, time.monotonic() - started


@pytest.mark.parametrize("number", range(MOMENTS))
def test_killed_and_gone_on_with(uninterrupted, tmp_path, number):
    whole, halving, seconds = uninterrupted
    rng = np.random.default_rng([number, halving])
    victim = VICTIMS[number % len(VICTIMS)]
    process = start(tmp_path, halving)
    time.sleep(rng.uniform(0, seconds))
    if victim == "sweep and workers":  # once an outcome is in the folder that is to be removed
        while process.poll() is None and not any(tmp_path.glob("temporary/minidl-sweep-*/*")):
            time.sleep(0.01)
    found = workers(process.pid)
    if victim == "interrupted sweep":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
    else:
        processes = {"sweep": [process.pid], "worker": found[:1], "sweep and workers": [process.pid, *found]}
        for pid in processes[victim]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    code, errors = finish(process)
    if victim == "worker":
        assert code == 0, errors
    else:
        again = finish(start(tmp_path, halving))
        assert again[0] == 0, again[1]
    assert lines(tmp_path) == lines(whole)
    assert len(set(lines(tmp_path))) == len(lines(tmp_path))
    assert kept(tmp_path) == kept(whole)
    (net,) = (name for name in kept(whole) if name.endswith(".npz"))
    assert (tmp_path / "best" / net).read_bytes() == (whole / "best" / net).read_bytes()
    # The workers of a killed sweep end by themselves, and nothing stays behind, whoever is killed.
    assert what_stays(lambda: [pid for pid in found if Path(f"/proc/{pid}").exists()]) == []
    assert what_stays(lambda: list((tmp_path / "temporary").glob("*"))) == [], errors
