"""Mutants of AdamW, RMSprop and Adagrad; those of Adam itself stand in `moments`."""

import numpy as np

from minidl.optimizers import Adagrad, AdamW, RMSprop
from tests.mutants.registry import optimizer

DECAYS = {"args": (0.1,), "skip": ["zero_gradient"]}


@optimizer("the decay goes into the gradients", "gradients_read_only", **DECAYS)
class DecaysGradients(AdamW):
    def step(self, parameters, factor=1.0):
        part = parameters.regularized
        parameters.gradients[part] += self.weight_decay * parameters.values[part]
        super().step(parameters, factor)


@optimizer("the decay is not multiplied by the rate", "learning_rate", **DECAYS)
class DecaysAtFullRate(AdamW):
    def step(self, parameters, factor=1.0):
        for part in parameters.penalized:
            parameters.values[part] *= 1 - self.weight_decay
        super().step(parameters, factor)


@optimizer("the decay takes the rate without the schedule", "learning_rate", **DECAYS)
class DecaysPastTheSchedule(AdamW):
    def step(self, parameters, factor=1.0):
        for part in parameters.penalized:
            parameters.values[part] *= 1 - self.weight_decay * self.lr
        super().step(parameters, factor)


@optimizer("frozen parameters are decayed, too", "frozen_parameters", **DECAYS)
class DecaysFrozen(AdamW):
    def step(self, parameters, factor=1.0):
        parameters.values *= 1 - self.weight_decay * self.lr * factor
        super().step(parameters, factor)

    def update(self, *vectors, regularized, **state):
        super().update(*vectors, regularized=False, **state)


@optimizer(
    "the decay comes a step late, and belongs to no state", "learning_rate", "state_round_trip", **DECAYS
)
class DecaysLater(AdamW):
    owed = 0.0

    def step(self, parameters, factor=1.0):
        for part in parameters.penalized:
            parameters.values[part] -= self.owed
        super().step(parameters, factor)
        values = np.concatenate([parameters.values[part] for part in parameters.penalized])
        self.owed = factor * self.lr * self.weight_decay * values


class _Squares(RMSprop):
    """RMSprop as its formula has it."""

    def scaled(self, gradients, mean_square):
        mean_square[...] = self.alpha * mean_square + (1 - self.alpha) * gradients**2
        return gradients / (np.sqrt(mean_square) + self.eps)

    def update(self, values, gradients, lr, mean_square, velocity=None):
        step = self.scaled(gradients, mean_square)
        if velocity is not None:
            velocity[...] = step = self.momentum * velocity + step
        values -= lr * step


@optimizer("one mean square for the whole vector", "every_number", "frozen_parameters")
class OneMeanSquare(_Squares):
    def scaled(self, gradients, mean_square):
        scaled = super().scaled(gradients, mean_square)
        mean_square[...] = mean_square.mean()
        return scaled


@optimizer("divides by the mean square and not by its root", "descends")
class WithoutRoot(_Squares):
    def scaled(self, gradients, mean_square):
        mean_square[...] = self.alpha * mean_square + (1 - self.alpha) * gradients**2
        return gradients / (mean_square + self.eps)


@optimizer("the rate goes into the velocity", "learning_rate", args=(0.1, 0.99, 1e-8, 0.5))
class RateInGathered(_Squares):
    def update(self, values, gradients, lr, mean_square, velocity):
        velocity[...] = self.momentum * velocity + lr * self.scaled(gradients, mean_square)
        values -= velocity


@optimizer("the velocity is not taken up from a state", "state_round_trip", args=(0.1, 0.99, 1e-8, 0.5))
class LosesVelocity(_Squares):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        self._state.pop("velocity", None)


@optimizer("the sum is the optimizer's own, and no state", "state_in_place", "state_round_trip")
class HiddenSum(Adagrad):
    squares = 0.0

    def update(self, values, gradients, lr, sum_of_squares, missed=0):
        self.squares = self.squares + gradients**2
        values -= lr * gradients / (np.sqrt(self.squares) + self.eps)


@optimizer("the sum is that of all instances", "deterministic")
class SharedSum(Adagrad):
    squares = {}  # noqa: RUF012

    def update(self, values, gradients, lr, sum_of_squares, missed=0):
        total = self.squares[values.size] = self.squares.get(values.size, 0.0) + gradients**2
        values -= (lr * gradients / (np.sqrt(total) + self.eps)).astype(values.dtype)


@optimizer("the step is rounded to float32", "precision", "dtype", args=(0.1, 0.0, 0.5))
class NarrowAdagrad(Adagrad):
    def update(self, values, gradients, lr, sum_of_squares, missed=0):
        sum_of_squares += gradients**2
        values -= (lr * gradients / np.sqrt(0.5 + sum_of_squares)).astype(np.float32)


@optimizer("the decay of the rate is written into it", "learning_rate", args=(0.1, 0.1))
class DecaysItsOwnRate(Adagrad):
    def update(self, values, gradients, lr, sum_of_squares, missed=0):
        super().update(values, gradients, lr, sum_of_squares, missed)
        self.lr /= 1 + self.lr_decay
