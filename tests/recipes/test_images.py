import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import SGD, SoftmaxCrossEntropy, Standardize, Trainer
from minidl.errors import ConfigurationError, ShapeError
from minidl.initializers import he_normal
from minidl.losses import MulticlassHinge
from minidl.recipes import residual_conv_net, small_conv_net

BOTH = pytest.mark.parametrize("make", [small_conv_net, residual_conv_net])


def kinds(net):
    return [type(layer).__name__ for layer in net]


def test_a_small_net():
    net = small_conv_net((9, 12), 5, channels=(3, 4), hidden=[7, 6], dropout=0.5, rng=0)
    stage, dense = ["Conv2d", "MaxPool2d", "BatchNorm2d", "ReLU"], ["Affine", "ReLU"]
    assert kinds(net) == ["Reshape", *stage, *stage, "Flatten", *[*dense, "Dropout"] * 2, "Affine"]
    convolutions, affine = (9 * 3 + 6) + (9 * 3 * 4 + 8), (4 * 2 * 3 + 1) * 7 + (7 + 1) * 6 + (6 + 1) * 5
    assert net.parameters.count == convolutions + affine
    assert net["dropout1"].p == 0.5
    assert kinds(small_conv_net((3, 6, 6), 5, channels=2, hidden=7)) == [*stage, "Flatten", *dense, "Affine"]
    assert kinds(small_conv_net((3, 6, 6), 5, channels=2, hidden=())) == [*stage, "Flatten", "Affine"]


def test_a_residual_net():
    net = residual_conv_net((3, 12, 12), 5, channels=(4, 6), blocks=2, dropout=0.5, rng=0)
    first = ["Conv2d", "MaxPool2d", "BatchNorm2d", "ReLU"]
    assert kinds(net) == [*first, *["Residual", "ReLU"] * 4, "GlobalAvgPool2d", "Dropout", "Affine"]
    shortcuts = [layer.shortcut for layer in net if type(layer).__name__ == "Residual"]
    assert [shortcut is not None for shortcut in shortcuts] == [False, False, True, False]
    assert shortcuts[2].output_shape((4, 6, 6)) == (6, 3, 3)
    within = [9 * 4 * 4 + 8] * 5 + [9 * 4 * 6 + 12] + [9 * 6 * 6 + 12] * 3 + [4 * 6 + 12]
    assert net.parameters.count == 9 * 3 * 4 + 8 + sum(within) - (9 * 4 * 4 + 8) + (6 + 1) * 5
    assert kinds(residual_conv_net((9, 9), 5, channels=2))[0] == "Reshape"


@BOTH
@given(st.integers(8, 11), st.integers(8, 11), st.integers(0, 9))
def test_grey_images_are_images_of_one_channel(make, height, width, seed):
    grey, images = (
        make(shape, 3, channels=(2, 3), rng=seed) for shape in ((height, width), (1, height, width))
    )
    x = np.random.default_rng(seed).integers(256, size=(4, height, width), dtype=np.uint8)
    np.testing.assert_array_equal(grey(x), images(x[:, None]))
    assert grey(x).shape == (4, 3)


@BOTH
def test_weights_are_drawn_one_after_the_other(make):
    rng = np.random.default_rng(3)
    net, drawn = make((8, 8), 3, channels=(2, 3), rng=3, dropout=0.1), []
    for name, parameter in net.parameters.items():
        if parameter.regularized:
            drawn.append(name)
            shape = parameter.shape
            fan_in = shape[0] if len(shape) == 2 else int(np.prod(shape[1:]))
            flat = he_normal(rng, (fan_in, shape[-1] if len(shape) == 2 else shape[0]), np.float32)
            expected = flat if len(shape) == 2 else flat.T.reshape(shape)
            np.testing.assert_array_equal(parameter.value, expected, err_msg=name)
    assert drawn[0] == "conv2d0.weight"
    assert drawn[-1].startswith("affine")


@BOTH
def test_raw_pixels_are_standardized_first(make):
    x = np.random.default_rng(0).integers(256, size=(20, 8, 8), dtype=np.uint8)
    first = Standardize.fit(x, shared_scale=True, dtype=np.float64)
    net = make((8, 8), 3, channels=2, standardize=first, rng=0, dtype=np.float64)
    assert net[0] is first
    assert kinds(net)[1] == "Reshape"
    bare = make((8, 8), 3, channels=2, rng=0, dtype=np.float64)
    np.testing.assert_allclose(net(x), bare((x - x.mean(axis=0)) / first.scale))


