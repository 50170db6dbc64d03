"""``python -m benchmarks.budget``: what a training step costs, counted, beside the committed budget."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import TypeAlias

import numpy as np

import minidl
from benchmarks.counting import LARGE, Budget, Costs, Counts, agreed, count, peak, read, write
from minidl.console import safe_console
from minidl.tables import table as aligned

BUDGET = Path(__file__).with_name("budget.json")

Work: TypeAlias = Callable[[], object]

_BATCH = 256  # a number a sample is 1 kB: `LARGE`, so any array over the batch is counted
_SAMPLES = 32 * _BATCH
_HEAD = ("", "instructions", "calls", "arrays", "bytes", "peak")
_HEADER = 64  # bytes by which an array's own needs may differ between versions of NumPy

_DESCRIPTION = f"""\
Count what a step of training costs, without a clock, and compare it with the budget that is kept in
benchmarks/{BUDGET.name}. The counts are for one warm step of Trainer.fit with batches of {_BATCH}, or
for one warm call. Exit code 1 if anything rose.

  instructions  bytecode instructions that minidl's own code runs
  calls         those that call NumPy (or anything else that is not minidl), apply an operator or index
  arrays        instructions that allocate {LARGE:,} bytes or more, if only for their own time
  bytes         how much these allocate
  peak          the most that is held at once above what was held before, in bytes

The first two depend on Python's minor version, so the budget has an entry for each. On a version that
has none, the newest entry's arrays, bytes and peak are compared."""


@safe_console()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.budget",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--update", action="store_true", help="write what was counted into the budget")
    parser.add_argument("--functions", action="store_true", help="list each function's share, too")
    options = parser.parse_args(arguments)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    print(f"Python {python}, NumPy {np.__version__}\n")
    counted = {title: measure(prepare) for title, prepare in CASES.items()}
    budgets = read(BUDGET)
    version = python if python in budgets else max(budgets, key=_numbers, default="")
    budget = budgets.get(version, {})
    print(table(counted, budget))
    if options.functions:
        print(f"\n{shares(counted)}")
    if options.update:
        write(BUDGET, {**budgets, python: counted})
        print(f"\nwritten: {BUDGET.name}, Python {python}")
        return 0
    if version != python:
        print(f"\nno budget for Python {python}: arrays, bytes and peak beside that of {version or 'none'}")
    rises = compare(counted, budget, instructions=version == python)
    for rise in rises:
        print(f"\nover budget: {rise}", file=sys.stderr)
    if rises:
        print(
            "\nIf it is worth that: python -m benchmarks.budget --update, and say why in the commit.",
            file=sys.stderr,
        )
    return 1 if rises else 0


def measure(prepare: Callable[[], Sequence[Work]]) -> Costs:
    """The costs of the work that is prepared; where there are two, of the step that the second does more."""
    return agreed(lambda: _measure(*prepare()))


def _measure(one: Work, two: Work | None = None) -> Costs:
    for work in (one, two, one, two):
        if work is not None:
            count(work)  # warms minidl and what tracing itself keeps
    functions = count(one)
    if two is not None:
        longer = count(two)
        functions = {name: counts - functions.get(name, Counts()) for name, counts in longer.items()}
    return Costs({name: counts for name, counts in functions.items() if counts != Counts()}, peak(two or one))


# -------------------------------------------------------------------- what is counted


def _step(
    *hidden: int,
    features: int = 64,
    momentum: float = 0.0,
    nesterov: bool = False,
    l2: float = 0.0,
    pixels: bool = False,
) -> Callable[[], tuple[Work, Work]]:
    """Prepares fits of one and of two steps."""

    def prepare() -> tuple[Work, Work]:
        train = _data(features, pixels=pixels)
        standardize = minidl.Standardize(8, 5) if pixels else None
        net = minidl.mlp(features, hidden, 10, standardize=standardize, rng=0)
        trainer = minidl.Trainer(
            net,
            minidl.SGD(0.01, momentum=momentum, nesterov=nesterov),
            scheduler=minidl.StepDecay(0.95),
            regularizer=minidl.L2(l2) if l2 else None,
            rng=0,
        )

        def fit(steps: int) -> Work:
            return lambda: trainer.fit(train, steps=steps, batch_size=_BATCH)

        return fit(1), fit(2)

    return prepare


