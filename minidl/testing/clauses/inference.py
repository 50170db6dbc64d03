"""Clauses of a layer's inference."""

from __future__ import annotations

import itertools

import numpy as np

from minidl.testing.cases import LayerCase, finished, infer, require_same_gradients, train
from minidl.testing.demands import require, require_same
from minidl.testing.interleaving import interleaved
from minidl.testing.reports import ClauseError, ClauseSkipped
from minidl.testing.state import changes, snapshot
from minidl.types import Array


def inference_repeats(case: LayerCase) -> None:
    """Inference of the same x gives the same, to the bit, whatever was inferred before."""
    layer, x = case.layer(), case.x(0)
    first = infer(layer, x)
    infer(layer, case.x(1, batch=case.batch + 1))
    for who, again in (("again", infer(layer, x)), ("by a fresh layer", infer(case.layer(), x))):
        require(np.array_equal(first, again, equal_nan=True), f"inference of the same x differs {who}")


def inference_is_training(case: LayerCase) -> None:
    """Inference gives what a training forward gives, where that neither draws nor keeps statistics."""
    if case.varies:
        raise ClauseSkipped("a training forward draws at random")
    layer, x = case.layer(), case.x()
    before = snapshot(layer)
    y = np.array(layer.forward(x, training=True))
    changed = changes(before, snapshot(layer))
    kept = [name for name in changed if name.rpartition(".")[2] not in ("cache", "workspace")]
    if kept:
        raise ClauseSkipped(f"a training forward changes {', '.join(kept[:3])}")
    require_same("inference", infer(case.layer(), x), y, "where a training forward gives other numbers")


def inference_pure(case: LayerCase) -> None:
    """Inference changes nothing of the layer: parameters, cache, workspace, attributes, generators."""
    layer, x = case.layer(), case.x(0)
    train(layer, x, case.dy(infer(layer, x)))
    layer.forward(x, training=True)
    for name, used in (("a used layer", layer), ("a fresh layer", case.layer())):
        before = snapshot(used)
        used.forward(case.x(1, batch=case.batch + 1), training=False)
        used.forward(x, training=False)
        changed = changes(before, snapshot(used))
        require(not changed, f"inference changes {', '.join(changed[:4])} of {name}")


def inference_between(case: LayerCase) -> None:
    """An inference may come between a training forward and its backward."""
    layer, x = case.layer(), case.x(0)
    dy = case.dy(infer(layer, x))
    expected = train(case.layer(), x, dy)
    layer.forward(x, training=True)
    infer(layer, case.x(1, batch=case.batch + 1))
    infer(layer, case.x(2))
    require_same_gradients(finished(layer, x, expected.y, dy), expected, "with an inference before backward")


def inference_threads(case: LayerCase) -> None:
    """Threads may infer with one layer at once: one's inference amid another's changes neither."""
    layer = case.layer()
    inputs = [case.x(0), case.x(1), case.x(2, batch=case.batch + 1)]
    expected = [infer(layer, x) for x in inputs]
    turns = itertools.cycle((1, 2))

    def require_right(number: int, output: Array) -> None:
        same = np.array_equal(output, expected[number], equal_nan=True)
        require(same, "inferences in two threads at once give wrong outputs")

    def another() -> None:
        number = next(turns)
        require_right(number, layer.forward(inputs[number], training=False))

    try:
        output = interleaved(lambda: layer.forward(inputs[0], training=False), another)
    except ClauseError:
        raise
    except Exception as error:
        text = f"inferences in two threads at once raise {type(error).__name__}: {error}"
        raise ClauseError(text) from error
    require_right(0, output)
