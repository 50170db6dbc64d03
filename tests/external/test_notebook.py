"""A real kernel, as behind Jupyter and VS Code: what a notebook shows of a fit."""

import base64
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed: pip install 'minidl[judges]'")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install 'minidl[judges]'")
pytest.importorskip("ipykernel", reason="ipykernel is not installed: pip install 'minidl[judges]'")
pytest.importorskip("ipywidgets", reason="ipywidgets is not installed: pip install 'minidl[judges]'")
pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")

SETUP = """
import copy, sys
from minidl import *
from minidl.callbacks import LivePlot
import minidl
data = minidl.data.load("digits")
def build(*callbacks):
    net = mlp(64, 8, 10, standardize=Standardize(8, 6), rng=0)
    return Trainer(net, SGD(0.1), callbacks=list(callbacks), rng=0)
"""
FIT = """
trainer = build(ProgressBar(), LivePlot())
trainer.fit(data.train, epochs=3, validation=data.validation)
copied = copy.deepcopy(trainer)
"""
EARLY = """
trainer = build(ProgressBar(), EarlyStopping(1, min_delta=9))
trainer.fit(data.train, epochs=9, validation=data.validation)
trainer.stop_reason
"""
HIDE_WIDGETS = """
from minidl.callbacks import progress
progress._bar_class.cache_clear()
for name in [*sys.modules]:
    if name.startswith("tqdm"):
        del sys.modules[name]
sys.modules["ipywidgets"] = None
"""


def texts(outputs, stream):
    return "".join(one.text for one in outputs if one.output_type == "stream" and one.name == stream)


def shown(outputs, kind):
    return [one.data[kind] for one in outputs if one.output_type == "display_data" and kind in one.data]


def test_bar_and_curves():
    cells = map(nbformat.v4.new_code_cell, (SETUP, FIT, EARLY, HIDE_WIDGETS, FIT))
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    _, fit, early, _, plain = (cell.outputs for cell in notebook.cells)

    assert not any(texts(outputs, "stderr") for outputs in (fit, early, plain))
    for outputs in (fit, plain):
        (picture,) = shown(outputs, "image/png")  # each takes the place of the one before
        assert base64.b64decode(picture).startswith(b"\x89PNG")

    widget = "application/vnd.jupyter.widget-{}+json"
    assert [len(shown(outputs, widget.format("view"))) for outputs in (fit, early, plain)] == [1, 1, 0]
    for outputs, end in ((fit, "21/21"), (early, "14/14")):  # what is read where no widget is drawn
        assert any(end in text for text in shown(outputs, "text/plain"))
    assert not texts(fit, "stdout")
    models = [each["state"] for each in notebook.metadata.widgets[widget.format("state")]["state"].values()]
    bars = [each for each in models if each.get("_model_name") == "FloatProgressModel"]
    assert [(each["value"], each["bar_style"]) for each in bars] == [(21, "success"), (14, "success")]
    words = " ".join(each["value"] for each in models if each.get("_model_name") == "HTMLModel")
    assert "21/21" in words
    assert "train/val\u2007accuracy" in words
    assert "EarlyStopping: validation_loss" in early[-1].data["text/plain"]

    assert "21/21" in texts(plain, "stdout")
    assert "train/val accuracy" in texts(plain, "stdout")


NOTEBOOKS = sorted(Path(__file__).parents[2].glob("docs/notebooks/*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_of_the_docs_run(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "clear the outputs before a commit"
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    assert not texts(outputs, "stderr")
    assert sum("image/png" in one.get("data", {}) for one in outputs) == 7
