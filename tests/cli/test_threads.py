import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from minidl.cores import THREAD_VARIABLES
from tests.cli.calling import call


@pytest.fixture
def threads_of_a_command(monkeypatch):
    """How many threads the BLAS has while a command runs, of three before and after."""
    if not any(pool["user_api"] == "blas" for pool in threadpool_info()):
        pytest.skip("NumPy's BLAS is one that threadpoolctl does not know")
    for name in THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    seen = []

    def look(arguments):
        seen.append(max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"))
        return 0

    monkeypatch.setattr("minidl.cli.doctor.run", look)

    def measure(cores, of=8):
        monkeypatch.setattr("minidl.cli.usable_cores", lambda: cores)
        monkeypatch.setattr("os.cpu_count", lambda: of)
        with threadpool_limits(3):
            assert call("doctor") == 0
            assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {3}
        return seen.pop()

    return measure


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 2), (3, 3), (5, 3)])
def test_no_more_blas_threads_than_cores(cores, threads, threads_of_a_command):
    assert threads_of_a_command(cores) == threads


@pytest.mark.parametrize("variable", THREAD_VARIABLES)
def test_who_says_how_many_gets_them(variable, threads_of_a_command, monkeypatch):
    monkeypatch.setenv(variable, "3")
    assert threads_of_a_command(2) == 3


def test_where_every_core_is_usable_nothing_is_looked_at(threads_of_a_command):
    assert threads_of_a_command(2, of=2) == 3
