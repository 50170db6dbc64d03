"""The micro-benchmarks run, and leave no layer out; what they measure is not tested here."""

import subprocess
import sys
from pathlib import Path

import pytest

import minidl
from tests.deep import deep

pytestmark = deep

ROOT = Path(__file__).parents[2]


def test_every_micro_benchmark_runs():
    pytest.importorskip(
        "pytest_benchmark", reason="pytest-benchmark is not installed: pip install 'minidl[bench]'"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "benchmarks/micro",
        "--benchmark-disable",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout or set(done.stdout.split()[0]) == {"."}


def test_every_layer_has_micro_benchmarks():
    pytest.importorskip(
        "pytest_benchmark", reason="pytest-benchmark is not installed: pip install 'minidl[bench]'"
    )
    from benchmarks.micro.test_layers import LAYERS

    offered = (getattr(minidl, name) for name in minidl.__all__)
    exported = {cls for cls in offered if isinstance(cls, type) and issubclass(cls, minidl.Layer)}
    assert {type(make()) for make, _ in LAYERS.values()} == exported - {minidl.Layer}


def test_the_test_command_leaves_them_alone(pytestconfig):
    assert pytestconfig.getini("testpaths") == ["tests"]
