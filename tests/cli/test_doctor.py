import numpy as np
import pytest

from minidl.cli import doctor, main
from minidl.cores import THREAD_VARIABLES
from minidl.kernels import way

POOL = {
    "user_api": "blas",
    "internal_api": "openblas",
    "version": "1",
    "architecture": "Haswell",
    "num_threads": 2,
}


@pytest.fixture(autouse=True)
def a_plain_environment(monkeypatch):
    for name in (*doctor._PINS, *THREAD_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor, "usable_cores", lambda: 2)
    monkeypatch.setattr(doctor, "affinity", lambda: 2)
    monkeypatch.setattr(doctor.blas, "is_found", lambda: True)
    monkeypatch.setattr(doctor.blas, "threads_address", lambda: 1)
    monkeypatch.setattr(way, "_remedy", "")
    monkeypatch.setattr("os.getloadavg", lambda: (0.5, 9.0, 9.0), raising=False)


def test_shows_versions_blas_and_speed(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for word in ("minidl", "Python", "CPU", "BLAS", "GFLOP/s", np.__version__):
        assert word in out
    speed = next(line for line in out.splitlines() if "GFLOP/s" in line).split()[2]
    assert float(speed) > 0


def test_nothing_is_advised_where_nothing_is_wrong():
    assert doctor._advice([POOL], 100.0) == []


def test_a_pinned_kernel_is_measured_with_and_without(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setattr(
        doctor, "_gflops", lambda environment, threads: 50.0 if "OPENBLAS_CORETYPE" in environment else 100.0
    )
    (line,) = doctor._advice([POOL], 50.0)
    assert line.startswith("OPENBLAS_CORETYPE=Haswell pins an older kernel: 100 GFLOP/s without, 50 with")
    assert line.endswith("run: unset OPENBLAS_CORETYPE")
    monkeypatch.setattr(doctor, "_gflops", lambda environment, threads: 50.0)
    (line,) = doctor._advice([POOL], 50.0)
    assert "costs nothing here" in line


def test_threads(monkeypatch):
    (line,) = doctor._advice([{**POOL, "num_threads": 8}], 50.0)
    assert line.startswith("8 BLAS threads share 2 cores")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (line,) = doctor._advice([{**POOL, "num_threads": 1}], 50.0)
    assert line == "OMP_NUM_THREADS=1 leaves 1 of 2 cores without work"


def test_threads_wait_for_each_other_where_other_programs_take_the_cores(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr(way, "level", lambda: None)
    monkeypatch.setattr(doctor, "_gflops", lambda environment, threads: 40.0 if threads == 1 else 50.0)
    (line,) = doctor._advice([POOL], 50.0, 8.04)
    assert line.startswith("a load of 8.0 on 4 cores: the 2 threads of a product wait")
    assert "50 GFLOP/s, 40 with one" in line
    assert line.endswith("export OMP_NUM_THREADS=1")
    assert doctor._advice([POOL], 50.0, 3.9) == []  # of 4 cores
    assert doctor._advice([{**POOL, "num_threads": 1}], 50.0, 8.0) == []
    monkeypatch.setattr(way, "level", lambda: "avx2")  # whose products have threads that sleep
    assert doctor._advice([POOL], 50.0, 8.04) == []


def test_the_load_is_that_of_the_last_minute_where_the_system_tells_it(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_gflops", lambda environment, threads: 50.0)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    for load, shown in (((8.04, 0.1, 0.1), "8.0 on 4 cores"), (OSError, ""), (None, "")):

        def tell(load=load):
            if load is OSError:
                raise OSError
            return load

        if load is None:
            monkeypatch.delattr("os.getloadavg")
        else:
            monkeypatch.setattr("os.getloadavg", tell)
        assert main(["doctor"]) == 0
        rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line.strip())
        assert rows.get("load", "").startswith(shown)
        assert ("load" in rows) == bool(shown)


def test_a_blas_whose_routines_are_not_found(monkeypatch):
    monkeypatch.setattr(doctor.blas, "is_found", lambda: False)
    (line,) = doctor._advice([POOL], 50.0)
    assert "no axpy was found" in line


@pytest.mark.parametrize("level", [None, "base"])
def test_the_way_of_the_kernels(level, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_gflops", lambda environment, threads: 50.0)
    monkeypatch.setattr(way, "level", lambda: level)
    monkeypatch.setattr(way, "_reason", "so it is")
    monkeypatch.setattr(way, "_remedy", "do this")
    assert main(["doctor"]) == 0
    described = "in NumPy: so it is" if level is None else "compiled, base instructions: so it is"
    out = capsys.readouterr().out
    assert f"kernels          {described}\n" in out
    assert f"- the kernels are {described}, which is not their fastest way; do this\n" in out


def test_a_blas_that_does_not_say_how_many_threads_it_has():
    assert doctor._advice_on_kernels(2, True, 1) == []
    (line,) = doctor._advice_on_kernels(2, True, 0)
    assert "does not say how many threads it uses" in line
    assert doctor._advice_on_kernels(1, True, 0) == []
    assert doctor._advice_on_kernels(2, False, 0) == []


def test_no_blas():
    assert "no BLAS was recognized" in doctor._advice([], 1.0)[0]


@pytest.mark.parametrize(
    ("quota", "mask", "usable", "shown"),
    [
        (None, 8, 8, "8 usable of 16 (affinity mask 8, no CPU quota)"),
        (2.5, 8, 2, "2 usable of 16 (affinity mask 8, CPU quota 2.5)"),
    ],
)
def test_quota_and_mask_are_shown(quota, mask, usable, shown, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    for name, value in (("cpu_quota", quota), ("affinity", mask), ("usable_cores", usable)):
        monkeypatch.setattr(doctor, name, lambda value=value: value)
    assert doctor._describe_cores() == shown
    advice = doctor._advice([{**POOL, "num_threads": usable}], 50.0)
    if quota is None:
        assert advice == []
    else:
        (line,) = advice
        assert line.startswith(
            "the CPU quota leaves 2 of 8 cores, and minidl's commands keep to as many BLAS threads"
        )
        assert "threadpoolctl.threadpool_limits(minidl.usable_cores()" in line
