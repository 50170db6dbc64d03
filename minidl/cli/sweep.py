"""``minidl sweep``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minidl.checks import check_int
from minidl.cli import options, preparing, report, run_directory, searching
from minidl.cli.signals import ASKED, ended_by_signals, exit_code
from minidl.cli.spaces import Repeated, number, space
from minidl.data import Splits
from minidl.sweep.space import Configuration

if TYPE_CHECKING:
    from minidl.sweep import Results, Sweep

TABLE = "results.csv"


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "sweep",
        usage="minidl sweep [DATA] [options]",
        help="search for the best hyperparameters, on every core or a cluster",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Train a net for every combination of the values given and write a table, pictures and the\n"
            "best net into a directory. Each finished trial is kept at once: a sweep that was stopped,\n"
            "however that came, goes on with --resume.\n\n"
            "examples:\n"
            "  minidl sweep --lr 0.02 0.05 0.1 --reg 1e-4 1e-3 1e-2\n"
            "  minidl sweep --optimizer sgd adam --dropout 0 0.3 --schedule step cosine\n"
            "  minidl sweep cifar10 --hidden 300 --lr 1e-3 1.2e-3 1.4e-3 1.6e-3 1.8e-3 \\\n"
            "      --reg 1e-4 1e-3 1e-2 --steps 2000 --jobs 2 --out runs/classic\n"
            "  minidl sweep fashion-mnist --hidden 100 300 300,100 --random 30 --lr 1e-3:1e-1 --halving\n"
            "  minidl sweep digits --hidden 50 100 --lr 1e-3:1 --reg 1e-6:1e-1 --sampler tpe --trials 30\n"
            "  minidl sweep mine.csv --target species --hidden 10 50 --lr 0.01 0.1 --objective f1\n"
            "  minidl sweep mine.csv --lr 0.01 0.1 --seed 0 1 2      compare means over seeds\n"
            "  minidl sweep mine.npz --lr 0.01 0.1 --backend dask --scheduler tcp://10.0.0.1:8786\n"
            "  minidl sweep --lr 0.02 0.05 0.1 --epochs 5 --out runs/first           begin small, and\n"
            "  minidl sweep --lr 0.05 0.1 0.2 0.3 --epochs 5 --out runs/first --extend   add to it\n"
            "  minidl evaluate runs/classic                 measure the best net"
        ),
    )
    options.add_data(parser)
    options.add_settings(parser, nargs="+", number=number)
    search = parser.add_argument_group("search", "Each option of net and training takes several values.")
    search.add_argument(
        "--random",
        "--trials",
        type=int,
        metavar="N",
        help="draw N configurations instead of trying all; --lr, --reg, --dropout and others that are no "
        "whole numbers then take ranges LOW:HIGH as well",
    )
    search.add_argument(
        "--sampler",
        choices=("random", "tpe", "cma"),
        default="random",
        help="how the N are drawn: each by itself (random), or four at a time, following from what the "
        "earlier ones came to, by Optuna's tpe, which learns about values and ranges, or cma, about "
        "ranges (both need the extra tune); the same seed draws the same, with any number of jobs",
    )
    search.add_argument(
        "--halving",
        type=int,
        nargs="?",
        const=3,
        metavar="ETA",
        help="stop the worst early: at each rung the best 1/ETA go on (3)",
    )
    search.add_argument("--jobs", type=int, default=-1, metavar="N", help="trials at a time (all cores)")
    search.add_argument(
        "--backend", choices=("loky", "dask", "ray"), default="loky", help="where trials run (loky: here)"
    )
    search.add_argument(
        "--scheduler", metavar="ADDRESS", help="of the dask or Ray cluster (default: one here)"
    )
    search.add_argument(
        "--objective",
        metavar="NAME",
        help="what counts, of the validation part: loss; of classes accuracy, f1, precision, recall (means "
        "of the classes; weighted_f1 and the like: by their samples), auc or log_loss; of numbers r2, "
        "mean_absolute_error or root_mean_squared_error (accuracy or r2)",
    )
    in_use = options.add_output(parser, seeds="+")
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
    from minidl.sweep.objective import PART
    from minidl.sweep.pool import check_pool

    if arguments.random is not None:
        check_int("--random, --trials", "count", arguments.random, at_least=1)
    check_pool(arguments.jobs, arguments.backend, arguments.scheduler)  # before a directory is made
    seeds = arguments.seed if isinstance(arguments.seed, list) else [arguments.seed]
    arguments.seed = seeds[0]
    splits = options.load(arguments)
    given = options.given(arguments, splits)
    fixed = {name: given.pop(name) for name in ("steps", "epochs") if name in given}

    def settings(values: Configuration, strict: bool) -> Configuration:
        values = {name: value for name, value in values.items() if name != "seed"}
        return options.settings(arguments, splits, fixed | values, strict=strict)

    searched = space(given, arguments, settings)
    first = settings(searched.configurations()[0], False)
    if len(seeds) > 1:
        searched = Repeated(searched, seeds)
    unit = "steps" if "steps" in first else "epochs"
    sweep = Sweep(
        first["model"],
        searched,
        splits,
        **{unit: first[unit]},
        objective=arguments.objective and PART + arguments.objective.removeprefix(PART),
        seed=arguments.seed,
        dtype=arguments.dtype,
        halving=None if arguments.halving is None else Halving(arguments.halving),
    )
    name, go_on = f"{options.data_name(arguments)}-sweep", arguments.resume or arguments.extend
    with preparing.prepared(arguments.out, name, force=arguments.force, resume=go_on) as out:
        if arguments.force:
            (out / run_directory.JOURNAL).unlink(missing_ok=True)
        try:
            with ended_by_signals():
                return _search(sweep, splits, out, settings, arguments)
        except ASKED as asked:
            told = f"--out {out} {'--extend' if arguments.extend else '--resume'}"
            print(f"minidl: interrupted; go on with the same command and {told}", file=sys.stderr)
            return exit_code(asked)


def _search(
    sweep: Sweep,
    splits: Splits,
    out: Path,
    settings: Callable[[Configuration, bool], Configuration],
    arguments: argparse.Namespace,
) -> int:
    """Search, print and write into `out`; returns the exit code."""
    say = report.silent if arguments.quiet else print

    def on_start(results: Results) -> None:
        summary = report.summary(splits.name, report.parts(splits))
        say(f"{summary}\n{searching.plan(sweep, results, arguments.random)}\n")

    started = time.perf_counter()
    results, ran = searching.search(sweep, out, arguments, on_start)
    seconds = time.perf_counter() - started
    say(results.table())
    results.save_csv(out / TABLE)
    best, net, history = results.best, results.best_net(), results.best_history()
    made = {
        **options.described(arguments, splits),
        "seed": best.configuration.get("seed", arguments.seed),
        "settings": settings(best.configuration, False),
        "results": None,
        "seconds": seconds,
        "stopped": None,
        "trial": best.trial,
    }
    made = run_directory.write(out, net, history, made)
    known = {
        part: {name: getattr(best, f"{part}_{name}") for name in ("loss", "accuracy")}
        for part in ("train", "validation")
        if splits.has_labels
    }
    scores = report.scores(net, report.parts(splits), known)
    run_directory.write_run(out, {**made, "results": scores})
    say(f"\nbest: {', '.join(filter(None, [f'trial {best.trial}', results.describe(best)]))}\n")
    say(f"{report.scores_table(scores)}\n\n{ran} in {seconds:.1f} s")
    drawn = run_directory.draw(
        {**searching.pictures(results, out), **run_directory.pictures(out, net, history, splits)}
    )
    say(run_directory.written(out, [run_directory.JOURNAL, TABLE, "best", *drawn]))
    return 0
