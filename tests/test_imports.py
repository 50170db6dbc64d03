import subprocess
import sys

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
