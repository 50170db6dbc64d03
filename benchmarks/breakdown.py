"""``python -m benchmarks.breakdown``: where a training step's time goes, line by line."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any
from unittest.mock import patch

from threadpoolctl import threadpool_limits

from benchmarks.contestants import floor, ours
from benchmarks.machine import blas_libraries, describe_machine, header
from benchmarks.problems import Training
from minidl.console import safe_console
from minidl.data import Batches
from minidl.tables import table
from minidl.training import loop

_ROUNDS = 9
_SECONDS = 0.2  # of one contestant in one round

_DESCRIPTION = """\
Time each part of a step of Trainer.fit, and the bare matrix products of that step by themselves, in turns.
µs a step: of a round the mean, of the rounds the median. 'product' is the bare one, 'beyond' what the part
takes longer than it. The loop's own time is what is left of a watched step, so it holds the watch's, too:
some 0.3 µs a part."""

Times = dict[str, list[float]]


@safe_console()
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    options = _parser().parse_args(arguments)
    samples = max(options.samples // options.batch, 2) * options.batch
    problem = Training("", tuple(options.hidden), options.features, batch=options.batch, samples=samples)
    with threadpool_limits(options.threads):
        print(header(describe_machine()))
        print(f"BLAS      {', '.join(library['library'] for library in blas_libraries())}")
        times = measure(problem)
    print(f"threads   {options.threads}\n\n{show(times)}")
    return 0


@dataclass
class Seconds:
    """What a step took in each round: each part and product by its name, and all, watched and not."""

    parts: Times = field(default_factory=dict)
    products: Times = field(default_factory=dict)
    watched: list[float] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)


def measure(problem: Training) -> Seconds:
    """Watched steps, steps that nobody watches and bare products, in turns."""
    minidl, bare, times = ours.Step(problem), floor.Step(problem), Seconds()
    minidl.run(1)
    for _ in range(_ROUNDS):
        epochs = max(round(_SECONDS / _seconds(partial(minidl.run, 1))), 1)
        steps = epochs * problem.units
        times.steps.append(_seconds(partial(minidl.run, epochs)) / steps)
        calls: Times = {}
        with _watched(minidl, calls):
            times.watched.append(_seconds(partial(minidl.run, epochs)) / steps)
        _note(times.parts, calls, steps)
        calls = {f"affine{layer} {what}": [] for layer, what in bare.products}
        for _ in range(steps):
            for seconds, product in zip(calls.values(), bare.products.values(), strict=True):
                seconds.append(_seconds(product))
        _note(times.products, calls, steps)
    return times


def _note(times: Times, calls: Times, steps: int) -> None:
    """A round's mean, and not its median, so that the parts add up to the step."""
    for name, seconds in calls.items():
        times.setdefault(name, []).append(sum(seconds) / steps)


def show(times: Seconds) -> str:
    """The table, what takes longest beyond its product first."""
    part = {name: 1e6 * median(seconds) for name, seconds in times.parts.items()}
    product = {name: 1e6 * median(seconds) for name, seconds in times.products.items()}
    step, unwatched = 1e6 * median(times.watched), 1e6 * median(times.steps)
    rest = step - sum(part.values())
    beyond = {name: time - product.get(name, 0.0) for name, time in part.items()} | {"the loop itself": rest}
    least = sum(product.values())
    rows = []
    for name, more in sorted(beyond.items(), key=lambda item: -item[1]):
        bare = f"{product[name]:,.1f}" if name in product else ""
        rows.append((name, f"{part.get(name, rest):,.1f}", bare, f"{more:,.1f}", f"{more / step:.1%}"))
    total = ("step", f"{step:,.1f}", f"{least:,.1f}", f"{step - least:,.1f}", f"{1 - least / step:.1%}")
    text = table(("part", "µs", "product", "beyond", "of the step"), [*rows, total])
    return f"{text}\n\nunwatched, the step takes {unwatched:,.1f} µs: {unwatched / least:.2f} × its products"


@contextmanager
def _watched(minidl: ours.Step, times: Times) -> Iterator[None]:
    """Every part of minidl's step under a watch: its seconds, call after call, in `times`."""

    def over(owner: Any, name: str, label: str, *, less: str = "") -> None:
        """Time ``owner.name``, less what the part `less` took within it."""
        function, clock = getattr(owner, name), time.perf_counter
        seconds, within = times.setdefault(label, []), times.get(less)

        def timed(*arguments: Any, **options: Any) -> Any:
            start = clock()
            result = function(*arguments, **options)
            passed = clock() - start
            if options.get("training", True):  # a fit looks at a sample before its first step
                seconds.append(passed - within[-1] if within else passed)
            return result

        stack.enter_context(patch.object(owner, name, timed))

    with ExitStack() as stack:
        for name, layer in minidl.net.children():
            over(layer, "forward", f"{name} forward")
            if "affine" in name:
                over(layer, "_assign_gradients", f"{name} gradients of the parameters")
            if name != "affine0" and name != "flatten0":
                what = "gradient of the input" if "affine" in name else "backward"
                over(layer, "backward", f"{name} {what}", less=f"{name} gradients of the parameters")
        over(minidl.trainer.regularizer, "penalize", "penalty, and the norm")
        over(minidl.trainer.optimizer, "step", "update")
        over(Batches, "__next__", "gather the batch")
        over(loop, "update", "check that all is finite", less="update")
        over(minidl.trainer._tally, "add", "training loss and accuracy")
        yield


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.breakdown",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--hidden", type=int, nargs="+", default=[50], metavar="UNITS", help="units (50)")
    for name, default, what in (
        ("features", 3072, "numbers in a sample"),
        ("batch", 200, "samples a step"),
        ("samples", 4000, "samples in the data set"),
        ("threads", 1, "threads of the BLAS"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{what} ({default})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
