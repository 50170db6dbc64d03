"""Ray runs a sweep as loky does."""

import signal

import pytest

from minidl.sweep import Halving
from tests.external.judging import summon
from tests.external.sweeping import check_unguarded, judge_sweeps

ray, judge = summon("ray", "Ray")

# Ray forks to start its processes and runs another program at once; JAX, where a test before this one
# has loaded it, warns of every fork.
pytestmark = pytest.mark.filterwarnings(r"ignore:os\.fork\(\) was called:RuntimeWarning")


def test_the_cluster_that_is_there(tmp_path):
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        judge_sweeps(judge, tmp_path, halvings=[Halving()], backend="ray")
    finally:
        ray.shutdown()
        # Ray leaves its handler in Python, and the system's in the process: the next SIGTERM would end it.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_a_cluster_of_its_own_for_a_script_without_a_guard():
    check_unguarded("ray")
    judge.judged("scripts without a guard")
