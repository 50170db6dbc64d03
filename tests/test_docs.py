"""Every example in the README, the docs and the docstrings runs."""

import doctest
import importlib.util
import pkgutil
import re
import shlex
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl.cli import main
from minidl.data import Splits
from minidl.errors import DataError
from tests.deep import DEEP, deep

sybil = pytest.importorskip("sybil", reason="sybil is not installed: pip install 'minidl[test]'")

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FIRST = {"README", "CONTRIBUTING", "tutorial", "extending", "layers"}
"""The pages that a change is likely to make untrue; the others are left to the deeper profiles."""

COMMANDS = {
    page: [
        line
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
        if line.startswith("minidl ")
    ]
    for page in PAGES
}
MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(minidl.__path__, "minidl.")
    if not name.endswith("__main__") and name != "minidl.testing.strategies"
]


@pytest.fixture(scope="module")
def working_directory(tmp_path_factory):
    return tmp_path_factory.mktemp("docs")


def few_clothes(name, *arguments, load=minidl.data.load, **options):
    """As `load`; of Fashion-MNIST some noise of its shape, for an example may take minutes on all of it."""
    if name != "fashion-mnist":
        return load(name, *arguments, **options)
    images = np.random.default_rng(0).integers(256, size=(130, 28, 28), dtype=np.uint8)
    part = minidl.Dataset(images, np.arange(130) % 10)
    return Splits(name, part, validation=part, test=part)


@pytest.mark.parametrize(
    "page",
    [page if page.stem in FIRST else pytest.param(page, marks=deep) for page in PAGES],
    ids=lambda page: page.name,
)
def test_python(page, working_directory, monkeypatch):
    from sybil.document import Document
    from sybil.parsers.markdown import PythonCodeBlockParser

    pytest.importorskip("matplotlib", reason="the examples plot: pip install 'minidl[plot]'")
    monkeypatch.chdir(working_directory)
    monkeypatch.setattr(minidl.data, "load", few_clothes)
    parser = PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
    document = Document.parse(str(page), parser)
    # A module of its own, so that the classes of a page can be pickled, as those of a file can.
    module = types.ModuleType(page.stem)
    monkeypatch.setitem(sys.modules, page.stem, module)
    document.namespace = vars(module)
    if "minidl.sweep" in page.read_text():
        cloudpickle = pytest.importorskip("cloudpickle", reason="the extra sweep is not installed")
        cloudpickle.register_pickle_by_value(module)  # as workers get what a script defines
    for example in document.examples():
        if "optuna" not in str(example.parsed) or importlib.util.find_spec("optuna"):
            example.evaluate()


def test_there_are_examples():
    assert sum(map(len, COMMANDS.values())) >= 4
    assert sum(page.read_text().count("```python") for page in PAGES) >= 10


def shortened(words):
    """The same training, of ten steps."""
    words = list(words)
    for length in ("--epochs", "--steps"):
        if length in words:
            place = words.index(length)
            del words[place : place + 2]
    return [*words, "--steps", "10"]


@deep
@pytest.mark.parametrize("page", [*filter(COMMANDS.get, PAGES)], ids=lambda page: page.name)
def test_commands(page, tmp_path, monkeypatch):
    """A page's commands one after the other: some need what others have written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "pooch", None)  # no test downloads anything
    monkeypatch.setattr(minidl.data, "load", few_clothes)
    if any(command.startswith("minidl sweep") for command in COMMANDS[page]):
        pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")
    for command in COMMANDS[page]:
        words = shlex.split(command)[1:]
        if words[0] in ("train", "sweep") and words[1] in ("fashion-mnist", "mnist", "cifar10"):
            try:
                minidl.data.load(words[1])
            except DataError:  # it is not on this machine
                continue
            words = shortened(words)
        elif words[0] in ("train", "sweep") and not DEEP:
            words = shortened(words)
        assert main(words) == 0, command


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # for they may write files
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
