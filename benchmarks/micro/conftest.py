"""A function to be timed, what precedes each call left out."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

if importlib.util.find_spec("pytest_benchmark") is None:
    raise pytest.UsageError("the micro-benchmarks need pytest-benchmark: pip install 'minidl[bench]'")

Timer: TypeAlias = Callable[..., None]


@pytest.fixture
def each_after(benchmark: Any) -> Timer:
    """Times single calls, each after a call of `before` that is not timed."""

    def run(before: Callable[[], object], work: Callable[..., object], *arguments: object) -> None:
        def setup() -> tuple[tuple[object, ...], dict[str, object]]:
            before()
            return arguments, {}

        benchmark.pedantic(work, setup=setup, rounds=500, warmup_rounds=20)

    return run
