"""Clauses of a whole net, on what it adds to its layers. Each takes a `NetCase`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minidl.net import Net
from minidl.optimizers import SGD
from minidl.parameters import Parameter
from minidl.regularizers import L2
from minidl.testing.demands import require, require_same
from minidl.testing.gradients import check_net_gradients
from minidl.testing.lending import Lending
from minidl.testing.loss_cases import probabilities_of, takes_weights
from minidl.testing.net_cases import NetCase
from minidl.testing.replay import same_bits
from minidl.testing.reports import ClauseError, ClauseSkipped
from minidl.testing.state import changes, snapshot
from minidl.types import Array

_MANY, _FEW = 4200, 300  # rows: more than any chunk of inference


def _predictions(net: Net) -> dict[str, Callable[[Any], Array]]:
    """Inferences of x alone, by name; probabilities only of a loss that has them."""
    assert net.head is not None
    found: dict[str, Callable[[Any], Array]] = {"net(x)": net, "predict": net.predict}
    return found | (
        {"predict_probabilities": net.predict_probabilities} if probabilities_of(net.head) else {}
    )


def _infer(net: Net, x: Array, targets: Array) -> None:
    for call in _predictions(net).values():
        call(x)
    net.loss(x, targets)


def gradients(case: NetCase) -> str:
    """The gradients that training sees, of loss and L2 penalty, equal the central differences."""
    return str(check_net_gradients(case.net(), case.x(), case.targets(), regularizer=L2(0.1), rng=case.seed))


def training_pass(case: NetCase) -> None:
    """`loss_and_gradients` gives what body and loss give when called in turn."""
    _require_pass_of_parts(case)


def weights(case: NetCase) -> None:
    """With weights too, in training, and in inference of more rows than one chunk."""
    head = case.net().head
    assert head is not None
    if not takes_weights(head):
        raise ClauseSkipped("its loss takes no weights")
    rng = np.random.default_rng(case.seed)
    _require_pass_of_parts(case, weights=rng.uniform(0.5, 2.0, case.batch))
    net, x, targets = case.net(), case.x(batch=_MANY), case.targets(batch=_MANY)
    given = np.linspace(0.5, 2.0, _MANY)
    expected = head.forward(net(x), targets, weights=given, training=False)
    found = net.loss(x, targets, weights=given)
    require_same("the weighted loss", np.asarray(found), np.asarray(expected), f"for {_MANY} rows")


def _require_pass_of_parts(case: NetCase, **given: Any) -> None:
    net, x, targets = case.net(), case.x(), case.targets()
    loss = net.loss_and_gradients(x, targets, **given)
    parts: Any = case.net()
    scores = parts.forward(x, training=True)
    expected = parts.head.forward(scores, targets, **given, training=True)
    parts.backward(parts.head.backward())
    when = f"in loss_and_gradients{' with weights' if given else ''}"
    require_same("the loss", np.asarray(loss), np.asarray(expected), when)
    for name, parameter in net.parameters.items():
        require_same(f"{name}.grad", parameter.grad, parts.parameters[name].grad, when)


def inference(case: NetCase) -> None:
    """Scores, probabilities, labels and loss are those of the body's inference and the head."""
    net, x, targets = case.net(), case.x(), case.targets()
    head = net.head
    assert head is not None
    scores = net.forward(x, training=False)
    require_same("net(x)", net(x), scores, "beside forward(training=False)")
    if probabilities := probabilities_of(head):
        require_same(
            "predict_probabilities", net.predict_probabilities(x), probabilities(scores), "for the scores"
        )
    require_same("predict", net.predict(x), head.predict(scores), "for the scores")
    expected = head.forward(scores, targets, training=False)
    require_same("loss", np.asarray(net.loss(x, targets)), np.asarray(expected), "for the scores")


def chunks(case: NetCase) -> None:
    """Inference of more rows than one chunk gives what it gives for a few at a time."""
    net = case.net()
    x, targets = case.x(batch=_MANY), case.targets(batch=_MANY)
    parts = [slice(start, start + _FEW) for start in range(0, _MANY, _FEW)]
    for name, call in _predictions(net).items():
        expected = np.concatenate([call(x[part]) for part in parts])
        require_same(name, call(x), expected, f"for {_MANY} rows")
    assert net.head is not None
    shares = [net.head.total_weight(targets[part], None) for part in parts]
    mean = np.average([net.loss(x[part], targets[part]) for part in parts], weights=shares)
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
    before = x.copy(), targets.copy()

    def all_calls() -> None:
        calls: dict[str, Callable[[], Any]] = {
            **{name: partial(predicted, x) for name, predicted in _predictions(net).items()},
            "loss": lambda: net.loss(x, targets),
            "loss_and_gradients": lambda: net.loss_and_gradients(x, targets),
        }
        for who, call in calls.items():
            given = call()
            for name, array, old in (("x", x, before[0]), ("the targets", targets, before[1])):
                require(same_bits(array, old), f"{who} writes to {name}")
            require(not np.may_share_memory(np.asarray(given), x), f"{who} hands x back")

    all_calls()
    x.flags.writeable = targets.flags.writeable = False
    try:
        all_calls()
    except ValueError as error:
        raise ClauseError(f"a read-only x or targets is refused: {error}") from error


def lent_until_next_forward(case: NetCase) -> None:
    """Nothing that a layer or the loss lends in a training pass is written to, by whom ever, until its next.

    Not in the pass, nor by inferences, a penalty and an update: the scores are counted after those.
    """
    net, x, targets = case.net(), case.x(), case.targets()
    more, labels = case.x(1), case.targets(1)
    with Lending(net) as lending:
        lending.lend("x", x)
        lending.lend("the targets", targets)
        for _ in range(2):
            net.forward_backward(x, targets)
            _infer(net, more, labels)
            L2(0.1).add_gradients(net.parameters)
            SGD(1e-3).step(net.parameters)
            lending.require_kept("an update of the parameters")


def inference_pure(case: NetCase) -> None:
    """Inference changes nothing of the net."""
    net, x, targets = case.net(), case.x(), case.targets()
    net.loss_and_gradients(x, targets)
    before = snapshot(net)
    more = case.x(1, batch=case.batch + 3)
    _infer(net, more, case.targets(1, batch=case.batch + 3))
    changed = changes(before, snapshot(net))
    require(not changed, f"inference changes its {', '.join(changed[:4])}")


def parts_in_one_vector(case: NetCase) -> str:
    """Every layer's parameters are in the net's vector once, under names of their own."""
    net = case.net()
    attributes = [held for _, module in net.named_modules() for held in vars(module).values()]
    held = [attribute for attribute in attributes if isinstance(attribute, Parameter)]
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