@BOTH
def test_it_comes_back_from_its_file(make, tmp_path):
    names = ("a", "b", "c")
    net = make((8, 8), 3, channels=(2, 3), dropout=0.2, rng=0, target_names=names)
    x = np.random.default_rng(0).standard_normal((20, 8, 8)).astype(np.float32)
    Trainer(net, SGD(0.1), rng=0).fit(minidl.Dataset(x, np.arange(20) % 3), epochs=2, batch_size=7)
    minidl.save(net, tmp_path / "net.npz")
    back = minidl.load(tmp_path / "net.npz")
    np.testing.assert_array_equal(back(x), net(x))
    assert (repr(back), back.head.target_names) == (repr(net), names)


def test_a_loss_of_ones_own():
    for make in (small_conv_net, residual_conv_net):
        assert isinstance(make((8, 8), 3, channels=2, loss=MulticlassHinge()).head, MulticlassHinge)
        smooth = SoftmaxCrossEntropy(("a", "b"), label_smoothing=0.1)
        assert make((8, 8), 2, channels=2, loss=smooth).head is smooth
        with pytest.raises(ConfigurationError, match="expected a loss or target_names, got both"):
            make((8, 8), 2, channels=2, loss=smooth, target_names=("a", "b"))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (
            ((64,), 3),
            {},
            r"expected sample_shape \(height, width\) or \(channels, height, width\), got \(64,\)",
        ),
        (((8, 8), 0), {}, "expected num_classes to be a whole number >= 1, got 0"),
        (((8, 8), 3), {"channels": (4, 0)}, "expected channels to be whole numbers >= 1"),
        (((8, 8), 3), {"channels": ()}, "expected channels of one stage at least, got"),
        (((8, 8), 3), {"dropout": 1.5}, "expected dropout to be a finite number"),
        (((8, 8), 3), {"standardize": 3}, "expected standardize to be"),
        (((8, 8), 3), {"loss": "softmax"}, "expected loss to be"),
        (((8, 8), 3), {"target_names": ("a", "b")}, "expected 3 target_names, one for each class, got 2"),
    ],
)
@BOTH
def test_wrong_arguments(make, arguments, options, message):
    with pytest.raises(ConfigurationError, match=f"{make.__name__}: {message}"):
        make(*arguments, **options)


def test_hidden_layers_and_blocks_are_counted():
    with pytest.raises(ConfigurationError, match="small_conv_net: expected hidden to be whole numbers >= 1"):
        small_conv_net((8, 8), 3, hidden=0)
    with pytest.raises(
        ConfigurationError, match="residual_conv_net: expected blocks to be a whole number >= 1"
    ):
        residual_conv_net((8, 8), 3, blocks=0)
    with pytest.raises(
        ConfigurationError, match="residual_conv_net: expected blocks from 1 to 1,000 a stage"
    ):
        residual_conv_net((8, 8), 3, blocks=10**12)


def test_images_too_small():
    with pytest.raises(
        ShapeError, match=r"of 8 pixels or more .* got \(7, 9\); take channels of 2 stages at most"
    ):
        small_conv_net((7, 9), 3, channels=(2, 2, 2))
    assert small_conv_net((7, 9), 3, channels=(2, 2)).output_shape((7, 9)) == (3,)
    with pytest.raises(ShapeError, match=r"of 2 pixels or more .* got \(1, 7\); take mlp"):
        residual_conv_net((1, 7), 3)
    for make in (small_conv_net, residual_conv_net):
        with pytest.raises(ShapeError, match=r"channels come first: sample_shape \(1, 28, 20\)"):
            make((28, 20, 1), 10)
        with pytest.raises(ConfigurationError, match=r"got \(784,\); write the images into an .npz file"):
            make((784,), 10)


@BOTH
def test_it_learns_digits(make):
    data = minidl.data.load("digits")
    first = Standardize.fit(data.train.features, shared_scale=True)
    net = make(data.sample_shape, 10, channels=(8, 16), standardize=first, rng=0)
    Trainer(net, SGD(0.1, momentum=0.9), rng=1).fit(data.train, steps=60, batch_size=32)
    assert minidl.evaluate(net, data.test)[1] > 0.85
