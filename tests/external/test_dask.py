"""A `dask.distributed` cluster runs a sweep as loky does."""

import os
import signal
from pathlib import Path

import pytest

from minidl import dense_net
from minidl.sweep import Grid, Sweep
from tests.external.judging import summon
from tests.external.sweeping import judge_sweeps
from tests.sweep.small import digits

distributed, judge = summon("distributed", "dask.distributed")


def cluster(**options):
    return distributed.LocalCluster(dashboard_address=None, **options)


@pytest.mark.parametrize(
    "shape",
    [{"n_workers": 2, "threads_per_worker": 1}, {"processes": False, "threads_per_worker": 2}],
    ids=["processes", "threads"],
)
def test_a_schedulers_address(tmp_path, shape):
    with cluster(**shape) as dask:
        judge_sweeps(judge, tmp_path, backend="dask", scheduler=dask.scheduler_address)


def test_the_client_that_is_there(tmp_path):
    with cluster(n_workers=1) as dask, distributed.Client(dask):
        judge_sweeps(judge, tmp_path, backend="dask")


def test_a_cluster_of_its_own(tmp_path):
    judge_sweeps(judge, tmp_path, backend="dask", jobs=1)


def deadly(configuration, data, rng):
    """Kills its process, once or whenever it is asked to."""
    flag = Path(configuration["flag"])
    if configuration["kills"] == "always" or (configuration["kills"] and not flag.exists()):
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return dense_net(64, [8], 10, rng=rng)


def test_workers_that_die(tmp_path):
    space = Grid(lr=[0.1], kills=["", "once", "always"], flag=[str(tmp_path / "flag")])
    results = Sweep(deadly, space, digits(), steps=5).run(backend="dask", jobs=2)
    assert [row.status for row in results.rows] == ["done", "done", "failed"]
    assert results.rows[2].reason == "whatever process ran it died: out of memory?"
    judge.judged("sweeps with dying workers")
