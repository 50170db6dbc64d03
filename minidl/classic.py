"""The classic two-layer net."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import (
    as_generator,
    check_array,
    check_bool,
    check_float,
    check_int,
    check_shape,
)
from minidl.data import Dataset
from minidl.errors import ShapeError
from minidl.initializers import normal
from minidl.kernels.rows import take_rows
from minidl.layers import Affine, ReLU, Sequential
from minidl.losses import SoftmaxCrossEntropy
from minidl.optimizers import SGD
from minidl.regularizers import L2
from minidl.training.evaluation import measure
from minidl.training.step import compute_gradients, update
from minidl.types import Array, Rng

if TYPE_CHECKING:
    import numpy.typing as npt


_CLASSIC = {"W1": "affine0.weight", "b1": "affine0.bias", "W2": "affine1.weight", "b2": "affine1.bias"}
"""The classic names of the parameters."""


class TwoLayerNet:
    """The classic two-layer net's interface over minidl's layers.

    It draws, counts and decays as the classic NumPy program does, so that both walk the same path
    from the same generator: ``W1``, then ``W2`` as ``std * rng.standard_normal(shape)``, each
    minibatch as ``rng.choice(num_train, batch_size)``.

    Parameters
    ----------
    input_size, hidden_size, num_classes : int
        D, H and C.
    std : float
        Standard deviation of the initial weights; biases start at 0.
    dtype : float64 or float32
    rng : Generator, RandomState, seed or None
        Draws the weights and the minibatches.

    Attributes
    ----------
    net : Sequential
        The layers.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_classes: int,
        std: float = 1e-4,
        *,
        dtype: npt.DTypeLike = np.float64,
        rng: Rng = None,
    ) -> None:
        self.rng = as_generator(rng)
        options = {"rng": self.rng, "dtype": dtype, "initializer": normal(std)}
        self.net = Sequential(
            Affine(input_size, hidden_size, **options),
            ReLU(),
            Affine(hidden_size, num_classes, **options),
            SoftmaxCrossEntropy(),
        )

    @property
    def params(self) -> dict[str, Array]:
        """``W1 (D, H)``, ``b1 (H,)``, ``W2 (H, C)``, ``b2 (C,)``: the net's own arrays.

        Writable in place, and by item: ``net.params["W1"] = other`` copies `other` into it.
        """
        return _Arrays({name: self.net.parameters[path].value for name, path in _CLASSIC.items()})

    def loss(self, X: npt.ArrayLike, y: npt.ArrayLike | None = None, reg: float = 0.0) -> Any:  # noqa: N803
        """Scores (N, C) where `y` is None, else the loss and a dict of its gradients, copies.

        The loss is ``mean(-log p[y]) + reg * (sum(W1²) + sum(W2²))``.
        """
        if y is None:
            return self.net(X)
        loss = self.net.loss_and_gradients(X, y) + L2(reg).add_gradients(self.net.parameters)
        return loss, {name: self.net.parameters[path].grad.copy() for name, path in _CLASSIC.items()}

    def train(
        self,
        X: npt.ArrayLike,  # noqa: N803
        y: npt.ArrayLike,
        X_val: npt.ArrayLike,  # noqa: N803
        y_val: npt.ArrayLike,
        learning_rate: float = 1e-3,
        learning_rate_decay: float = 0.95,
        reg: float = 5e-6,
        num_iters: int = 100,
        batch_size: int = 200,
        verbose: bool = False,
    ) -> dict[str, list[float]]:
        """Minibatch SGD as the classic program has it.

        After iteration 0 and then once every ``max(num_train // batch_size, 1)`` iterations it
        records the accuracies, on that minibatch and on the validation set, and decays the rate.

        Returns
        -------
        dict
            ``loss_history`` (one number an iteration), ``train_acc_history``, ``val_acc_history``.
        """
        train, validation = Dataset(X, y), Dataset(X_val, y_val)
        batch_size = check_int("train", "batch_size", batch_size, at_least=1)
        decay = check_float("train", "learning_rate_decay", learning_rate_decay, above=0)
        check_bool("train", "verbose", verbose)
        check_shape("train", "a batch", (batch_size, *train.sample_shape))
        optimizer, penalty = SGD(learning_rate), L2(reg)
        epoch = max(len(train) // batch_size, 1)
        losses: list[float] = []
        train_accuracies: list[float] = []
        validation_accuracies: list[float] = []
        for iteration in range(check_int("train", "num_iters", num_iters, at_least=0)):
            batch = self.rng.choice(len(train), batch_size)
            features, labels = take_rows(train.features, batch), train.targets[batch]
            with np.errstate(over="ignore", invalid="ignore"):
                loss, _, _, squares = compute_gradients(self.net, features, labels, regularizer=penalty)
            update(self.net, optimizer, loss, iteration, squares=squares)
            losses.append(loss)
            if verbose and iteration % 100 == 0:
                print(f"iteration {iteration} / {num_iters}: loss {loss:f}")
            if iteration % epoch == 0:
                train_accuracies.append(float(np.mean(self.predict(features) == labels)))
                validation_accuracies.append(measure(self.net, validation)["accuracy"])
                optimizer.lr *= decay
        return {
            "loss_history": losses,
            "train_acc_history": train_accuracies,
            "val_acc_history": validation_accuracies,
        }

    def predict(self, X: npt.ArrayLike) -> Array:  # noqa: N803
        """Labels (N,); `DivergedError` where scores are not finite, for they name no class."""
        return self.net.predict(X)


class _Arrays(dict[str, Array]):
    """A net's arrays by name; assigning an item copies into the array, which stays the net's."""

    def __setitem__(self, name: str, value: npt.ArrayLike) -> None:
        value = check_array("TwoLayerNet", name, value)
        if value.shape != self[name].shape:
            raise ShapeError.expected("TwoLayerNet", f"{name} of shape {self[name].shape}", value.shape)
        self[name][...] = value
