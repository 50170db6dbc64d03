"""Fuzz the readers: ``python -m tests.fuzz --count 1000000 [--reader npz] [--seconds 300]``."""

import argparse
import faulthandler
import hashlib
import sys
import time
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from tests.fuzz.readers import READERS
from tests.fuzz.running import Folder, inputs, is_accepted

SLOW = 10  # seconds that an input of a few KB never takes
HUNG = 120
MEMORY = 192 << 20  # bytes by which a reader's inputs make the process grow, at most


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="inputs in all")
    parser.add_argument("--reader", choices=READERS, action="append", help="all by default")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the time by default")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many")
    options = parser.parse_args()
    readers = options.reader or list(READERS)
    print(f"seed {options.seed}; an input that takes more than {HUNG} s ends the program with its stack")
    faults, start = 0, time.monotonic()
    for done, reader in enumerate(readers):
        left = options.seconds - (time.monotonic() - start)
        until = time.monotonic() + left / (len(readers) - done)
        faults += _fuzz(reader, options.seed, options.count // len(readers), until)
    return 1 if faults else 0


def _fuzz(reader: str, seed: int, count: int, until: float) -> int:
    accepted = faults = tried = 0
    slowest = 0.0
    begun, before = time.monotonic(), _largest()
    with Folder() as folder:
        for content in tqdm(inputs(reader, seed, count), reader, count, unit=" inputs", mininterval=1):
            if time.monotonic() > until or faults >= 5:
                break
            faulthandler.dump_traceback_later(HUNG, exit=True)
            started = time.monotonic()
            tried += 1
            try:
                accepted += is_accepted(reader, content, folder)
                slowest = max(slowest, seconds := time.monotonic() - started)
                if seconds > SLOW:
                    raise TimeoutError(f"{seconds:.0f} s")
                if (grown := _largest() - before) > MEMORY:
                    before += grown
                    raise MemoryError(f"{grown:,} bytes")
            except Exception as error:  # what no reader may raise
                faults += 1
                path = Path(f"fuzz-{reader}-{hashlib.sha256(content).hexdigest()[:8]}.bin")
                path.write_bytes(content)
                tqdm.write(f"{reader}: {type(error).__name__}: {error} (the input is {path})")
        faulthandler.cancel_dump_traceback_later()
    rate = tried / max(time.monotonic() - begun, 1e-9)
    told = f"{tried - accepted - faults:,} refused, {accepted:,} accepted, {faults} faults"
    most = f"slowest {slowest:.2f} s, {(_largest() - before) >> 20} MB more"
    print(f"{reader}: {tried:,} inputs, {rate:,.0f}/s: {told}; {most}", flush=True)
    return faults


def _largest() -> int:
    """Bytes of memory that the process has held at most; 0 where nobody counts them."""
    with suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << (0 if sys.platform == "darwin" else 10)
    return 0


if __name__ == "__main__":
    sys.exit(main())
