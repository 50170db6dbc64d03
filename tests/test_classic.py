import numpy as np
import pytest

from minidl import TwoLayerNet
from minidl.errors import ConfigurationError, DataError, DivergedError, MinidlError, ShapeError
from tests.classic import ClassicTwoLayerNet
from tests.deep import first_only


@pytest.fixture
def images(digits):
    """Real images as the classic program takes them: rows, the mean image subtracted."""
    mean = digits.train.features.mean(axis=0)

    def rows(part):
        return (part.features - mean).reshape(len(part), -1), part.targets

    return rows(digits.train), rows(digits.validation)


@pytest.mark.parametrize("make_rng", first_only(np.random.default_rng, np.random.RandomState))
@pytest.mark.parametrize("options", [{"reg": 0.25, "learning_rate": 1e-2}, {"batch_size": 2000, "reg": 0.0}])
def test_walks_the_classic_programs_path(make_rng, options, images):
    (x, y), (x_val, y_val) = images
    options = {"num_iters": 300, "learning_rate": 0.05, "learning_rate_decay": 0.9, **options}
    net = TwoLayerNet(64, 12, 10, std=1e-1, rng=make_rng(3))
    classic = ClassicTwoLayerNet(64, 12, 10, std=1e-1, rng=make_rng(3))
    for name, array in net.params.items():
        np.testing.assert_array_equal(array, classic.params[name])
    ours = net.train(x, y, x_val, y_val, **options)
    theirs = classic.train(x, y, x_val, y_val, **options)
    assert ours.keys() == theirs.keys()
    np.testing.assert_allclose(ours["loss_history"], theirs["loss_history"], rtol=0, atol=1e-10)
    for name in ("train_acc_history", "val_acc_history"):
        assert ours[name] == pytest.approx(theirs[name])
    assert len(ours["loss_history"]) == 300
    assert ours["loss_history"][-1] < 0.7 * ours["loss_history"][0]  # it learned something
    for name, array in net.params.items():
        np.testing.assert_allclose(array, classic.params[name], rtol=0, atol=1e-10)
    (loss, grads), (classic_loss, classic_grads) = (each.loss(x, y, reg=0.1) for each in (net, classic))
    assert loss == pytest.approx(classic_loss, abs=1e-10)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, classic_grads[name], rtol=0, atol=1e-10)
    np.testing.assert_allclose(net.loss(x), classic.scores(x), rtol=0, atol=1e-10)
    np.testing.assert_array_equal(net.predict(x_val), classic.predict(x_val))


def test_params_are_live_and_writable(images):
    (x, _), _ = images
    net = TwoLayerNet(64, 5, 10, rng=0)
    weight = net.params["W1"]
    weight += 1
    assert net.params["W1"] is weight
    net.params["b2"] = np.arange(10)
    net.params["W2"] -= net.params["W2"]
    np.testing.assert_array_equal(net.loss(x)[0], np.arange(10))
    with pytest.raises(ShapeError, match=r"TwoLayerNet: expected W1 of shape \(64, 5\), got \(5, 64\)"):
        net.params["W1"] = weight.T


def test_gradients_are_the_callers_own(images):
    (x, y), _ = images
    net = TwoLayerNet(64, 5, 10, std=0.1, rng=0)
    _, first = net.loss(x, y)
    kept = {name: grad.copy() for name, grad in first.items()}
    net.loss(2 * x, y, reg=1.0)
    for name, grad in first.items():
        np.testing.assert_array_equal(grad, kept[name])


def test_verbose_prints_as_it_goes(images, capsys):
    (x, y), validation = images
    TwoLayerNet(64, 5, 10, rng=0).train(x, y, *validation, num_iters=201, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"iteration {n} / 201" for n in (0, 100, 200)]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"learning_rate": 0}, ConfigurationError),
        ({"learning_rate": 1e30}, DivergedError),
        ({"reg": -1}, ConfigurationError),
        ({"batch_size": 0}, ConfigurationError),
        ({"num_iters": -1}, ConfigurationError),
        ({"learning_rate_decay": 0}, ConfigurationError),
        ({"y": np.zeros((1266, 1), int)}, ShapeError),
        ({"X": np.full((1266, 64), np.nan)}, DataError),
        ({"X": np.zeros((1266, 63))}, ShapeError),
    ],
)
def test_bad_input(options, error, images):
    (x, y), (x_val, y_val) = images
    arguments = {"X": x, "y": y, "X_val": x_val, "y_val": y_val, **options}
    net = TwoLayerNet(64, 5, 10, std=0.1, rng=0)
    with pytest.raises(error) as caught:
        net.train(**arguments)
    assert isinstance(caught.value, MinidlError)
    assert all(np.isfinite(array).all() for array in net.params.values())


def test_nan_has_no_class(images):
    (x, _), _ = images
    net = TwoLayerNet(64, 5, 10, std=0.1, rng=0)
    x = x.astype(float)
    x[[2, 700]] = np.nan
    with pytest.raises(DivergedError, match="none in 2 of 1,266 rows of x: 2, 700"):
        net.predict(x)


def test_a_validation_that_overflows_is_recorded(images):
    (x, y), (x_val, y_val) = images
    net = TwoLayerNet(64, 5, 10, std=10, rng=0)
    histories = net.train(x, y, 1e307 * x_val, y_val, learning_rate=1e-6, num_iters=3)
    assert np.isnan(histories["val_acc_history"]).all()
    assert len(histories["loss_history"]) == 3
