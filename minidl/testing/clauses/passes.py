"""Clauses of a layer's training passes one after the other. Each takes a `LayerCase`."""

from __future__ import annotations

import tracemalloc

import numpy as np

from minidl.layers import Layer
from minidl.testing.cases import (
    LayerCase,
    finished,
    infer,
    require_same_gradients,
    require_same_pass,
    train,
    twin_of,
)
from minidl.testing.demands import require, require_same, require_state_error
from minidl.testing.reports import ClauseError, ClauseSkipped


def batch_sizes(case: LayerCase) -> None:
    """A used layer gives what a fresh one does: for the same size again, the smallest, a larger one."""
    layer, least = case.layer(), case.min_batch
    n = max(case.batch, least + 1)
    for draw, size in enumerate((n, n, least, least, 2 * n + 1, n - 1, n, least, n)):
        x = case.x(draw, batch=size)
        twin = twin_of(case, layer)
        dy = case.dy(infer(layer, x), draw)
        when = f"for a batch of {size} after others"
        require_same_pass(train(layer, x, dy), train(twin, x, dy), when)


def rows_alone(case: LayerCase) -> str:
    """A batch equals its rows one by one: outputs and dx row by row, gradients as sums over rows.

    Of a layer that draws at random in training, or normalizes over the batch then
    (``batch_independent=False``), inference alone is compared.
    """
    x = case.x(batch=max(case.batch, 2))
    whole = infer(case.layer(), x)
    for i in range(len(x)):
        require_same(f"row {i}'s inference", infer(case.layer(), x[i : i + 1])[0], whole[i], "alone")
    if case.varies or not case.batch_independent:
        return "inference alone"
    dy = case.dy(whole)
    together = train(case.layer(), x, dy)
    rows = [train(case.layer(), x[i : i + 1], dy[i : i + 1]) for i in range(len(x))]
    try:
        for i, row in enumerate(rows):
            require_same(f"row {i}'s output", row.y[0], together.y[i], "alone")
            require_same(f"row {i}'s dx", row.dx[0], together.dx[i], "alone", scale=together.scale)
    except ClauseError as error:
        meant = "batch_independent=False (--batch-dependent) is for layers whose samples see each other"
        raise ClauseError(f"{error}\n{meant}") from error
    for name, gradient in together.gradients.items():
        total = np.sum([row.gradients[name] for row in rows], axis=0)
        when = "for the batch, not the sum over its rows"
        require_same(f"{name}.grad", gradient, total, when, scale=together.scale)
    return "training and inference"


def latest_forward(case: LayerCase) -> None:
    """After two training forwards, backward gives the gradients of the second."""
    one, two = case.x(0), case.x(1, batch=case.batch + 2)
    layer, twin = case.layer(), case.layer()
    train(twin, one, case.dy(infer(twin, one)))
    dy = case.dy(infer(twin, two))
    expected = train(twin, two, dy)
    layer.forward(one, training=True)
    require_same_pass(train(layer, two, dy), expected, "after a forward without backward")


def one_backward(case: LayerCase) -> None:
    """Backward needs its own training forward: without one, or a second time, it raises `StateError`."""
    layer, x = case.layer(), case.x()
    dy = case.dy(infer(case.layer(), x))
    require_state_error(lambda: layer.backward(dy), "backward before any forward")
    layer.forward(x, training=False)
    require_state_error(lambda: layer.backward(dy), "backward after an inference only")
    train(layer, x, dy)
    require_state_error(lambda: layer.backward(dy), "backward a second time")


def gradients_assigned(case: LayerCase) -> None:
    """Backward assigns every parameter's gradient, whole, whatever was there before."""
    x = case.x()
    dy = case.dy(infer(case.layer(), x))
    expected = train(case.layer(), x, dy)
    for filling in (1000.0, np.nan):
        layer = case.layer()
        for _, parameter in layer.named_parameters():
            parameter.grad.fill(filling)
        got = train(layer, x, dy)
        for name, gradient in got.gradients.items():
            added = gradient.size and np.allclose(gradient, expected.gradients[name] + 1000)
            require(not added, f"{name}.grad is not assigned by backward: write grad[...] = x, not += x")
            require(not (gradient == 1000).any(), f"{name}.grad is not wholly written by backward")
        require_same_gradients(got, expected, f"where {filling:g} stood before")


def repeatable(case: LayerCase) -> None:
    """The same pass again gives the same again, and backward leaves the parameters' values alone."""
    layer, x = case.layer(), case.x()
    dy = case.dy(infer(layer, x))
    layer.forward(x, training=True)
    before = {name: p.value.copy() for name, p in layer.named_parameters()}
    layer.backward(dy)
    for name, parameter in layer.named_parameters():
        require(np.array_equal(parameter.value, before[name]), f"backward changes {name}.value")
    twin = twin_of(case, layer)
    for _ in range(2):
        expected = train(twin, x, dy)
        require_same_pass(train(layer, x, dy), expected, "in a later pass")
        twin = twin_of(case, layer)


def frozen_parameters(case: LayerCase) -> None:
    """A frozen parameter costs its own gradient and nothing else: outputs, dx and other gradients stay."""
    x = case.x()
    dy = case.dy(infer(case.layer(), x))
    expected = train(case.layer(), x, dy)
    names = list(expected.gradients)
    if not names:
        raise ClauseSkipped("no parameters")
    for chosen in (*([name] for name in names[:8]), names):
        rest = {name: g for name, g in expected.gradients.items() if name not in chosen}
        when = f"with {', '.join(chosen[:4])} frozen"
        one, first = _frozen(case, chosen), _frozen(case, chosen)
        require_same_pass(train(one, x, dy), expected._replace(gradients=rest), when)
        first.forward(x, training=True)
        first.backward_parameters(dy)
        for name, gradient in rest.items():
            found = first.parameters[name].grad
            require_same(f"{name}.grad by backward_parameters", found, gradient, when, scale=expected.scale)


def _frozen(case: LayerCase, chosen: list[str]) -> Layer:
    layer = case.layer()
    for name in chosen:
        layer.parameters[name].frozen = True
    return layer


def instances_apart(case: LayerCase) -> None:
    """Two layers of one class share nothing: the passes of one do not disturb the other's."""
    one, other = case.built(), case.built(seed=case.seed + 1)
    x, x_other = case.x(0), case.x(1, batch=case.batch + 1)
    dy = case.dy(infer(one, x))
    expected = train(case.layer(), x, dy)
    y = one.forward(x, training=True)
    train(other, x_other, case.dy(infer(other, x_other)))
    other.forward(x_other, training=True)
    require_same("the output", y, expected.y, "once another instance has run")
    require_same_gradients(finished(one, x, y, dy), expected, "with another instance at work")


def allocation(case: LayerCase) -> str:
    """Once warm, a training step allocates no array as large as half of its larger activation.

    Opt-in: ``allocation=True``.
    """
    if not case.allocation:
        raise ClauseSkipped("opt in with allocation=True")
    layer = case.layer()
    batch = -(-(1 << 19) // case.x(batch=1).nbytes)
    x = case.x(batch=batch)
    dy = case.dy(infer(layer, x))
    for _ in range(2):
        y = layer.forward(x, training=True)
        layer.backward(dy)
    limit = max(x.nbytes, y.nbytes) // 2
    started = not tracemalloc.is_tracing()
    if started:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        layer.forward(x, training=True)
        layer.backward(dy)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        if started:
            tracemalloc.stop()
    require(peak < limit, f"a warm step on a batch of {batch} allocates {peak} bytes at once")
    return f"{peak} bytes at most, beside activations of {2 * limit}"
