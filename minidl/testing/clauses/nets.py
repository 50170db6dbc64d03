"""Clauses of a whole net, on what it adds to its layers. Each takes a `NetCase`."""

from __future__ import annotations

import numpy as np

from minidl.optimizers import SGD
from minidl.regularizers import L2
from minidl.testing.cases import require, require_same
from minidl.testing.gradients import check_net_gradients
from minidl.testing.net_cases import NetCase
from minidl.testing.reports import ClauseError, ClauseSkipped
from minidl.testing.state import changes, snapshot

_MANY, _FEW = 4200, 300  # rows: more than any chunk of inference


def gradients(case: NetCase) -> str:
    """The gradients that training sees, of loss and L2 penalty, equal the central differences."""
    return str(check_net_gradients(case.net(), case.x(), case.targets(), regularizer=L2(0.1), rng=case.seed))


def training_pass(case: NetCase) -> None:
    """`loss_and_gradients` gives what body and loss give when called in turn."""
    net, parts, x, targets = case.net(), case.net(), case.x(), case.targets()
    loss = net.loss_and_gradients(x, targets)
    assert parts.head is not None
    scores = parts.forward(x, training=True)
    expected = parts.head.forward(scores, targets, training=True)
    parts.backward(parts.head.backward())
    require_same("the loss", np.asarray(loss), np.asarray(expected), "in loss_and_gradients")
    for name, parameter in net.parameters.items():
        require_same(f"{name}.grad", parameter.grad, parts.parameters[name].grad, "in loss_and_gradients")


def inference(case: NetCase) -> None:
    """Scores, probabilities, labels and loss are those of the body's inference and the head."""
    net, x, targets = case.net(), case.x(), case.targets()
    head = net.head
    assert head is not None
    scores = net.forward(x, training=False)
    require_same("net(x)", net(x), scores, "beside forward(training=False)")
    require_same(
        "predict_probabilities", net.predict_probabilities(x), head.probabilities(scores), "for the scores"
    )
    require_same("predict", net.predict(x), head.predict(scores), "for the scores")
    expected = head.forward(scores, targets, training=False)
    require_same("loss", np.asarray(net.loss(x, targets)), np.asarray(expected), "for the scores")


def chunks(case: NetCase) -> None:
    """Inference of more rows than one chunk gives what it gives for a few at a time."""
    net = case.net()
    x, targets = case.x(batch=_MANY), case.targets(batch=_MANY)
    parts = [slice(start, start + _FEW) for start in range(0, _MANY, _FEW)]
    for name in ("__call__", "predict", "predict_probabilities"):
        expected = np.concatenate([getattr(net, name)(x[part]) for part in parts])
        require_same(name, getattr(net, name)(x), expected, f"for {_MANY} rows")
    mean = np.mean([net.loss(x[part], targets[part]) for part in parts])
    require_same("loss", np.asarray(net.loss(x, targets)), np.asarray(mean), f"for {_MANY} rows")


def inputs_converted(case: NetCase) -> None:
    """A float32 net takes float64, integers and lists as their float32 values."""
    if case.make_input is not None:
        raise ClauseSkipped("inputs are made by make_input")
    rng = np.random.default_rng(case.seed)
    numbers = rng.integers(0, 9, (case.batch, *case.input_shape))
    expected = case.net(np.float32)(numbers.astype(np.float32))
    for name, x in (("float64", numbers * 1.0), ("int64", numbers), ("a list", numbers.tolist())):
        got = case.net(np.float32)(x)
        require(got.dtype == np.float32, f"a float32 net gives {got.dtype} for {name}")
        require_same("net(x)", got, expected, f"for x of {name}", rtol=1e-6)
        trained = case.net(np.float32).loss_and_gradients(x, case.targets())
        inferred = case.net(np.float32).loss_and_gradients(numbers.astype(np.float32), case.targets())
        require_same("the loss", np.asarray(trained), np.asarray(inferred), f"for x of {name}", rtol=1e-6)


def arguments_kept(case: NetCase) -> None:
    """Neither x nor the targets are written to, nor handed back."""
    net, x, targets = case.net(), case.x(), case.targets()
    before = x.tobytes(), targets.tobytes()
    x.flags.writeable = targets.flags.writeable = False
    try:
        net.loss_and_gradients(x, targets)
        scores = [net(x), net.predict_probabilities(x)]
        net.loss(x, targets)
    except ValueError as error:
        raise ClauseError(f"a read-only x or targets is refused: {error}") from error
    require((x.tobytes(), targets.tobytes()) == before, "it writes to x or the targets")
    for array in scores:
        require(not np.may_share_memory(array, x), "it hands x back")


def inference_pure(case: NetCase) -> None:
    """Inference changes nothing of the net."""
    net, x, targets = case.net(), case.x(), case.targets()
    net.loss_and_gradients(x, targets)
    before = snapshot(net)
    more = case.x(1, batch=case.batch + 3)
    net(more), net.predict(more), net.predict_probabilities(more)
    net.loss(more, case.targets(1, batch=case.batch + 3))
    changed = changes(before, snapshot(net))
    require(not changed, f"inference changes its {', '.join(changed[:4])}")


def parts_in_one_vector(case: NetCase) -> str:
    """Every layer's parameters are in the net's vector once, under names of their own."""
    net = case.net()
    held = [p for module in net.modules() for p in module._parameters.values()]
    named = list(dict(net.named_parameters()).values())
    require(len({id(p) for p in held}) == len(held), "a parameter is registered twice")
    require([id(p) for p in held] == [id(p) for p in named], "named_parameters leaves parameters out")
    total = sum(p.value.size for p in held)
    require(net.parameters.count == total, f"the vector counts {net.parameters.count} of {total} numbers")
    for name, parameter in net.parameters.items():
        require(np.shares_memory(parameter.value, net.parameters.values), f"{name} is not in the vector")
    return f"{len(held)} parameters, {total} numbers"


def learns(case: NetCase) -> str:
    """Small steps down the gradient lower the loss of one batch."""
    if case.varies:
        raise ClauseSkipped("its training passes draw at random")
    x, targets = case.x(), case.targets()
    start = case.net().loss_and_gradients(x, targets)
    for fraction in (1e-2, 1e-4, 1e-6):  # of the loss, which one step would take off a straight slope
        net = case.net()
        for _ in range(20):
            loss = net.loss_and_gradients(x, targets)
            slope = float(net.parameters.gradients @ net.parameters.gradients)
            if slope == 0 or loss == 0:
                raise ClauseSkipped("the loss or its gradient is 0")
            SGD(fraction * loss / slope).step(net.parameters)
        end = net.loss_and_gradients(x, targets)
        if end < start:
            return f"loss from {start:.3g} to {end:.3g}"
    raise ClauseError(f"even small steps took the loss from {start:.4g} to {end:.4g}")


NETS = (
    gradients, training_pass, inference, chunks, inputs_converted, arguments_kept, inference_pure,
    parts_in_one_vector, learns,
)  # fmt: skip
