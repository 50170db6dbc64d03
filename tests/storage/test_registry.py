import inspect

import pytest

import minidl.layers
import minidl.losses
from minidl import Layer, Loss
from minidl.storage.registry import KNOWN

PUBLIC = [
    thing
    for room in (minidl.layers, minidl.losses)
    for name in room.__all__
    if inspect.isclass(thing := getattr(room, name)) and issubclass(thing, (Layer, Loss))
]


@pytest.mark.parametrize("kind", [kind for kind in PUBLIC if not inspect.isabstract(kind)])
def test_a_file_may_name_every_public_layer_and_loss(kind):
    assert KNOWN[kind.__name__] is kind
