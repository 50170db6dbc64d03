"""``python -m benchmarks``: one training step of the two-layer net, minidl beside its peers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from benchmarks.contestants import CONTESTANTS, PEERS
from benchmarks.machine import describe_blas, describe_machine, usable_cores
from benchmarks.problem import Problem
from benchmarks.processes import WorkerError, started
from benchmarks.report import NOTES, header, table, write_json
from benchmarks.rounds import LossesDiffer, Result, measure

_DESCRIPTION = """\
Time one training step of the two-layer net (3,072 features, 10 classes, batches of 200, float32):
minidl beside the classic NumPy program, scikit-learn, PyTorch, and the floor that the bare matrix
products set. Every contestant has a process of its own with the same data, start weights and number
of threads; they take turns, and only one works at a time. Their losses are compared first."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; returns the exit code."""
    options = _parser().parse_args(arguments)
    problems = [Problem(hidden) for hidden in options.hidden]
    rounds, share = (5, 0.2) if options.quick else (15, 1.0)
    try:
        run(problems, options.threads, options.peers, rounds=rounds, share=share, json_file=options.json)
    except (LossesDiffer, WorkerError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def run(
    problems: Sequence[Problem],
    threads: Sequence[int],
    peers: Sequence[str],
    *,
    rounds: int,
    share: float = 1.0,
    json_file: Path | None = None,
) -> list[Result]:
    """Print the header, time everything, print the table; `json_file` takes all of it."""
    names = [name for name in CONTESTANTS if name in ("floor", "minidl") or name in peers]
    machine = describe_machine()
    skipped: dict[str, str] = {}
    results: list[Result] = []
    with ExitStack() as stack:
        groups = []
        for count in threads:
            processes, missing = stack.enter_context(started(names, count))
            for name in ("floor", "minidl"):  # without them there is nothing to compare with
                if name in missing:
                    raise WorkerError(f"{CONTESTANTS[name].title}: {missing[name]}")
            skipped |= missing
            groups.append(processes)
        blas = describe_blas(process for processes in groups for process in processes)
        print(header(machine, blas, skipped), flush=True)
        total = len(problems) * (rounds + 1) * sum(map(len, groups))
        # On standard error, and only where that is a terminal.
        bar = stack.enter_context(tqdm(total=total, unit="run", leave=False, disable=None))
        for problem in problems:
            for processes in groups:
                bar.set_description(f"hidden {problem.hidden}, threads {processes[0].threads}")
                results += measure(problem, processes, rounds=rounds, share=share, tick=bar.update)
    print(f"\n{table(results)}\n\n{NOTES}")
    if json_file is not None:
        write_json(json_file, machine, blas, skipped, results)
    return results


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=_DESCRIPTION)
    cores = usable_cores()
    every = sorted({1, cores})
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: rough figures soon")
    parser.add_argument(
        "--hidden", type=_positive, nargs="+", default=[50, 300], metavar="N", help="hidden units (50 300)"
    )
    parser.add_argument(
        "--threads",
        type=_positive,
        nargs="+",
        default=every,
        metavar="N",
        help=f"threads of every contestant ({' '.join(map(str, every))}: one, and all cores)",
    )
    parser.add_argument(
        "--peers",
        type=_peers,
        default=list(PEERS),
        metavar="A,B",
        help=f"whom to run beside minidl and the floor, where installed ({','.join(PEERS)})",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures into FILE, too")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


_positive.__name__ = "number >= 1"  # how argparse calls it in its message


def _peers(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown peer {unknown[0]!r}; there are {', '.join(PEERS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
