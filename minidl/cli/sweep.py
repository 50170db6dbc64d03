"""``minidl sweep``."""

from __future__ import annotations

import argparse
import math
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import minidl
from minidl.cli import options, report, run_directory
from minidl.errors import ConfigurationError, MissingExtraError
from minidl.plots.figures import make_figure

if TYPE_CHECKING:
    from minidl.sweep import Results, Row, Space, Sweep

TABLE, CURVES, HEAT_MAP = "results.csv", "curves.png", "heatmap.png"

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
            "kept at once: a sweep that was stopped, however that came, goes on with --resume."
        ),
        epilog=(
            "examples:\n"
            "  minidl sweep --lr 0.02 0.05 0.1 --reg 1e-4 1e-3 1e-2\n"
            "  minidl sweep cifar10 --hidden 300 --lr 1e-3 1.2e-3 1.4e-3 1.6e-3 1.8e-3 \\\n"
            "      --reg 1e-4 1e-3 1e-2 --steps 2000 --jobs 2 --out runs/classic\n"
            "  minidl sweep fashion-mnist --hidden 100 300 300,100 --random 30 --lr 1e-3:1e-1 --halving\n"
            "  minidl sweep mine.csv --target species --hidden 10 50 --lr 0.01 0.1\n"
            "  minidl sweep mine.npz --lr 0.01 0.1 --backend dask --scheduler tcp://10.0.0.1:8786\n"
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
        type=int,
        metavar="N",
        help="draw N configurations instead of trying all; --lr, --reg, --lr-decay and --momentum "
        "then take ranges LOW:HIGH as well",
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
    options.add_output(parser).add_argument(
        "--resume", action="store_true", help="go on with the sweep that --out holds, if there is one"
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
    count = len(sweep.configurations)
    trials = f"{count} trial{'s' * (count != 1)}"
    say(f"{report.summary(splits.name, report.parts(splits))}\n{trials} of {settings[unit]:,} {unit}\n")
    started = time.perf_counter()
    try:
        results = _search(sweep, out, arguments)
    except KeyboardInterrupt:
        print(f"minidl: interrupted; go on with the same command and --out {out} --resume", file=sys.stderr)
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
    say(f"{report.scores_table(scores)}\n\n{trials} in {seconds:.1f} s")
    run_directory.draw({**_pictures(results, out), **run_directory.pictures(out, net, history, splits)})
    say(f"written to {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")
    return 0


def _search(sweep: Sweep, out: Path, arguments: argparse.Namespace) -> Results:
    """Run the sweep under a progress bar: on standard error, and only where that is a terminal."""
    from tqdm import tqdm

    disable = arguments.quiet or None
    with tqdm(unit="trial", disable=disable, dynamic_ncols=True, leave=False) as bar:

        def on_result(row: Row, results: Results) -> None:
            _show_progress(bar, results)
            if bar.n == results.trials - 1:
                # Imports matplotlib, half a second's work: now a core is idle, if any ever is.
                with suppress(Exception):  # said once, when the best net's pictures are drawn
                    make_figure((1, 1))

        return sweep.run(
            out,
            jobs=arguments.jobs,
            backend=arguments.backend,
            scheduler=arguments.scheduler,
            on_result=on_result,
        )


def _space(settings: dict[str, Any], arguments: argparse.Namespace) -> Space:
    """All combinations of the settings, or draws from them; what is one value is so in each."""
    from minidl.sweep import Grid, Random

    values = {name: settings[name] for name in options.KEYS}
    values |= {name: [value] for name, value in values.items() if not isinstance(value, list)}
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
    if not any(isinstance(value, _Range) for value in values):
        return values
    where = f"--{name.replace('_', '-')}"
    if len(values) > 1:
        raise ConfigurationError.expected(where, "one range, or values only", values)
    try:
        from scipy.stats import loguniform, uniform
    except ImportError:
        raise MissingExtraError.for_extra("drawing from a range", "SciPy", "sweep") from None
    low, high = values[0]
    if name not in _LOGARITHMIC:
        return uniform(low, high - low)
    if low <= 0:
        expected = "a range above 0, drawn from on a logarithmic scale"
        raise ConfigurationError.expected(where, expected, values[0])
    return loguniform(low, high)


def _directory(arguments: argparse.Namespace) -> Path:
    name = f"{options.data_name(arguments)}-sweep"
    out = run_directory.prepare(arguments.out, name, force=arguments.force, resume=arguments.resume)
    if arguments.force:
        (out / run_directory.JOURNAL).unlink(missing_ok=True)
    return out


def _show_progress(bar: Any, results: Results) -> None:
    """Move on to the trials that are over, and say what is best so far."""
    bar.total = results.trials
    bar.n = sum(row.status != "running" for row in results.rows)
    best = results.sorted()[0]
    if best.value is not None:
        shown = [f"best {results.show(best.value)}", results.describe(best)]
        bar.set_postfix_str(" with ".join(filter(None, shown)), refresh=False)
    bar.refresh()


def _pictures(results: Results, out: Path) -> run_directory.Pictures:
    from minidl.sweep.pictures import plot_curves, plot_heat_map

    curves = {out / CURVES: partial(plot_curves, results)}
    if not {"lr", "reg"} <= set(results.varying):
        return curves
    return {**curves, out / HEAT_MAP: partial(plot_heat_map, results)}


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
