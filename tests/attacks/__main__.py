"""Run every attack in a process of limited memory (Linux): ``python -m tests.attacks [--slow]``."""

import os
import resource
import sys
import tempfile
from pathlib import Path

from tests.attacks.checking import MEMORY
from tests.attacks.test_attacks import ATTACKS


def main() -> int:
    """How many attacks were not refused as they should be."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    # The largest files hold 64 MB less than what this leaves beside the readers' own limit.
    resource.setrlimit(resource.RLIMIT_AS, (size + 3 * MEMORY, size + 3 * MEMORY))
    faults = 0
    for attack in ATTACKS:
        if attack.slow and "--slow" not in sys.argv:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = attack.build(Path(folder))
            try:
                attack.read(path)
                got: object = "no error"
            except attack.error as error:
                got = None if all(word in str(error) for word in attack.words) else error
            except Exception as error:
                got = repr(error)
        if got:
            faults += 1
            print(f"{attack.name}: {got}")
    print(f"{len(ATTACKS)} attacks, {faults} not refused as they should be")
    return faults


if __name__ == "__main__":
    sys.exit(main())
