"""Random graphs of all kinds of layers, in containers nested up to three deep.

The profile says how many: ``HYPOTHESIS_PROFILE=nightly`` draws 2,000 for each test.
"""

import copy
import pickle
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

import minidl
import minidl.testing.strategies
from minidl import layers
from minidl.testing import check_net_gradients
from minidl.testing.recipes import Recipe
from minidl.testing.strategies import nets, seeds

BATCH = 4  # of two samples, a batch norm makes steps
NOT_DRAWN = {layers.Layer: "what all layers have in common, none itself"}

unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))
graphs = nets(nested=3, max_layers=3, random=True, mixing=True, indices=True)


def drawn_from(net, seed):
    """A batch for the net, and its labels."""
    rng = np.random.default_rng(seed)
    return net.make_input(rng, (BATCH, *net.input_shape)), rng.integers(net.num_classes, size=BATCH)


def kinds(thing):
    """The classes that a recipe, or a collection of recipes, calls."""
    if isinstance(thing, Recipe):
        return {thing.make}.union(*map(kinds, thing.args), *(kinds(value) for _, value in thing.options))
    if isinstance(thing, dict):
        return kinds(tuple(thing.values()))
    return set().union(*map(kinds, thing)) if isinstance(thing, tuple) else set()


def test_every_layer_is_drawn():
    missing = {getattr(layers, name) for name in layers.__all__} - set(NOT_DRAWN)
    options = {"random": True, "mixing": True}
    behind = [minidl.testing.strategies.layers((3,), **options)]
    behind += [minidl.testing.strategies.layers(shape, nested=0, **options) for shape in ((3, 2), (2, 2, 3))]

    def complete(drawn):
        missing.difference_update(kinds(drawn))
        return not missing

    once = settings(unhurried, max_examples=3000, database=None, derandomize=True, phases=[Phase.generate])
    try:
        find(st.one_of(*behind, nets(max_layers=0, indices=True)), complete, settings=once)
    except NoSuchExample:
        raise AssertionError(f"no strategy draws {missing}") from None


@unhurried
@given(net=graphs, seed=seeds())
def test_gradients(net, seed):
    check_net_gradients(net(), *drawn_from(net, seed), rng=seed)


@unhurried
@given(net=graphs, seed=seeds())
def test_copies_files_and_code(net, seed):
    built = net()
    x, labels = drawn_from(net, seed)
    built.loss_and_gradients(x, labels)  # the running statistics have moved
    scores = built(x)
    with tempfile.TemporaryDirectory() as folder:
        minidl.save(built, Path(folder) / "net.npz")
        loaded = minidl.load(Path(folder) / "net.npz")
    twins = [copy.deepcopy(built), pickle.loads(pickle.dumps(built))]
    if layers.Dropout not in kinds(net):  # of which a file holds no generator
        twins.append(loaded)
    for copied in (loaded, *twins):
        np.testing.assert_array_equal(copied(x), scores)
        assert repr(copied) == repr(built)
    loss = built.loss_and_gradients(x, labels)
    for twin in twins:
        assert twin.loss_and_gradients(x, labels) == loss
        np.testing.assert_array_equal(twin.parameters.gradients, built.parameters.gradients)
        np.testing.assert_array_equal(twin.state.values, built.state.values)
    table = built.summary(net.input_shape).splitlines()
    assert len(table) == len(list(built.named_modules())) + 1  # a head line, and a last one for the total
    assert [one.y.shape for one in built.trace(x)][-1] == scores.shape
