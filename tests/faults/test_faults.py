"""Each fault with a small count, and under the profile ``nightly`` with the whole one."""

import os

import pytest

from tests.deep import deep, first_only
from tests.faults.damage import flips, truncations
from tests.faults.disk import directory_removed, full_disk
from tests.faults.kills import kills, two_writers
from tests.faults.kinds import KINDS
from tests.faults.programs import RUNS
from tests.faults.resumed import kill_runs
from tests.faults.runs import identical_runs

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")
WHOLE = [kind for kind in KINDS if kind.whole]
WRITTEN = [kind for kind in KINDS if kind.name != "digits"]

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")


def counts(dev, ci, nightly):
    return {"dev": dev, "ci": ci, "nightly": nightly}.get(PROFILE, dev)


def each(kinds):
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.name)


@needs_fork
@each(WRITTEN)
def test_kills(kind):
    kills(kind, counts(1, 10, 1000))


@needs_fork
@each(WHOLE)
def test_two_writers(kind):
    two_writers(kind, counts(1, 10, 300))


@each(KINDS)
def test_truncations(kind):
    assert truncations(kind, counts(10, 100, 100_000))["silent"] == 0


@each(KINDS)
def test_flips(kind):
    assert flips(kind, counts(10, 100, 10_000))["silent"] == 0


@each(WHOLE)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of a file that never closes
def test_a_full_disk(kind):
    full_disk(kind)


@each(WHOLE)
def test_a_directory_that_goes(kind):
    directory_removed(kind)


@deep
def test_identical_runs():
    identical_runs(count=counts(1, 1, 20))


needs_pidfd = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="waits for a process by its descriptor"
)


@needs_fork
@needs_pidfd
@pytest.mark.parametrize("name", first_only(*RUNS))
def test_killed_runs(name):
    assert sum(kill_runs(name, counts(1, 10, 300)).values()) >= 1


@deep
@needs_pidfd
@pytest.mark.parametrize("name", ["two-layers", "everything"])
def test_killed_runs_in_fresh_processes(name):
    kill_runs(name, counts(1, 1, 20), fresh=True)


def test_the_faults_can_be_found(tmp_path):
    """A way of writing that is not whole, and a way of reading that takes anything, are found out."""
    from dataclasses import replace
    from pathlib import Path

    def write(path, which):
        with path.open("wb") as file:
            file.write(bytes([which]) * 1000)

    plain = replace(KINDS[0], write=write, load=Path.read_bytes)
    plain = replace(plain, accepts=lambda found: found in (bytes(1000), bytes([1]) * 1000))
    assert truncations(plain, 10)["silent"] == flips(plain, 10)["silent"] == 10
    for fault in (full_disk, directory_removed):
        with pytest.raises((AssertionError, FileNotFoundError)):
            fault(plain)
