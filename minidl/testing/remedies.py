"""What to do about the exceptions that a first class of one's own raises under its checker."""

from __future__ import annotations

import re
import sysconfig
import traceback
from pathlib import Path
from typing import Any

from minidl.testing.cases import LayerCase
from minidl.testing.loss_cases import MetricCase, ScoresCase
from minidl.testing.optimizer_cases import OptimizerCase
from minidl.testing.transform_cases import TransformCase

_HERE = str(Path(__file__).parent)
_LIBRARIES = (*(sysconfig.get_path(name) for name in ("stdlib", "platlib")), str(Path(__file__).parents[1]))

_REMEDIES: tuple[tuple[type, str, str], ...] = (
    (
        object,
        r"forward\(\) got an unexpected .* 'training'",
        "let its arguments end with *, training",
    ),
    (OptimizerCase, "has no attribute '_", "call super().__init__(lr) in its constructor"),
    (
        OptimizerCase,
        r"update\(\) (got an unexpected keyword|missing \d+ required positional) argument",
        'state_names is a tuple such as ("momentum",), and update takes each of its names after lr',
    ),
    (MetricCase, r"update\(\) (takes|got)", "write def update(self, scores, targets, weights=None)"),
    (
        MetricCase,
        "has no attribute '(?!name')",
        "set it in reset; a constructor calls super().__init__()",
    ),
    (TransformCase, r"__call__\(\) takes", "write def __call__(self, features, targets, rng)"),
    (
        LayerCase,
        "expected x of shape",
        "input_shape= (--input-shape) is that of one sample of x",
    ),
    (LayerCase, "more than one|at least (2|two)", "min_batch=2 (--min-batch 2) leaves out smaller batches"),
)


def remedy(failure: Exception, case: Any) -> str:
    """What to do about what a clause raised on `case`; empty where nothing is known of it."""
    found = [*getattr(failure, "__notes__", ())]
    for kind, pattern, text in _REMEDIES:
        if isinstance(case, kind) and (match := re.search(pattern, str(failure))):
            found.append(match.expand(text))
    if isinstance(case, ScoresCase) and case.of_labels and re.search("target|label|broadcast", str(failure)):
        found.append("its targets were labels: make_targets= (--regression) gives it others")
    return "; ".join(found)


def place(failure: Exception) -> str:
    """Where in the author's own file it was raised, or else where in a library's that this called."""
    frames = traceback.extract_tb(failure.__traceback__)
    ours = [number for number, frame in enumerate(frames) if frame.filename.startswith(_HERE)]
    theirs = frames[ours[-1] + 1 :] if ours else [*frames]
    author = [frame for frame in theirs if not frame.filename.startswith(_LIBRARIES)]
    last = (author or theirs)[-1:]
    return f" ({Path(last[0].filename).name}, line {last[0].lineno})" if last else ""
