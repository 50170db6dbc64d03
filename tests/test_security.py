"""The page on security says what the code does."""

import re
from importlib import import_module
from pathlib import Path

from minidl.storage import checkpoints, nets
from minidl.sweep import lines

PAGE = (Path(__file__).parent.parent / "docs" / "security.md").read_text()
LIMITS = dict(re.findall(r"^\| `(minidl\.[\w.]+)` \| ([\d,]+) \|", PAGE, re.MULTILINE))
NAME = re.compile("(MAX|MOST)_[A-Z_]+|LONGEST")
OTHERS = {"MOST_OF_A_BYTE"}  # a property of deflate, and no limit


def test_limits_are_those_of_the_code():
    assert len(LIMITS) > 20
    for name, value in LIMITS.items():
        module, _, constant = name.rpartition(".")
        assert getattr(import_module(module), constant) == int(value.replace(",", "")), name


def test_no_limit_is_missing():
    """Of the modules that have one in the table."""
    for module in {name.rpartition(".")[0] for name in LIMITS}:
        source = Path(import_module(module).__file__).read_text()
        for line in re.findall(r"^[A-Z][\w, ]*(?= = )", source, re.MULTILINE):
            for name in line.split(", "):
                assert not NAME.fullmatch(name) or name in OTHERS or f"{module}.{name}" in LIMITS, name


def test_versions_are_those_of_the_code():
    rows = dict(re.findall(r"^\| (net|checkpoint|journal) \| ([\d, ]+) \|", PAGE, re.MULTILINE))
    read = {"net": nets._READ, "checkpoint": checkpoints._READ, "journal": range(1, lines.VERSION + 1)}
    assert rows == {name: ", ".join(map(str, versions)) for name, versions in read.items()}
