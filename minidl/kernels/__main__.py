"""How the kernels compute on this machine, and whether their two ways agree: ``python -m minidl.kernels``."""

from __future__ import annotations

import argparse
import sys

from minidl.console import print_error
from minidl.errors import ConfigurationError

_SIZES = (0, 1, 2, 15, 16, 17, 100, 1_000, 40_000, 300_000)
_DESCRIPTION = """\
Say how the kernels, minidl's hot loops, compute on this machine, and why.

Each kernel is written in NumPy. Most have a compiled way, too, which needs a C compiler when minidl is
installed and is used by itself where it is there. --check compares the two ways, kernel by kernel: on random
arrays of up to some 300,000 numbers, in float32 and float64, with and without gaps, zeros of both signs,
infinities, NaN and denormals among them.
"""
_EPILOG = """\
MINIDL_KERNELS=numpy computes all in NumPy. MINIDL_KERNELS=base, avx2 or avx512 keeps the compiled way to
these instructions; unset, it takes the most that the CPU has. The exit code is 0, 1 where the two ways differ
or there is nothing to compare, and 2 where the command cannot be understood.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line `arguments` (that of the process by default); returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m minidl.kernels",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="compare the two ways on random arrays")
    parser.add_argument("--seed", type=int, default=0, help="of the random arrays, at least 0 (default: 0)")
    options = parser.parse_args(arguments)
    if options.seed < 0:
        parser.error(f"--seed: expected an integer of at least 0, got {options.seed}")
    try:
        from minidl.kernels import way
    except ConfigurationError as error:
        print_error(parser.prog, error)
        return 2
    print(f"kernels: {way.described()}")
    if way.remedy():
        print(f"faster:  {way.remedy()}")
    if not options.check:
        return 0
    if way.level() is None:
        print("\nnothing to compare: there is no compiled way")
        return 1
    print()
    return _check(options.seed)


def _check(seed: int) -> int:
    import numpy as np
    from tqdm import tqdm

    from minidl.kernels.check.cases import all_cases
    from minidl.kernels.check.drawing import Draw, faults

    cases = all_cases()
    width = max(len(str(case)) for case in cases)
    wrong = 0
    # A bar only where somebody looks on; the rows are written above it.
    with tqdm(total=len(cases) * len(_SIZES), unit="", leave=False, disable=None) as bar:
        for case in cases:
            bar.set_description(str(case))
            found = []
            for number, size in enumerate(_SIZES):
                for dtype in (np.float32, np.float64):
                    for layout, special in (("plain", False), ("plain", case.special), ("strided", False)):
                        rng = np.random.default_rng([seed, number])
                        found += faults(case, Draw(rng, size, np.dtype(dtype), layout, special))
                bar.update()
            bar.write(f"{case!s:{width}}  {found[0] if found else 'equal'}", file=sys.stdout)
            wrong += bool(found)
    if wrong:
        print(f"\n{wrong} of {len(cases)} differ; please report it with the lines above and: minidl doctor")
    else:
        print(f"\nall {len(cases)} are equal, but for rounding")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