def _call(call: Callable[[minidl.Sequential, minidl.Dataset], object]) -> Callable[[], tuple[Work]]:
    """Prepares a call with the digits' net."""

    def prepare() -> tuple[Work]:
        net, data = minidl.mlp(64, [32], 10, rng=0), _data(64)
        return (lambda: call(net, data),)

    return prepare


def _data(features: int, *, pixels: bool = False) -> minidl.Dataset:
    rng = np.random.default_rng(0)
    x = rng.integers(17, size=(_SAMPLES, features), dtype=np.uint8)
    return minidl.Dataset(x if pixels else x.astype(np.float32), np.arange(_SAMPLES) % 10)


# A batch stays below the size from which another thread gathers it: what that one does is not seen.
CASES: dict[str, Callable[[], tuple[Work, ...]]] = {
    "step 64-32-10": _step(32),
    "step 64-32-10, momentum": _step(32, momentum=0.9),
    "step 64-32-10, Nesterov": _step(32, momentum=0.9, nesterov=True),
    "step 64-32-10, L2": _step(32, l2=1e-3),
    "step 784-50-10, uint8, L2": _step(50, features=784, l2=1e-3, pixels=True),
    "step 64-128 × 10-10, L2": _step(*[128] * 10, l2=1e-3),
    "predict 1 row": _call(lambda net, data: net.predict(data.features[:1])),
    "scores of 1 row": _call(lambda net, data: net(data.features[:1])),
    "evaluate 2,048 rows": _call(lambda net, data: minidl.evaluate(net, data[:2048])),
}


# -------------------------------------------------------------------- against the budget


def compare(counted: Budget, budget: Budget, *, instructions: bool = True) -> list[str]:
    """A line for each number that rose, saying in which functions; without `instructions`, memory only."""
    rises = []
    for title, costs in counted.items():
        allowed = budget.get(title)
        if allowed is None:
            rises.append(f"{title}: not in the budget")
            continue
        slack = {"bytes": _HEADER * allowed.total.arrays, "peak": LARGE}
        names = _HEAD[1:] if instructions else _HEAD[3:]
        for name in names:
            new, old = _number(costs, name), _number(allowed, name)
            if new > old + slack.get(name, 0):
                where = [] if name == "peak" else _risen(name, costs, allowed)
                suffix = f" ({', '.join(where)})" if where else ""
                rises.append(f"{title}: {name} {old:,} -> {new:,}{suffix}")
    return rises


def _risen(name: str, costs: Costs, allowed: Costs) -> list[str]:
    nothing = Counts()
    more = {
        function: getattr(costs.functions.get(function, nothing), name)
        - getattr(allowed.functions.get(function, nothing), name)
        for function in {**costs.functions, **allowed.functions}
    }
    return [f"{function} {change:+,}" for function, change in more.items() if change]


def _number(costs: Costs, name: str) -> int:
    return costs.peak if name == "peak" else int(getattr(costs.total, name))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


# -------------------------------------------------------------------- printed


def table(counted: Budget, budget: Budget) -> str:
    """What was counted, aligned, and by how much it is off the budget."""
    rows = []
    for title, costs in counted.items():
        allowed = budget.get(title)
        cells = []
        for name in _HEAD[1:]:
            number = _number(costs, name)
            change = number - _number(allowed, name) if allowed else 0
            cells.append(f"{number:,}" + (f" ({change:+,})" if change else ""))
        rows.append([title, *cells])
    return aligned(_HEAD, rows)


def shares(counted: Budget) -> str:
    """Each function's counts, the largest number of instructions first."""
    rows: list[Sequence[str]] = []
    for title, costs in counted.items():
        rows += [] if not rows else [[""] * 5]
        rows.append([title, *_HEAD[1:5]])
        ordered = sorted(costs.functions.items(), key=lambda item: -item[1].instructions)
        rows += [[f"  {name}", *(f"{number:,}" for number in astuple(counts))] for name, counts in ordered]
    return aligned(rows[0], rows[1:])


if __name__ == "__main__":
    sys.exit(main())
