from itertools import combinations

import numpy as np
import pytest

from minidl import Affine, Layer, ReLU, Sequential, SoftmaxCrossEntropy, Standardize
from minidl.diagram import _draw, boxes
from minidl.errors import MinidlError, MissingExtraError, StructureError
from minidl.layers import Add, Columns, Concat, Conv2d, Residual, Tanh


def three_levels():
    inner = Concat(
        ("wide", Residual(Affine(8, 8), ReLU(), Affine(8, 8))),
        Sequential(Affine(8, 4), Residual(Affine(4, 6), ReLU(), shortcut=Affine(4, 6))),
        ReLU(),
    )
    sizes = Sequential(Standardize(0, 1), Affine(4, 5))
    columns = Columns({"sizes": ([0, 1, 2, 3], sizes), "rest": (slice(4, 7), ReLU())})
    return Sequential(columns, Add(inner, Affine(8, 22)), ReLU(), Affine(22, 3), SoftmaxCrossEntropy())


def all_boxes(box):
    return [box, *(inner for way in box.ways for child in way for inner in all_boxes(child))]


def test_every_module_has_its_box_with_its_shape():
    net = three_levels()
    shapes = {one.path: one.y.shape[1:] for one in net.trace(np.zeros((1, 7)))}
    found = {box.path: " ".join(box.text) for box in all_boxes(boxes(net, shapes))}
    assert set(found) == {path for path, _ in net.named_modules()}
    for path, module in net.named_modules():
        assert found[path].startswith(type(module).__name__)
        assert path.rpartition(".")[2] in found[path]
        assert path not in shapes or found[path].endswith(f"→ {shapes[path]}")


def test_boxes_stand_apart_and_within_their_frames():
    for box in all_boxes(boxes(three_levels(), {})):
        children = [child for way in box.ways for child in way]
        for child in children:
            assert box.x < child.x and child.x + child.width < box.x + box.width
            assert box.y < child.y and child.y + child.height < box.y + box.height
        for one, other in combinations(children, 2):
            beside = one.x + one.width < other.x or other.x + other.width < one.x
            assert beside or one.y + one.height < other.y or other.y + other.height < one.y


def test_ways_past_the_layers_and_where_they_meet():
    _, add, *_ = boxes(three_levels(), {}).ways[0]
    concat, _ = (way[0] for way in add.ways)
    residual = concat.ways[0][0]
    assert (add.joint, concat.joint, residual.joint) == ("+", "concat", "+")
    assert [len(way) for way in residual.ways] == [3, 0]


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (ReLU(), "ReLU()"),
        (Conv2d(16, 32, 3, stride=2, padding=1, bias=False), "Conv2d(16, 32, 3, stride=2, …)"),
        (Conv2d(1, 32, 3, stride=(2, 1), padding=1), "Conv2d(1, 32, 3, stride=(2, 1), …)"),
        (Conv2d(16, 320, 3, stride=(2, 1), padding=1), "Conv2d(16, 320, 3, …)"),
        (Standardize(list(range(20)), 1), "Standardize(…)"),
    ],
)
def test_of_long_code_the_first_arguments_are_shown(layer, text):
    assert boxes(layer, {}).text[0] == text


class Gated(Layer):
    """``tanh(x) * relu(x)``, which does not say how its layers are passed."""

    def __init__(self):
        self.gate, self.up, self.more, self.last = Tanh(), ReLU(), ReLU(), ReLU()

    def forward(self, x, *, training):
        return self.gate.forward(x, training=training) * self.up.forward(x, training=training)

    def backward(self, dy):
        raise NotImplementedError


class Ways(Gated):
    joint = "×"

    def __init__(self, give):
        super().__init__()
        self.give = give

    def ways(self):
        return self.give(self)


def arrows(box):
    """How many are drawn."""
    axes = pytest.importorskip("matplotlib.figure").Figure().add_axes((0, 0, 1, 1))
    _draw(axes, box, 0)
    return len(axes.lines)


def test_of_layers_in_no_known_order_no_order_is_drawn():
    box = boxes(Gated(), {})
    assert [[child.path for child in way] for way in box.ways] == [["gate", "last"], ["up"], ["more"]]
    assert (box.ordered, box.joint, arrows(box)) == (False, "", 0)


def test_a_container_of_ones_own_shows_its_ways():
    box = boxes(Ways(lambda self: [(self.gate, self.last), [self.up]]), {})
    assert [[child.path for child in way] for way in box.ways] == [["gate", "last"], ["up"]]
    assert (box.ordered, box.joint, arrows(box)) == (True, "×", 6)


@pytest.mark.parametrize(
    "give",
    [lambda self: (self.gate, self.up), lambda self: None, lambda self: ((ReLU(),),), lambda self: "ab"],
)
def test_ways_of_another_form_are_refused(give):
    with pytest.raises(
        StructureError, match=r"Ways 'ways0': expected ways\(\) to give rows .* got .*; return"
    ):
        boxes(Sequential(Ways(give)), {})


@pytest.mark.parametrize(("name", "shape"), [("net.svg", None), ("net.png", (7,))])
def test_files(name, shape, tmp_path):
    pytest.importorskip("matplotlib")
    three_levels().diagram(tmp_path / name, shape)
    start = {"svg": b"<?xml", "png": b"\x89PNG"}[name[-3:]]
    assert (tmp_path / name).read_bytes().startswith(start)


def test_errors(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    net = three_levels()
    with pytest.raises(MinidlError, match="a file name ending in one of"):
        net.diagram(tmp_path / "net.words")
    with pytest.raises(MinidlError, match="x with the columns .* of 'rest', got|of 'sizes', got 3 columns"):
        net.diagram(tmp_path / "net.svg", (3,))
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"minidl\[plot\]"):
        net.diagram(tmp_path / "net.svg")
    assert not list(tmp_path.iterdir())
