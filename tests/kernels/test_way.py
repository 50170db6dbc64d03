"""Which way the kernels take, and what is said of it."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from minidl.errors import ConfigurationError
from minidl.kernels import __main__ as command
from minidl.kernels import way
from minidl.kernels.check import cases
from minidl.kernels.check.drawing import Case


def module(level=2, sources=None):
    """A stand-in for the compiled module, on a CPU that has so many levels beside the first."""
    used = [level]

    def use(wanted):
        used[0] = min(wanted, level)
        return used[0]

    return SimpleNamespace(
        SOURCES=way._sources() if sources is None else sources,
        connect=lambda address, most: None,
        use=use,
        level=lambda: used[0],
    )


@pytest.fixture
def load(monkeypatch):
    def load(found, variable=""):
        def import_module(name):
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(way, "import_module", import_module)
        monkeypatch.setenv("MINIDL_KERNELS", variable)
        return way._load()

    return load


def test_the_most_that_the_cpu_has_needs_no_remedy(load):
    _, reason, remedy = load(module())
    assert reason == "the most that this CPU has" and not remedy


@pytest.mark.parametrize(
    ("variable", "cpu", "reason", "remedy"),
    [
        ("numpy", 2, "MINIDL_KERNELS=numpy says so", "run: unset MINIDL_KERNELS"),
        ("base", 2, "MINIDL_KERNELS=base says so", "run: unset MINIDL_KERNELS"),
        ("avx2", 1, "MINIDL_KERNELS=avx2 says so", ""),
        ("avx512", 1, "MINIDL_KERNELS=avx512, and this CPU has no more", ""),
    ],
)
def test_the_variable(load, variable, cpu, reason, remedy):
    found, *said = load(module(cpu), variable)
    assert said == [reason, remedy]
    assert (found is None) == (variable == "numpy")


@pytest.mark.parametrize(("quota", "most"), [(None, 0), (0.5, 1), (1.0, 1), (1.5, 2), (64.0, 64)])
def test_threads_are_no_more_than_the_cores_of_a_quota(load, monkeypatch, quota, most):
    monkeypatch.setattr(way, "cpu_quota", lambda: quota)
    found, told = module(), []
    found.connect = lambda address, most: told.append(most)
    load(found)
    assert told == [most]


@pytest.mark.parametrize(
    ("found", "reason", "remedy"),
    [
        (ModuleNotFoundError("no such module"), "they were not compiled", "install a C compiler, and"),
        (ImportError("undefined symbol: PyNothing"), "damaged or of another version (undefined", "install"),
        (SimpleNamespace(), "damaged or of another version", "install"),
        (SimpleNamespace(SOURCES=way._sources()), "damaged or of another version", "install"),
    ],
)
def test_without_a_module_that_fits_the_kernels_stay_in_numpy(load, found, reason, remedy):
    nothing, said, advised = load(found)
    assert nothing is None and reason in said and advised.startswith(remedy)


def test_a_module_from_other_sources_is_known(load, monkeypatch):
    monkeypatch.setattr(way, "_sources", lambda: 5)
    assert load(module(sources=5))[0]
    found, reason, _ = load(module(sources=6))
    assert found is None and "other sources" in reason
    monkeypatch.setattr(way, "_sources", lambda: None)  # in an installed wheel
    assert load(module(sources=6))[0]


def test_a_kernel_that_the_module_lacks_stays_in_numpy(monkeypatch):
    monkeypatch.setattr(way, "_module", SimpleNamespace(bind=lambda *of_a_kernel: None))

    def kernel(x, out=None):
        return x

    assert way.compiled(kernel) is kernel
    assert "kernel" not in way.kernels()


def test_a_value_that_the_variable_does_not_have(load, monkeypatch):
    with pytest.raises(ConfigurationError, match="MINIDL_KERNELS: expected one of numpy, base, avx2, avx512"):
        load(module(), "fast")
    environment = {**os.environ, "MINIDL_KERNELS": "fast"}
    for program in ("minidl", "minidl.kernels"):
        done = subprocess.run(
            [sys.executable, "-m", program], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert "MINIDL_KERNELS: expected one of" in line and line.endswith("unset it to have the best")


def test_the_command_says_the_way_and_the_remedy(monkeypatch, capsys):
    monkeypatch.setattr(way, "level", lambda: None)
    monkeypatch.setattr(way, "_reason", "so it is")
    monkeypatch.setattr(way, "_remedy", "do this")
    assert command.main([]) == 0
    assert capsys.readouterr().out == "kernels: in NumPy: so it is\nfaster:  do this\n"
    assert command.main(["--check"]) == 1
    assert capsys.readouterr().out.endswith("nothing to compare: there is no compiled way\n")


def test_the_command_compares(monkeypatch, capsys):
    def right(x):
        return x + 1

    class Wrong:
        """A kernel whose ways differ in arrays of more than 20 numbers."""

        __name__ = "wrong"
        __self__ = staticmethod(right)

        def __call__(self, x):
            return x + 1 + (x.size > 20)

    def draw(one):
        return (np.abs(one.array(*one.sizes(1))),)

    monkeypatch.setattr(way, "level", lambda: "base")
    monkeypatch.setattr(cases, "all_cases", lambda: [Case(right, draw)])
    assert command.main(["--check"]) == 0
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "right  equal",
        "",
        "all 1 are equal, but for rounding",
    ]
    monkeypatch.setattr(cases, "all_cases", lambda: [Case(right, draw), Case(Wrong(), draw)])
    assert command.main(["--check", "--seed", "3"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "right  equal" in lines
    assert any(line.startswith("wrong  wrong: result 0 is off by") for line in lines)
    assert lines[-1].startswith("1 of 2 differ")


def test_a_seed_below_0(capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(["--seed", "-1"])
    assert "--seed: expected an integer of at least 0, got -1" in capsys.readouterr().err
