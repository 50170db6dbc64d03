"""Clauses of what a layer computes. Each takes a `LayerCase` and raises, or returns what it saw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minidl.testing.cases import LayerCase, Pass, infer, require_same_gradients, train
from minidl.testing.demands import require, require_same, require_state_error
from minidl.testing.gradients import check_backward_parameters, check_gradients
from minidl.testing.replay import Replay
from minidl.testing.reports import ClauseError, ClauseSkipped
from minidl.types import Array


def input_gradient(case: LayerCase) -> str:
    """Backward's dx equals the central differences of forward, for every input number."""
    x = case.x()
    if x.dtype.kind != "f":
        raise ClauseSkipped("the input is not of floats")
    if case.varies or not case.batch_independent:  # rows_alone does not compare the smallest batch there
        check_gradients(case.layer(), case.x(batch=case.min_batch), rng=case.seed, wrt=["x"])
    return str(check_gradients(case.layer(), x, rng=case.seed, wrt=["x"]))


def parameter_gradients(case: LayerCase) -> str:
    """Each parameter's gradient equals the central differences of forward, for every number of it."""
    layer = case.layer()
    names = [name for name, _ in layer.named_parameters()]
    if not names:
        return "no parameters"
    return str(check_gradients(layer, case.x(), rng=case.seed, wrt=names))


def backward_parameters(case: LayerCase) -> str | None:
    """`backward_parameters` gives the same gradients as `backward`, and needs a training forward as well."""
    layer, x = case.layer(), case.x()
    if not list(layer.named_parameters()):
        return "no parameters"
    replay = Replay(layer, lambda twin: np.array(twin.forward(x, training=True)), {"x": x})
    dy = case.dy(replay.forward())
    check_backward_parameters(layer, x, dy, replay)
    layer = case.layer()
    require_state_error(lambda: layer.backward_parameters(dy), "it before any forward")
    layer.forward(x, training=True)
    layer.backward_parameters(dy)
    require_state_error(lambda: layer.backward_parameters(dy), "it a second time")
    return None


def shapes(case: LayerCase) -> str:
    """Outputs are arrays with one entry a sample, for the smallest batch too; dx has x's shape."""
    seen = []
    for batch in (case.min_batch, max(case.batch, case.min_batch + 1)):
        layer, x = case.layer(), case.x(batch=batch)
        y = layer.forward(x, training=True)
        inferred = case.layer().forward(case.x(batch=batch), training=False)
        for name, output in (("a training forward", y), ("inference", inferred)):
            require(isinstance(output, np.ndarray), f"{name} returns {type(output).__name__}, not an array")
            given = f"{name} of shape {x.shape} returns shape {output.shape}"
            require(output.shape[:1] == x.shape[:1], f"{given}, not one entry a sample")
        require(y.shape == inferred.shape, f"training gives shape {y.shape}, inference {inferred.shape}")
        dx = layer.backward(case.dy(y))
        if x.dtype.kind == "f":
            got = getattr(dx, "shape", type(dx).__name__)
            require(got == x.shape, f"backward returns {got}, expected x's shape {x.shape}")
        seen.append((x.shape, y.shape))
    require(seen[0][1][1:] == seen[1][1][1:], f"shapes {seen[0][1]} and {seen[1][1]} for other batch sizes")
    return f"{seen[1][0]} -> {seen[1][1]}"


def finite(case: LayerCase) -> None:
    """Of finite numbers come finite outputs and gradients, in float32 too."""
    for kind in (np.float64, np.float32):
        layer = case.layer(kind)
        found = {"inference": infer(layer, case.x(dtype=kind))}
        passed = train(layer, case.x(dtype=kind), case.dy(found["inference"]))
        for name, array in (found | _flat(passed)).items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ClauseError(f"{name} of a finite x is not finite in {kind.__name__}")


def dtype(case: LayerCase) -> None:
    """A float32 layer gives float32 and a float64 layer float64, and the two agree to four digits."""
    for kind in (np.float32, np.float64):
        layer, x = case.layer(kind), case.x(dtype=kind)
        for name, parameter in layer.named_parameters():
            require(
                parameter.value.dtype == kind, f"{name} is {parameter.value.dtype} in a {kind.__name__} layer"
            )
        y = layer.forward(x, training=True)
        inferred = case.layer(kind).forward(case.x(dtype=kind), training=False)
        found = {"a training forward": y, "inference": inferred}
        dx = layer.backward(case.dy(np.asarray(y, kind)))
        found |= {"backward": dx} if x.dtype.kind == "f" else {}
        for name, array in found.items():
            require(array.dtype == kind, f"{name} of a {kind.__name__} layer returns {array.dtype}")
    x = case.x(dtype=np.float32)
    if case.varies or not case.reproducible or x.dtype.kind != "f":
        return
    narrow, wide = infer(case.layer(np.float32), x.copy()), infer(case.layer(), x.astype(np.float64))
    require_same("the output", narrow, wide, "in float32", rtol=3e-5, scale=float(np.abs(x).max(initial=0)))


