"""Random graphs of all kinds of layers, in containers nested up to three deep."""

import copy
import pickle
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings

import minidl
from minidl.testing import check_net_gradients
from minidl.testing.strategies import nets, seeds

unhurried = settings(deadline=None, suppress_health_check=list(settings.default.suppress_health_check))
graphs = nets(nested=3, max_layers=3)


@unhurried
@given(net=graphs, seed=seeds())
def test_gradients(net, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, *net.input_shape))
    check_net_gradients(net(), x, rng.integers(net.num_classes, size=3), rng=seed)


@unhurried
@given(net=graphs, seed=seeds())
def test_copies_files_and_code(net, seed):
    built = net()
    x = np.random.default_rng(seed).standard_normal((2, *net.input_shape))
    scores = built(x)
    with tempfile.TemporaryDirectory() as folder:
        minidl.save(built, Path(folder) / "net.npz")
        copies = [minidl.load(Path(folder) / "net.npz")]
    copies += [copy.deepcopy(built), pickle.loads(pickle.dumps(built))]
    for copied in copies:
        np.testing.assert_array_equal(copied(x), scores)
        assert repr(copied) == repr(built)
    table = built.summary(net.input_shape).splitlines()
    assert len(table) == len(list(built.named_modules())) + 1  # a head line, and a last one for the total
    assert [one.y.shape for one in built.trace(x)][-1] == scores.shape
