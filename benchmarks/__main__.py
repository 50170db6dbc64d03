"""``python -m benchmarks``: the suites run, their tables printed, JSON and pictures written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tqdm import tqdm

from benchmarks.contestants import CONTESTANTS
from benchmarks.machine import Bystanders, describe_machine, header
from benchmarks.plots import plot
from benchmarks.processes import WorkerError
from benchmarks.results import Report, ResultsError
from benchmarks.rounds import Session, measure
from benchmarks.suite import ALWAYS, Suite
from benchmarks.suites import SUITES
from benchmarks.tables import markdown, section
from minidl.cli.options import path
from minidl.console import one_line, safe_console
from minidl.cores import usable_cores

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
    suites = [SUITES[name] for name in dict.fromkeys(options.suites or SUITES)]
    try:
        if options.source is None:
            report = run(
                suites,
                options.threads,
                options.peers,
                quick=options.quick,
                confined=options.confine,
                out=options.out,
            )
            return 1 if any("row" in record for record in report.skipped) else 0
        report = Report.read(options.source)
        print(header(report.machine))
        for suite in suites:
            if report.of(suite.name):
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
    who = "all, to as many cores as threads" if confined else "JAX and Keras on JAX, to as many cores"
    how = {"rounds": f"{rounds}, of {seconds:g} s for each contestant", "confined": who}
    report = Report(describe_machine() | how)
    print(header(report.machine), flush=True)
    for suite in suites:
        names, bystanders = suite.chosen(peers), Bystanders()
        try:
            # On standard error, and only where that is a terminal.
            with tqdm(unit="run", leave=False, disable=None) as bar:
                for count in threads:
                    session = Session(suite, names, count, report, quick, confined, rounds, seconds, bar)
                    report.results.extend(measure(session))
        finally:  # whatever there is by now is kept
            busy = bystanders.busy_cores()
            if busy is not None:
                report.bystanders[suite.name] = round(busy, 3)
            report.write(out / "results.json")
            show(suite, report, out)
    print(f"\nwritten: {out}")
    return report


def show(suite: Suite, report: Report, out: Path) -> None:
    """Print the suite's section; write its picture, and the page of all suites so far."""
    print(f"\n{section(suite, report)}", flush=True)
    results = report.of(suite.name)
    if results:
        out.mkdir(parents=True, exist_ok=True)
        (out / "results.md").write_text(markdown(SUITES.values(), report), encoding="utf-8")
        try:
            plot(suite, results, out / f"{suite.name}.png")
        except Exception as error:  # one suite's picture is not worth the others' figures
            print(f"no picture: {one_line(error)}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    every = sorted({1, usable_cores()})
    add("suites", nargs="*", type=_one_of("suite", SUITES), metavar="SUITE", help="which suites (all)")
    add("--quick", action="store_true", help="fewer rows, fewer and shorter rounds")
    add("--peers", type=_peers, metavar="A,B", help="whom to run beside minidl and the floor (see above)")
    threads = f"threads of every contestant ({' '.join(map(str, every))})"
    add("--threads", type=_threads, nargs="+", default=every, metavar="N", help=threads)
    confine = "confine everybody to as many cores as threads: minidl then gathers no batch on an idle core"
    add("--confine", action="store_true", help=confine)
    out = "where results.json, results.md and the pictures go (%(default)s)"
    add("--out", type=path, default=Path("runs/benchmarks"), metavar="DIR", help=out)
    add("--from", type=path, metavar="FILE", dest="source", help="show a results.json, measure nothing")
    return parser


def _one_of(what: str, names: Iterable[str]) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"unknown {what} {text!r}; there are {', '.join(names)}")
        return text

    return checked


def _peers(text: str) -> list[str]:
    return [_one_of("peer", PEERS)(name) for name in text.split(",") if name]


def _threads(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= usable_cores():
        raise argparse.ArgumentTypeError(f"expected 1 to {usable_cores()}, the usable cores, got {text!r}")
    return number


if __name__ == "__main__":
    sys.exit(main())
