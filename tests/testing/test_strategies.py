"""The strategies: what they draw is right under the checkers, and a failure shrinks to a net one can read."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, find, given, settings
from hypothesis import strategies as st

import minidl
from minidl import Affine, ReLU, Sequential, SoftmaxCrossEntropy
from minidl.layers import Tanh
from minidl.optimizers import AdamW
from minidl.testing import (
    GradientError,
    check_layer,
    check_net,
    check_net_gradients,
    check_optimizer,
    check_scheduler,
)
from minidl.testing import strategies as nets_and_more
from minidl.testing.recipes import Recipe
from tests.deep import deep
from tests.testing.examples import left_out, whole_contract
from tests.testing.wrong.numbers import NearlyRight

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def names():
    rooms = minidl.layers, minidl
    return {"np": np, **{name: getattr(room, name) for room in rooms for name in room.__all__}}


@whole_contract
@given(data=st.data())
def test_layers_keep_the_contract(data):
    shape = data.draw(nets_and_more.shapes())
    recipe = data.draw(nets_and_more.layers(shape, random=True))
    batch = data.draw(st.integers(1, 6))
    seed = data.draw(nets_and_more.seeds())
    check_layer(recipe.factory, shape, rng=seed, batch=batch, skip=left_out(seed))


@whole_contract
@given(net=nets_and_more.nets(random=True, indices=True), seed=nets_and_more.seeds())
def test_nets_keep_the_contract(net, seed):
    made = net.make_input if net.vocabulary else None
    check_net(net.factory, net.input_shape, net.num_classes, rng=seed, make_input=made)


@unhurried
@given(data=st.data(), net=nets_and_more.nets())
def test_net_gradients(data, net):
    batch = data.draw(nets_and_more.batches(net.input_shape))
    labels = data.draw(nets_and_more.labels(len(batch), net.num_classes))
    check_net_gradients(net(), batch.array(), labels.array(), regularizer=minidl.L2(0.1))


@whole_contract
@given(optimizer=nets_and_more.optimizers(), seed=nets_and_more.seeds())
def test_optimizers_keep_the_contract(optimizer, seed):
    decays = optimizer.make is AdamW
    check_optimizer(optimizer, rng=seed, skip=["zero_gradient"] if decays else ())


@given(schedule=nets_and_more.schedules())
def test_schedules_keep_the_contract(schedule):
    check_scheduler(schedule)


@given(net=nets_and_more.nets(random=True, mixing=True, indices=True))
def test_a_net_prints_as_the_code_that_rebuilds_it(net):
    twin = eval(repr(net), names())
    assert twin.parameters.values.tobytes() == net().parameters.values.tobytes()
    assert repr(twin) == repr(net())
    assert max(map(len, repr(net).splitlines())) <= 100


@given(net=nets_and_more.nets(extra=lambda shape: st.just(Recipe(Tanh))))
def test_layers_of_ones_own_stand_among_them(net):
    x = np.zeros((2, *net.input_shape))
    assert net()(x).shape == (2, net.num_classes)


@given(data=st.data())
def test_batches_and_labels_print_as_code_too(data):
    batch = data.draw(nets_and_more.batches())
    labels = data.draw(nets_and_more.labels(len(batch), 3))
    assert np.array_equal(eval(repr(batch), names()), batch.array())
    assert np.array_equal(eval(repr(labels), names()), labels.array())


def test_a_failure_shrinks_to_the_smallest_net():
    found = find(
        nets_and_more.nets(),
        lambda net: any(part.make is ReLU for part in net.args) and any(p.make is Affine for p in net.args),
        settings=settings(max_examples=2000, deadline=None, database=None),
    )
    code = "Sequential(ReLU(), Affine(1, 2, rng=0, dtype=np.float64), SoftmaxCrossEntropy())"
    assert repr(found) == code


def wrong_layers(shape):
    return st.just(Recipe(NearlyRight, (shape[-1], 2), (("rng", 0), ("dtype", np.float64))))


@deep
def test_a_failing_test_prints_the_smallest_net_as_code():
    fast = settings(
        max_examples=2000,
        deadline=None,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],  # to explain would take longer than both
    )

    @settings(fast, suppress_health_check=list(HealthCheck))
    @given(net=nets_and_more.nets(extra=wrong_layers, max_layers=2, nested=0))
    def planted(net):
        assume(len(net.input_shape) == 1)
        check_net_gradients(net(), np.random.default_rng(0).standard_normal((2, *net.input_shape)), [0, 1])

    with pytest.raises(GradientError) as caught:
        planted()
    notes = "\n".join(getattr(caught.value, "__notes__", []))
    assert "".join(notes.split()).count("net=Sequential(") == 1
    code = notes[notes.index("net=") + 4 : notes.index(",\n)")]
    smallest = eval(code, names() | {"NearlyRight": NearlyRight})
    kinds = [type(layer).__name__ for layer in smallest]
    # The slip, something with parameters before it whose gradient goes wrong, and the last layer.
    assert len(kinds) == 3
    assert kinds[1:] == ["NearlyRight", "Affine"]
    assert code.count("\n") <= 8


def test_nested_recipes_are_indented():
    inner = Recipe(Sequential, tuple(Recipe(Affine, (3, 3), (("rng", seed),)) for seed in range(4)))
    text = repr(Recipe(Sequential, (inner, Recipe(SoftmaxCrossEntropy))))
    assert text == inspect.cleandoc("""
        Sequential(
            Sequential(
                Affine(3, 3, rng=0),
                Affine(3, 3, rng=1),
                Affine(3, 3, rng=2),
                Affine(3, 3, rng=3),
            ),
            SoftmaxCrossEntropy(),
        )""")


def test_layers_in_dicts_and_tuples_are_built_and_indented():
    groups = {
        name: (slice(start, None), Recipe(Affine, (3, 3), (("rng", start),)))
        for start, name in enumerate("abc")
    }
    recipe = Recipe(minidl.layers.Columns, (groups,))
    assert repr(recipe) == inspect.cleandoc("""
        Columns(
            {
                'a': (slice(0, None, None), Affine(3, 3, rng=0)),
                'b': (slice(1, None, None), Affine(3, 3, rng=1)),
                'c': (slice(2, None, None), Affine(3, 3, rng=2)),
            },
        )""")
    for built in (recipe(), eval(repr(recipe), names())):
        np.testing.assert_array_equal(built.columns["b"][1].weight.value, groups["b"][1]().weight.value)


def test_profiles():
    nets_and_more.register_profiles()
    examples = {name: settings.get_profile(name).max_examples for name in nets_and_more.PROFILES}
    assert examples["dev"] < examples["ci"] == 100
    assert examples["nightly"] == 2000


def test_without_hypothesis_the_extra_is_named():
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import minidl.testing\n"
        "try:\n    import minidl.testing.strategies\n"
        "except minidl.errors.MissingExtraError as error: assert 'minidl[testing]' in str(error)\n"
        "else: raise SystemExit('no error')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
