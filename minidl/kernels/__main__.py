"""Compare the two ways of the kernels on this machine: ``python -m minidl.kernels --check``."""

from __future__ import annotations

import argparse
import sys

import numpy as np

from minidl.kernels.check.cases import all_cases
from minidl.kernels.check.drawing import Draw, faults
from minidl.kernels.way import level, reason

_SIZES = (0, 1, 2, 15, 16, 17, 100, 1_000, 40_000, 300_000)


def main(arguments: list[str] | None = None) -> int:
    """What stands at the top of this file."""
    parser = argparse.ArgumentParser(
        prog="python -m minidl.kernels",
        description="Tell how the kernels compute on this machine, and compare their two ways.",
    )
    parser.add_argument("--check", action="store_true", help="compare the two ways on random arrays")
    parser.add_argument("--seed", type=int, default=0, help="of the random arrays (0)")
    options = parser.parse_args(arguments)
    used = level()
    print(f"kernels    {f'compiled, {used} instructions' if used else 'in NumPy'}: {reason()}")
    if not options.check:
        return 0
    if used is None:
        print("nothing to compare: there is no compiled way")
        return 1
    wrong = 0
    for case in all_cases():
        found = []
        for number, size in enumerate(_SIZES):
            for dtype in (np.float32, np.float64):
                for layout, special in (("plain", False), ("plain", case.special), ("strided", False)):
                    rng = np.random.default_rng([options.seed, number])
                    found += faults(case, Draw(rng, size, np.dtype(dtype), layout, special))
        print(f"{case!s:32} {'equal' if not found else found[0]}")
        wrong += bool(found)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
