import argparse
import functools
import time

from tests.faults.damage import flips, truncations
from tests.faults.disk import directory_removed, full_disk
from tests.faults.kills import kills, two_writers
from tests.faults.kinds import KINDS, NAMES
from tests.faults.programs import RUNS
from tests.faults.resumed import kill_runs
from tests.faults.runs import identical_runs

FAULTS = {  # and how often each by default; what is for files that are replaced as a whole
    "kills": (kills, 1000),
    "two-writers": (two_writers, 300),
    "truncations": (truncations, 100_000),
    "flips": (flips, 10_000),
    "full-disk": (full_disk, 10),
    "directory-removed": (directory_removed, 10),
    "identical-runs": (identical_runs, 20),
    "runs": (kill_runs, 300),
    "fresh-runs": (functools.partial(kill_runs, fresh=True), 10),
}
WHOLE = {"two-writers", "full-disk", "directory-removed"}


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Faults of machine and disk.")
    parser.add_argument("fault", choices=FAULTS)
    parser.add_argument("--count", type=int, help="how many; for each kind of file")
    parser.add_argument("--kind", choices=[*NAMES, *RUNS], help="of this kind of file or run only")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    fault, count = FAULTS[options.fault]
    count = options.count or count
    kinds = [kind for kind in KINDS if options.kind in (None, kind.name)]
    if options.fault == "kills":
        kinds = [kind for kind in kinds if kind.name != "digits"]  # which nobody writes
    if options.fault in WHOLE:
        kinds = [kind for kind in kinds if kind.whole]
    if options.fault in ("runs", "fresh-runs"):
        kinds = [name for name in RUNS if options.kind in (None, name)]
    for kind in [None] if options.fault == "identical-runs" else kinds:
        start = time.perf_counter()
        found = fault(kind, count, options.seed)
        seconds = time.perf_counter() - start
        print(
            f"{options.fault} {getattr(kind, 'name', kind) or ''} {count}: {found} ({seconds:.0f} s)",
            flush=True,
        )


if __name__ == "__main__":
    main()
