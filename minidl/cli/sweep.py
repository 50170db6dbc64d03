"""``minidl sweep``."""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import minidl
from minidl.cli import options, report, run_directory, searching
from minidl.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from minidl.sweep import Space

TABLE = "results.csv"

_LOGARITHMIC = ("lr", "reg")  # what a range means here is its magnitude


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "sweep",
        help="search for the best hyperparameters, on every core or a cluster",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Train a net for every combination of the values given (what is not given is set to suit the\n"
            "data) and write a table, pictures and the best net into a directory. Each finished trial is\n"
            "kept at once: a sweep that was stopped, however that came, goes on with --resume.\n\n"
            "examples:\n"
            "  minidl sweep --lr 0.02 0.05 0.1 --reg 1e-4 1e-3 1e-2\n"
            "  minidl sweep cifar10 --hidden 300 --lr 1e-3 1.2e-3 1.4e-3 1.6e-3 1.8e-3 \\\n"
            "      --reg 1e-4 1e-3 1e-2 --steps 2000 --jobs 2 --out runs/classic\n"
            "  minidl sweep fashion-mnist --hidden 100 300 300,100 --random 30 --lr 1e-3:1e-1 --halving\n"
            "  minidl sweep digits --hidden 50 100 --lr 1e-3:1 --reg 1e-6:1e-1 --sampler tpe --trials 30\n"
            "  minidl sweep mine.csv --target species --hidden 10 50 --lr 0.01 0.1\n"
            "  minidl sweep mine.npz --lr 0.01 0.1 --backend dask --scheduler tcp://10.0.0.1:8786\n"
            "  minidl sweep --lr 0.02 0.05 0.1 --epochs 5 --out runs/first           begin small, and\n"
            "  minidl sweep --lr 0.05 0.1 0.2 0.3 --epochs 5 --out runs/first --extend   add to it\n"
            "  minidl evaluate runs/classic                 measure the best net"
        ),
    )
    options.add_data(parser)
    parser.add_argument(
        "--hidden",
        type=layers,
        nargs="+",
        metavar="UNITS",
        help="units of the hidden layer, or of several as in 300,100",
    )
    options.add_hyperparameters(parser, nargs="+", number=number)
    parser.add_argument(
        "--random",
        "--trials",
        type=int,
        metavar="N",
        help="draw N configurations instead of trying all; --lr, --reg, --lr-decay and --momentum "
        "then take ranges LOW:HIGH as well",
    )
    parser.add_argument(
        "--sampler",
        choices=("random", "tpe", "cma"),
        default="random",
        help="how the N are drawn: each by itself (random), or four at a time, following from what the "
        "earlier ones came to, by Optuna's tpe, which learns about values and ranges, or cma, about "
        "ranges (both need the extra tune); the same seed draws the same, with any number of jobs",
    )
    parser.add_argument(
        "--halving",
        type=int,
        nargs="?",
        const=3,
        metavar="ETA",
        help="stop the worst early: at each rung the best 1/ETA go on (3)",
    )
    parser.add_argument("--jobs", type=int, default=-1, metavar="N", help="trials at a time (all cores)")
    parser.add_argument(
        "--backend", choices=("loky", "dask", "ray"), default="loky", help="where trials run (loky: here)"
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of the dask or Ray cluster (default: one here)"
    )
    in_use = options.add_output(parser)
    in_use.add_argument(
        "--resume", action="store_true", help="go on with the sweep that --out holds, if there is one"
    )
    in_use.add_argument(
        "--extend",
        action="store_true",
        help="go on with it also where this one has other values, more draws or longer trials: "
        "what it holds is kept, and only what is missing is run",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Search, print and write; returns the exit code."""
    from minidl.sweep import Halving, Sweep

    splits = minidl.data.load(arguments.data, arguments.data_dir, target=arguments.target)
    settings = options.settings(arguments, len(splits.train))
    unit = "steps" if "steps" in settings else "epochs"
    length = {unit: settings[unit]}
    sweep = Sweep(
        "mlp",
        _space(settings, arguments),
        splits,
        **length,
        seed=arguments.seed,
        dtype=arguments.dtype,
        halving=None if arguments.halving is None else Halving(arguments.halving),
    )
    out = _directory(arguments)
    say = report.silent if arguments.quiet else print
    count = sweep.trials
    trials = f"{count} trial{'s' * (count != 1)}"
    say(f"{report.summary(splits.name, report.parts(splits))}\n{trials} of {settings[unit]:,} {unit}\n")
    started = time.perf_counter()
    try:
        results, ran = searching.search(sweep, out, arguments)
    except KeyboardInterrupt:
        go_on = f"--out {out} {'--extend' if arguments.extend else '--resume'}"
        print(f"minidl: interrupted; go on with the same command and {go_on}", file=sys.stderr)
        return 130
    seconds = time.perf_counter() - started
    say(results.table())
    results.save_csv(out / TABLE)
    best, net, history = results.best, results.best_net(), results.best_history()
    made = {
        **options.described(arguments),
        "settings": best.configuration | length,
        "results": None,
        "seconds": seconds,
        "stopped": None,
        "trial": best.trial,
    }
    run_directory.write(out, net, history, made)
    known = {
        part: {name: getattr(best, f"{part}_{name}") for name in ("loss", "accuracy")}
        for part in ("train", "validation")
    }
    scores = report.scores(net, report.parts(splits), known)
    run_directory.write_run(out, {**made, "results": scores})
    say(f"\nbest: {', '.join(filter(None, [f'trial {best.trial}', results.describe(best)]))}\n")
    say(f"{report.scores_table(scores)}\n\n{ran} in {seconds:.1f} s")
    run_directory.draw(
        {**searching.pictures(results, out), **run_directory.pictures(out, net, history, splits)}
    )
    say(f"written to {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")
    return 0


def _space(settings: dict[str, Any], arguments: argparse.Namespace) -> Space:
    """All combinations of the settings, or draws from them; what is one value is so in each."""
    from minidl.sweep import Adaptive, Grid, Random

    values = {name: settings[name] for name in options.KEYS}
    values |= {name: [value] for name, value in values.items() if not isinstance(value, list)}
    if arguments.sampler != "random":
        if arguments.random is None:
            expected = f"--trials N, so many to be drawn by {arguments.sampler}"
            raise ConfigurationError.expected("--sampler", expected, "none")
        drawn = {name: _range_of_optuna(name, given) for name, given in values.items()}
        return Adaptive(arguments.random, sampler=arguments.sampler, seed=arguments.seed, **drawn)
    if arguments.random is not None:
        drawn = {name: _distribution(name, given) for name, given in values.items()}
        return Random(arguments.random, seed=arguments.seed, **drawn)
    for name, given in values.items():
        if any(isinstance(value, _Range) for value in given):
            expected, remedy = "single values in a grid", "add --random N to draw from it"
            raise ConfigurationError.expected(f"--{name.replace('_', '-')}", expected, given, remedy)
    return Grid(**values)


def _distribution(name: str, values: list[Any]) -> Any:
    """What `Random` draws from: the list, or where it is one range, that."""
    found = _range(name, values)
    if found is None:
        return values
    try:
        from scipy.stats import loguniform, uniform
    except ImportError:
        raise MissingExtraError.for_extra("drawing from a range", "SciPy", "sweep") from None
    low, high = found
    return loguniform(low, high) if name in _LOGARITHMIC else uniform(low, high - low)


def _range_of_optuna(name: str, values: list[Any]) -> Any:
    """The same for `Adaptive`."""
    found = _range(name, values)
    if found is None:
        return values
    from minidl.sweep.adaptive import import_optuna

    distributions = import_optuna("--sampler").distributions
    return distributions.FloatDistribution(*found, log=name in _LOGARITHMIC)


def _range(name: str, values: list[Any]) -> _Range | None:
    """The range that is given instead of values, if one is."""
    if not any(isinstance(value, _Range) for value in values):
        return None
    where = f"--{name.replace('_', '-')}"
    if len(values) > 1:
        raise ConfigurationError.expected(where, "one range, or values only", values)
    found: _Range = values[0]
    if name in _LOGARITHMIC and found.low <= 0:
        expected = "a range above 0, drawn from on a logarithmic scale"
        raise ConfigurationError.expected(where, expected, found)
    return found


def _directory(arguments: argparse.Namespace) -> Path:
    name = f"{options.data_name(arguments)}-sweep"
    go_on = arguments.resume or arguments.extend
    out = run_directory.prepare(arguments.out, name, force=arguments.force, resume=go_on)
    if arguments.force:
        (out / run_directory.JOURNAL).unlink(missing_ok=True)
    return out


class _Range(NamedTuple):
    low: float
    high: float

    def __repr__(self) -> str:
        return f"{self.low:g}:{self.high:g}"


def number(text: str) -> float | _Range:
    """A number, or a range LOW:HIGH; named as argparse's message is to call it."""
    low, colon, high = text.partition(":")
    if not colon:
        return float(text)
    limits = _Range(float(low), float(high))
    if not -math.inf < limits.low < limits.high < math.inf:
        raise argparse.ArgumentTypeError(f"expected LOW:HIGH with LOW < HIGH, got {text!r}")
    return limits


def layers(text: str) -> int | tuple[int, ...]:
    """The units of one hidden layer, or of several: ``300`` or ``300,100``."""
    units = tuple(map(int, text.split(",")))
    return units if len(units) > 1 else units[0]
