"""A `dask.distributed` cluster runs a sweep as loky does."""

import os
import signal
import subprocess
import sys

import pytest

from minidl.errors import ConfigurationError
from minidl.sweep import Sweep
from tests.external.judging import summon
from tests.external.sweeping import ROOT, check_unguarded, judge_sweeps
from tests.sweep.small import SPACE, digits

distributed, judge = summon("distributed", "dask.distributed")
dask = pytest.importorskip("dask")


def cluster(**options):
    # Without a dashboard a scheduler still serves HTTP, by default at one port, which another may have.
    options |= {"dashboard_address": None, "scheduler_kwargs": {"dashboard_address": ":0"}}
    return distributed.LocalCluster(**options)


@pytest.mark.parametrize(
    "shape",
    [{"n_workers": 2, "threads_per_worker": 1}, {"processes": False, "threads_per_worker": 2}],
    ids=["processes", "threads"],
)
def test_a_schedulers_address(tmp_path, shape):
    with cluster(**shape) as dask:
        judge_sweeps(judge, tmp_path, backend="dask", scheduler=dask.scheduler_address)


def test_the_client_that_is_there(tmp_path):
    with cluster(processes=False, n_workers=1) as dask, distributed.Client(dask):
        judge_sweeps(judge, tmp_path, halvings=[None], backend="dask")


def test_a_cluster_of_its_own_for_a_script_without_a_guard():
    check_unguarded("dask")
    judge.judged("scripts without a guard")


DEADLY = """
import sys
from pathlib import Path

from minidl.sweep import Sweep
from tests.sweep.small import deadly, deadly_space, digits

results = Sweep(deadly, deadly_space(Path(sys.argv[1])), digits(), steps=5).run(backend="dask", jobs=2)
print(*(row.status for row in results.rows))
"""


def test_workers_that_die(tmp_path):
    command = [sys.executable, "-c", DEADLY, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    options = {"stdout": subprocess.PIPE, "text": True, "env": environment, "start_new_session": True}
    with subprocess.Popen(command, **options) as process:
        try:
            out, _ = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.xfail("joblib's dask backend now and then waits without end when all workers have died")
    assert out == "done done failed\n"
    judge.judged("sweeps with dying workers")


@pytest.mark.parametrize("scheduler", ["tcp://127.0.0.1:1", "nonsense://here", "portless"])
def test_a_scheduler_that_is_not_there(scheduler):
    sweep = Sweep("mlp", SPACE, digits(), steps=5)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "300ms"}),
        pytest.raises(ConfigurationError, match=f"Sweep on dask: expected a cluster on {scheduler}, got"),
    ):
        sweep.run(backend="dask", scheduler=scheduler)
