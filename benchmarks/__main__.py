"""``python -m benchmarks``: the suites run, their tables printed, JSON and pictures written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from benchmarks.contestants import CONTESTANTS
from benchmarks.machine import Bystanders, describe_machine, usable_cores
from benchmarks.processes import WorkerError
from benchmarks.results import Report, ResultsError
from benchmarks.rounds import ALWAYS, Session
from benchmarks.suite import Suite
from benchmarks.suites import SUITES
from benchmarks.tables import header, markdown, section
from minidl.cli.options import path
from minidl.console import one_line, safe_console

PEERS = tuple(name for name in CONTESTANTS if name not in ALWAYS)
"""Those that a user chooses from; the floor and minidl always run."""

_DESCRIPTION = f"""\
Measure minidl beside its peers and the floor that the bare matrix products set.

Every contestant has a process of its own with the same number of threads, data and start weights; they
take turns in rounds, and only one works at a time. Who cannot be told a number of threads (JAX, Keras on
JAX) is confined to as many cores. Each must give the classic NumPy program's losses, or it is not timed.
A quiet machine gives quiet figures.

suites:
{chr(10).join(f"  {suite.name:<10} {suite.help}" for suite in SUITES.values())}

peers: {", ".join(PEERS)}; those not installed are left out"""

_EXAMPLES = """\
examples:
  python -m benchmarks --quick                  rough figures of every suite soon
  python -m benchmarks step --peers torch,jax   one suite, two peers
  python -m benchmarks --from runs/benchmarks/results.json
                                                print and draw once more what was measured"""


@safe_console()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.source is None:
            report = run(
                [SUITES[name] for name in options.suites or SUITES],
                options.threads,
                options.peers,
                quick=options.quick,
                confined=options.confine,
                out=options.out,
            )
            return 1 if any("row" in record for record in report.skipped) else 0
        report = Report.read(options.source)
        print(header(report.machine))
        for suite in SUITES.values():
            if report.of(suite.name) and suite.name in (options.suites or SUITES):
                show(suite, report, options.out)
        print(f"\nwritten: {options.out}")
    except (ResultsError, WorkerError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def run(
    suites: Sequence[Suite],
    threads: Sequence[int],
    peers: Sequence[str] | None = None,
    *,
    quick: bool = False,
    confined: bool = False,
    rounds: int = 0,
    seconds: float = 0.0,
    out: Path,
) -> Report:
    """Measure and show one suite after the other; `out` takes results.json and the pictures.

    `rounds` and `seconds` (a contestant's time in a round) of 0: as many as `quick` says.
    """
    out.mkdir(parents=True, exist_ok=True)
    rounds, seconds = rounds or (5 if quick else 11), seconds or (0.05 if quick else 0.25)
    how = {
        "rounds": f"{rounds}, of {seconds:g} s for each contestant",
        "confined": "all, to as many cores as threads"
        if confined
        else "JAX and Keras on JAX, to as many cores",
    }
    report = Report(describe_machine() | how)
    print(header(report.machine), flush=True)
    for suite in suites:
        names, bystanders = chosen(suite, peers), Bystanders()
        try:
            # On standard error, and only where that is a terminal.
            with tqdm(unit="run", leave=False, disable=None) as bar:
                for count in threads:
                    session = Session(suite.name, names, count, report, quick, confined, rounds, seconds, bar)
                    report.results.extend(suite.measure(session))
        finally:  # whatever there is by now is kept
            busy = bystanders.busy_cores()
            if busy is not None:
                report.bystanders[suite.name] = round(busy, 3)
            report.write(out / "results.json")
            show(suite, report, out)
    print(f"\nwritten: {out}")
    return report


def chosen(suite: Suite, peers: Sequence[str] | None) -> list[str]:
    """Who is to take part: always the floor and minidl, and the peers asked for or the suite's own."""
    if peers is None:
        peers = suite.contestants if suite.default_peers is None else suite.default_peers
    return [name for name in suite.contestants if name in ALWAYS or name in peers]


def show(suite: Suite, report: Report, out: Path) -> None:
    """Print the suite's section; write its picture, and the page of all suites so far."""
    print(f"\n{section(suite, report)}", flush=True)
    results = report.of(suite.name)
    if results:
        out.mkdir(parents=True, exist_ok=True)
        (out / "results.md").write_text(markdown(SUITES.values(), report), encoding="utf-8")
        try:
            suite.plot(results, out / f"{suite.name}.png")
        except Exception as error:  # one suite's picture is not worth the others' figures
            print(f"no picture: {one_line(error)}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cores = usable_cores()
    every = sorted({1, cores})
    parser.add_argument("suites", nargs="*", type=_suite, metavar="SUITE", help="which suites (all)")
    parser.add_argument("--quick", action="store_true", help="fewer rows, fewer and shorter rounds")
    parser.add_argument(
        "--peers", type=_peers, metavar="A,B", help="whom to run beside minidl and the floor (see above)"
    )
    parser.add_argument(
        "--threads",
        type=_threads,
        nargs="+",
        default=every,
        metavar="N",
        help=f"threads of every contestant ({' '.join(map(str, every))})",
    )
    parser.add_argument(
        "--confine",
        action="store_true",
        help="confine everybody to as many cores as threads: minidl then gathers no batch on an idle core",
    )
    parser.add_argument(
        "--out",
        type=path,
        default=Path("runs/benchmarks"),
        metavar="DIR",
        help="where results.json, results.md and the pictures go (%(default)s)",
    )
    parser.add_argument(
        "--from", type=path, metavar="FILE", dest="source", help="show a results.json, measure nothing"
    )
    return parser


def _suite(text: str) -> str:
    if text not in SUITES:
        raise argparse.ArgumentTypeError(f"unknown suite {text!r}; there are {', '.join(SUITES)}")
    return text


def _threads(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= usable_cores():
        raise argparse.ArgumentTypeError(f"expected 1 to {usable_cores()}, the usable cores, got {text!r}")
    return number


def _peers(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown peer {unknown[0]!r}; there are {', '.join(PEERS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
