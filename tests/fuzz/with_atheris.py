"""Inputs guided by coverage, where atheris is installed: ``python -m tests.fuzz.with_atheris npz``."""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["minidl.archive", "minidl.data"]):
    from tests.fuzz.readers import READERS
    from tests.fuzz.running import Folder, is_accepted


def main() -> None:
    reader = sys.argv.pop(1)
    with tempfile.TemporaryDirectory() as corpus, Folder() as folder:
        for number, content in enumerate(READERS[reader].seeds()):
            (Path(corpus) / str(number)).write_bytes(content)

        def try_one(content: bytes) -> None:
            is_accepted(reader, READERS[reader].wrap(content), folder)

        atheris.Setup([*sys.argv, corpus], try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
