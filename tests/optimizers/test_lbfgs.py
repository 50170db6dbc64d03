"""SciPy's minimizers on the vectors: what they reach, what they leave alone, and how they end."""

import numpy as np
import pytest
import scipy.optimize

from minidl import Parameter
from minidl.errors import ConfigurationError, StateError
from minidl.initializers import normal
from minidl.optimizers import LBFGS
from minidl.optimizers.lbfgs import METHODS
from minidl.vectors import ParameterVector


class Bowl:
    """``sum(cosh(curvature * (values - minimum)))``, which is convex and no quadratic."""

    def __init__(self, dtype=np.float64, frozen=()):
        rng = np.random.default_rng(3)
        shapes = {"bias": (3,), "weight": (2, 3), "last": (5,)}
        self.parts = {
            name: Parameter(shape, normal(0.5), rng=rng, dtype=dtype, regularized=name == "weight")
            for name, shape in shapes.items()
        }
        self.vector = ParameterVector(self.parts)
        self.curvature = {name: rng.uniform(0.5, 1.5, shape) for name, shape in shapes.items()}
        self.minimum = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
        for name in frozen:
            self.parts[name].frozen = True
        self.calls = 0
        self.path = []

    def evaluate(self):
        self.calls += 1
        total = 0.0
        for name, part in self.parts.items():
            c, off = self.curvature[name], part.value - self.minimum[name]
            total += float(np.cosh(c * off).sum())
            part.grad[...] = c * np.sinh(c * off)
        return total

    def arrived(self, loss):
        self.path.append((loss, self.vector.values.copy()))
        return True

    def run(self, optimizer, iterations=200):
        return optimizer.minimize(self.vector, self.evaluate, self.arrived, iterations)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_minimum(method, dtype):
    bowl, optimizer = Bowl(dtype), LBFGS(method)
    reason = bowl.run(optimizer)
    for name, part in bowl.parts.items():
        np.testing.assert_allclose(part.value, bowl.minimum[name], atol=2e-3)
        assert part.value.dtype == dtype
    assert optimizer.steps == len(bowl.path) > 1
    assert reason
    losses = [loss for loss, _ in bowl.path]
    assert losses == sorted(losses, reverse=True)
    assert np.array_equal(bowl.path[-1][1], bowl.vector.values)


@pytest.mark.parametrize("method", METHODS)
def test_the_path_is_scipys(method):
    bowl, flat = Bowl(), Bowl()
    names = list(flat.parts)

    def loss(x):
        for name, part in zip(names, np.split(x, [3, 9]), strict=True):
            flat.parts[name].value[...] = part.reshape(flat.parts[name].shape)
        total = flat.evaluate()
        return total, np.concatenate([flat.parts[name].grad.ravel() for name in names])

    start = np.concatenate([flat.parts[name].value.ravel() for name in names])
    path = []
    found = scipy.optimize.minimize(
        loss, start, jac=True, method=method, callback=lambda x: path.append(x.copy()),
        options={"maxfun": 10**6} if method == "TNC" else {},
    )  # fmt: skip
    calls = flat.calls
    bowl.run(LBFGS(method))
    if method in ("L-BFGS-B", "BFGS", "CG", "SLSQP"):  # whose last evaluation is where they arrive
        assert bowl.calls == calls
    assert len(bowl.path) == len(path) > 1
    for (value, values), x in zip(bowl.path, path, strict=True):
        bowl.vector.values[...] = values
        ours = np.concatenate([bowl.parts[name].value.ravel() for name in names])
        np.testing.assert_array_equal(ours, x)
        assert value == loss(x)[0]
    np.testing.assert_array_equal(path[-1], found.x)


@pytest.mark.parametrize("method", METHODS)
def test_frozen_parts_and_padding_stay(method):
    bowl = Bowl(frozen=("weight",))
    before = bowl.parts["weight"].value.copy()
    bowl.run(LBFGS(method))
    np.testing.assert_array_equal(bowl.parts["weight"].value, before)
    np.testing.assert_allclose(bowl.parts["last"].value, bowl.minimum["last"], atol=1e-3)
    for part in bowl.parts.values():
        part.value[...] = 0
    assert not bowl.vector.values.any()  # and with that, the numbers between them


