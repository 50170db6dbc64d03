import os
import platform
import subprocess
import sys

import pytest

import minidl


def loaded_by(statement):
    code = f"import sys\n{statement}\nprint(*sorted(sys.modules))"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_importing_minidl_loads_numpy_and_nothing_heavier():
    extra = {name.partition(".")[0] for name in loaded_by("import minidl") - loaded_by("import numpy")}
    third_party = {name for name in extra if not name.startswith("_")} - set(sys.stdlib_module_names)
    assert third_party <= {"minidl", "numpy"}
    assert not extra & {"tarfile", "gzip", "pickletools", "multiprocessing", "asyncio", "subprocess"}


def test_every_public_name_is_there():
    assert sorted(minidl.__all__, key=str.lower) == sorted(set(minidl.__all__), key=str.lower)
    for name in minidl.__all__:
        assert hasattr(minidl, name), name


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="how glibc gives memory back")
def test_inference_does_not_ask_the_system_for_the_same_memory_again_and_again():
    program = """
import resource, minidl

features = minidl.data.load("digits").train.features
for hidden, copies in ((32, 8), (300, 8), (300, 1)):
    net = minidl.dense_net(64, [hidden], 10, standardize=minidl.Standardize(8, 6), rng=0)
    x = features.repeat(copies, axis=0)
    faults = []
    for _ in range(3):
        for _ in range(20):
            net.predict(x)
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    print((faults[2] - faults[0]) / 40)
"""
    command = [sys.executable, "-c", program]
    # What others of this process have set for theirs, as dask does, goes before what minidl does.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    faults = subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert max(map(float, faults.split())) < 20, faults  # pages a call
