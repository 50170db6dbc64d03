import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
from minidl.kernels.memory import keep_freed_memory
{call}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        first = np.ones((2048, 64), np.float32)
        second = first + 1
        del first, second
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc hands freed memory back")
def test_what_is_freed_is_taken_again_without_the_system():
    # What others of this process have set for theirs, as dask does, goes before what minidl does.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    programs = (PROGRAM.format(call=call) for call in ("keep_freed_memory()", ""))
    options = {"env": variables, "check": True, "capture_output": True}
    counts = [int(subprocess.run([sys.executable, "-c", text], **options).stdout) for text in programs]
    if counts[1] < 1000:
        pytest.skip("this allocator keeps it anyway")
    assert counts[0] < 100