@pytest.mark.parametrize("method", METHODS)
def test_so_many_iterations_at_most(method):
    bowl = Bowl()
    stops = bowl.arrived
    bowl.arrived = lambda loss: stops(loss) and len(bowl.path) < 2
    assert bowl.run(LBFGS(method)) == ""
    assert len(bowl.path) == 2
    bowl = Bowl()
    optimizer = LBFGS(method)
    bowl.run(optimizer, iterations=2)
    if method != "TNC":  # which knows calls only
        assert optimizer.steps == 2


@pytest.mark.parametrize("method", METHODS)
def test_an_error_on_the_way_leaves_the_values_of_the_last_iteration(method):
    bowl = Bowl()
    whole = bowl.evaluate

    def evaluate():
        if len(bowl.path) == 2:
            raise KeyboardInterrupt
        return whole()

    bowl.evaluate = evaluate
    with pytest.raises(KeyboardInterrupt):
        bowl.run(LBFGS(method))
    np.testing.assert_array_equal(bowl.vector.values, bowl.path[-1][1])


def test_a_method_may_look_further_than_it_goes(monkeypatch):
    def minimize(loss, start, *, callback, **options):
        for far in (0, 1, 2):
            loss(start + far)
        callback(start + 1)
        return scipy.optimize.OptimizeResult(message="enough")

    monkeypatch.setattr(scipy.optimize, "minimize", minimize)
    bowl = Bowl()
    assert bowl.run(LBFGS()) == "enough"
    ((loss, values),) = bowl.path
    assert loss == bowl.evaluate()  # at the values that are left
    np.testing.assert_array_equal(bowl.vector.values, values)


def test_options_reach_scipy():
    few, many = Bowl(), Bowl()
    few.run(LBFGS(gtol=1.0))
    many.run(LBFGS(gtol=1e-9, ftol=0.0, maxcor=3))
    assert len(few.path) < len(many.path)
    rough = Bowl()
    rough.run(LBFGS("CG", tolerance=1.0))
    assert len(rough.path) < len(many.path)


def test_a_net_without_anything_to_train_is_refused():
    bowl = Bowl(frozen=("bias", "weight", "last"))
    with pytest.raises(ConfigurationError, match="LBFGS: expected a parameter that is not frozen, got none"):
        bowl.run(LBFGS())


def test_what_is_frozen_stays_so_until_the_end():
    bowl = Bowl()

    def freeze(loss):
        bowl.parts["last"].frozen = True
        return True

    bowl.arrived = freeze
    with pytest.raises(StateError, match="the same parameters frozen until the end, got others; freeze them"):
        bowl.run(LBFGS())


def test_a_single_step_is_refused():
    bowl = Bowl()
    with pytest.raises(StateError, match=r"Trainer\(net, LBFGS\(\)\).fit\(train, epochs=100\)"):
        LBFGS().step(bowl.vector)


@pytest.mark.parametrize(
    ("args", "options", "text"),
    [
        (("Nelder-Mead",), {}, "LBFGS: expected method to be one of 'L-BFGS-B', 'BFGS', 'CG'"),
        ((0.1,), {}, "LBFGS: expected method to be one of"),
        ((), {"tolerance": 0}, "tolerance to be a finite number > 0"),
        ((), {"maxiter": 9}, "expected no option maxiter, got 9; give fit(epochs=...)"),
    ],
)
def test_arguments_are_checked(args, options, text):
    with pytest.raises(ConfigurationError) as error:
        LBFGS(*args, **options)
    assert text in str(error.value)


def test_repr():
    assert repr(LBFGS(maxcor=20)) == "LBFGS('L-BFGS-B', tolerance=None, maxcor=20)"