def precision(case: LayerCase) -> None:
    """A float64 layer works in float64 throughout: changes far below float32's resolution come through.

    Input, upstream gradient and each parameter are changed by 1e-3, 1e-5 and 1e-9 along a random
    direction. Where the first two say how an output responds, the third must say the same.
    """
    layer, x = case.layer(), case.x()
    replay = Replay(layer, lambda twin: twin.forward(x, training=True), {"x": x})
    dy = case.dy(replay.forward())
    arguments = {"dy": dy} | {name: p.value for name, p in layer.named_parameters()}
    arguments |= {"x": x} if x.dtype.kind == "f" else {}
    rng = np.random.default_rng([case.seed, 4])
    for name, argument in arguments.items():
        start, along = argument.copy(), rng.standard_normal(argument.shape)

        def at(step: float, argument: Array = argument, start: Array = start, along: Array = along) -> Pass:
            argument[...] = start + step * along
            found: Pass = replay.run(lambda twin: train(twin, x, dy))
            return found

        center = at(0.0)
        base, size = _flat(center), center.scale
        slopes = [{k: (v - base[k]) / s for k, v in _flat(at(s)).items()} for s in (1e-3, 1e-5, 1e-9)]
        argument[...] = start
        for output in base:
            coarse, middle, fine = (np.linalg.norm(slope[output]) for slope in slopes)
            # Slopes far below the scale of what went in are rounding.
            responds = abs(coarse - middle) < 0.1 * middle and middle > 1e-3 * size
            off = np.linalg.norm(slopes[2][output] - slopes[1][output])
            if responds and off > 0.2 * middle:
                text = f"{output} does not follow a change of 1e-9 in {name}"
                slopes_found = f"(slope {fine:.2g}, not {middle:.2g})"
                raise ClauseError(f"{text} {slopes_found}: something is cast to float32 on the way")


def _flat(found: Pass) -> dict[str, Array]:
    return {"the output": found.y, "dx": found.dx} | {f"{k}.grad": v for k, v in found.gradients.items()}


def nan_comes_through(case: LayerCase) -> str:
    """NaN in a number that the output depends on is NaN in that sample's output."""
    x = case.x()
    if x.dtype.kind != "f":
        raise ClauseSkipped("the input is not of floats")
    places = list(np.ndindex(x.shape))
    if len(places) > 64:  # a spread of them, of every sample and every place in one
        places = places[:: -(-len(places) // 61)]
    tried = 0
    for training in (False,) if case.varies else (False, True):
        with_nan, *others = _outputs_with((np.nan, -2.3, 0.7, 3.1), case, places, training)
        for number, place in enumerate(places):
            one, *more = (output[number] for output in others)
            if all(np.array_equal(one, other, equal_nan=True) for other in more):
                continue
            tried += 1
            mode = "training" if training else "inference"
            hidden = not np.isnan(with_nan[number]).any()
            require(not hidden, f"x{list(place)} = NaN leaves no NaN in the output in {mode}")
    return f"{tried} places"


def _outputs_with(
    values: Sequence[float], case: LayerCase, places: Sequence[tuple[int, ...]], training: bool
) -> list[list[Array]]:
    """For each of `values`, the outputs of the samples in which it stands at one of the `places`.

    Samples that do not see each other go through the layer together, which takes far less time.
    """
    layer, x, found = case.layer(), case.x(), []
    together = case.batch_independent or not training
    for value in values:
        if together:
            changed = x[[place[0] for place in places]]
            for number, (_, *within) in enumerate(places):
                changed[(number, *within)] = value
            found.append(list(np.array(layer.forward(changed, training=training))))
            continue
        outputs = []
        for place in places:
            changed = x.copy()
            changed[place] = value
            outputs.append(np.array(layer.forward(changed, training=training))[place[0]])
        found.append(outputs)
    return found


def linear_in_dy(case: LayerCase) -> None:
    """Backward is linear in its argument: of 2a - 3b it gives 2 (that of a) - 3 (that of b)."""
    x = case.x()
    y = infer(case.layer(), x)
    a, b = case.dy(y, 0), case.dy(y, 1)
    of_a, of_b, both = (train(case.layer(), x, dy) for dy in (a, b, 2 * a - 3 * b))
    names = both.gradients
    combined = {name: 2 * of_a.gradients[name] - 3 * of_b.gradients[name] for name in names}
    expected = both._replace(dx=2 * of_a.dx - 3 * of_b.dx, gradients=combined)
    require_same_gradients(both, expected, "for 2a - 3b", rtol=1e-8)
