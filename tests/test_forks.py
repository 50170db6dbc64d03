import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import minidl
from tests.deep import DEEP

ROOT = Path(minidl.__file__).parent


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_child_never_waits_for_a_thread_that_it_has_not():
    program = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.forking",
    ]  # from 3.12 on, Python warns of each fork
    program += [] if DEEP else ["--light"]
    done = subprocess.run(program, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_library_that_minidl_imports_is_waited_for():
    """At a line's beginning or within a function; a sentence of a docstring is no import."""
    line = re.compile(r"^ *(?:from (\w+)[\w.]* import|import (\w+)[\w., ]*$)", re.MULTILINE)
    matches = [match for path in ROOT.rglob("*.py") for match in line.finditer(path.read_text())]
    names = {name for match in matches for name in match.groups() if name}
    assert {"minidl", "scipy", "json", "matplotlib"} <= names
    assert names - {"hypothesis", "_typeshed"} <= import_module("minidl.lazy")._IMPORTED
