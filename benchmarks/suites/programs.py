"""Whole programs in fresh processes: the time to trained digits, and the memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import minidl
from benchmarks.problems import Program
from benchmarks.results import Result
from benchmarks.suite import Suite, Unit

_SCRIPTS = Path(__file__).parents[1] / "scripts"
_ACCURACY, _IMAGES_ACCURACY = 0.96, 0.9  # that every program must reach
_PIXELS = 49_000 * 3_072
_MODULES = {"sklearn": "sklearn.neural_network", "numpy": "minidl"}
_TIMED_IMPORT = """\
import os, time, numpy
os.environ["KERAS_BACKEND"] = "jax"
start = time.perf_counter()
import {}
print(1, time.perf_counter() - start)"""
_FRESH = ("minidl", "numpy", "sklearn", "torch", "jax", "keras")


def _cold_starts(quick: bool) -> list[Program]:
    imports = [(name, ("-c", _TIMED_IMPORT.format(_MODULES.get(name, name)))) for name in _FRESH]
    scripts = {name: "minidl" if name == "numpy" else name for name in _FRESH}
    digits = [
        (name, (str(_SCRIPTS / f"digits/with_{script}.py"), "digits.npz")) for name, script in scripts.items()
    ]
    return [
        Program("import over NumPy's", tuple(imports)),
        Program(f"digits to {_ACCURACY:.0%}", tuple(digits), _ACCURACY),
    ]


def _write_digits(directory: Path) -> None:
    """The digits that minidl bundles, flat and as uint8; the validation part is trained on, too."""
    data = minidl.data.load("digits")
    assert data.validation is not None and data.test is not None
    train = (data.train, data.validation)
    np.savez(
        directory / "digits.npz",
        x_train=np.concatenate([part.features for part in train]).reshape(-1, 64),
        y_train=np.concatenate([part.targets for part in train]),
        x_test=data.test.features.reshape(-1, 64),
        y_test=data.test.targets,
    )


COLD_START = Suite(
    name="cold-start",
    help="a whole process, from the shell to trained digits; and the import",
    contestants=_FRESH,
    problems=_cold_starts,
    write_input=_write_digits,
    unit=Unit("ms", 1e3, format=",.1f"),
    base="",
    notes=(
        "import: what the library's takes in a fresh process that has imported NumPy.",
        f"digits: the whole program, data read from an .npz, a net of 100 hidden units trained in batches of "
        f"64 until it has learnt enough for a test accuracy of {_ACCURACY:.0%}, which every run is held to. "
        "Everybody has the optimizer and the few epochs that did it soonest with any of eight seeds.",
    ),
)


def _images(quick: bool) -> list[Program]:
    names = {name: "numpy" if name == "floor" else name for name in MEMORY.contestants}
    programs = ((name, (str(_SCRIPTS / f"images/with_{file}.py"),)) for name, file in names.items())
    return [Program("49,000 × 3,072", tuple(programs), _IMAGES_ACCURACY)]


def _beyond_the_data(results: Sequence[Result]) -> list[str]:
    peaks = {result.threads: result.median for result in results if result.contestant == "minidl"}
    return [
        f"minidl at {threads} thread{'s' * (threads > 1)}: "
        f"the data's {_PIXELS / 1e6:.1f} MB and {(peak - _PIXELS) / 1e6:.0f} MB more."
        for threads, peak in sorted(peaks.items())
    ]


MEMORY = Suite(
    name="memory",
    help="the peak resident size while training on 49,000 × 3,072 pixels of uint8",
    contestants=("floor", "minidl", "sklearn", "torch", "keras"),
    problems=_images,
    unit=Unit("MB", 1e-6, less="smaller", more="larger"),
    notes=(
        "A fresh process makes the data, as uint8, trains a net of 50 hidden units for an epoch in batches "
        f"of 200, and tells its largest resident size; it must classify {_IMAGES_ACCURACY:.0%} of the "
        "samples held out.",
        "floor: NumPy and the data, nobody who trains. scikit-learn is given float32, for it makes float64 "
        "of uint8; PyTorch and Keras make floats of each batch, as minidl does.",
    ),
    remarks=_beyond_the_data,
)
