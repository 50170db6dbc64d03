"""Mutants of optimizers."""

import numpy as np

from minidl import SGD
from tests.mutants.bases import Momentum
from tests.mutants.registry import optimizer
from tests.testing.correct import Adam


@optimizer("the velocity is subtracted without the rate", "learning_rate", args=(0.1, 0.5))
class IgnoresRate(Momentum):
    def step(self, parameters):
        before = parameters.values.copy()
        super().step(parameters)
        parameters.values[...] = before - 0.1 * self.velocity


@optimizer("adds where it should subtract", "descends")
class GoesUp(Momentum):
    def step(self, parameters):
        before = parameters.values.copy()
        super().step(parameters)
        parameters.values[...] = 2 * before - parameters.values


@optimizer("the velocity lives on the class", "deterministic", "copies", "state_round_trip")
class ClassVelocity(Momentum):
    held = np.zeros(4096)

    def step(self, parameters):
        n = parameters.values.size
        if n <= 4096:
            self.velocity = self.held[:n].astype(parameters.values.dtype, copy=False)
        super().step(parameters)


@optimizer("the velocity is the array of the gradients", "gradients_read_only")
class VelocityIsGradient(Momentum):
    def step(self, parameters):
        if self.velocity is None:
            self.velocity = parameters.gradients
        super().step(parameters)


@optimizer("clips the gradients in place", "gradients_read_only")
class ClipsInPlace(SGD):
    def step(self, parameters):
        np.clip(parameters.gradients, -0.5, 0.5, out=parameters.gradients)
        super().step(parameters)


@optimizer("replaces each parameter's array", "values_in_place")
class ReplacesEach(SGD):
    def step(self, parameters):
        for parameter in dict(parameters.items()).values():
            parameter._value = parameter.value - self.lr * parameter.grad


@optimizer("replaces the vector by a new one", "values_in_place")
class ReplacesVector(SGD):
    def step(self, parameters):
        super().step(parameters)
        parameters.values = parameters.values.copy()


@optimizer("steps the weights and leaves the biases", "every_number", "values_in_place")
class WeightsOnly(SGD):
    def step(self, parameters):
        part = parameters.regularized
        parameters.values[part] -= self.lr * parameters.gradients[part]


@optimizer("steps the first block, then forgets the momentum of the others", "every_number", args=(0.1, 0.9))
class FirstBlockOfVelocity(SGD):
    def step(self, parameters):
        super().step(parameters)
        if self._velocity is not None:
            self._velocity[65_536:] = 0


@optimizer("the rate is that of construction", "learning_rate", "state_round_trip")
class CachesRate(Momentum):
    def __init__(self, lr, momentum=0.9):
        super().__init__(lr, momentum)
        self.rate = lr

    def step(self, parameters):
        self.lr, lr = self.rate, self.lr
        super().step(parameters)
        self.lr = lr


@optimizer("decays its own rate", "learning_rate")
class DecaysItsRate(SGD):
    def step(self, parameters):
        super().step(parameters)
        self.lr *= 0.999


@optimizer("the rate enters the velocity: a change of rate comes late", "learning_rate")
class RateInVelocity(Momentum):
    def step(self, parameters):
        if self.velocity is None:
            self.velocity = np.zeros_like(parameters.values)
        self.velocity[...] = self.momentum * self.velocity + self.lr * parameters.gradients
        parameters.values[...] -= self.velocity


@optimizer("the state lends its arrays", "state_round_trip")
class LendsItsState(Momentum):
    def state_dict(self):
        return {"lr": self.lr, "velocity": self.velocity}


@optimizer("takes over the arrays of a state", "state_round_trip")
class TakesOverState(Momentum):
    def load_state_dict(self, state):
        self.lr, self.velocity = state["lr"], state["velocity"]


@optimizer("the step's number is not in the state", "state_round_trip")
class ForgetsTheCount(Adam):
    def state_dict(self):
        return super().state_dict() | {"count": 0}


@optimizer("the rate is not in the state", "state_round_trip")
class ForgetsTheRate(Momentum):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.lr = self.base_lr


@optimizer("second moments are those of the whole vector", "every_number")
class OneMomentForAll(Adam):
    def step(self, parameters):
        super().step(parameters)
        self.second[...] = self.second.mean()


@optimizer("decays the weights behind the user's back", "zero_gradient")
class HiddenDecay(SGD):
    def step(self, parameters):
        parameters.values[...] *= 1 - 0.01 * self.lr
        super().step(parameters)


@optimizer("adds noise of NumPy's global stream", "deterministic", "zero_gradient")
class GlobalNoise(SGD):
    def step(self, parameters):
        super().step(parameters)
        parameters.values[...] += 1e-6 * np.random.standard_normal(parameters.values.size)  # noqa: NPY002


@optimizer("0 / 0 in the padding", "padding_stays_zero")
class NanPadding(Adam):
    def step(self, parameters):
        used = parameters.values != 0
        super().step(parameters)
        parameters.values[~used] = np.nan


@optimizer("rounds its update to float32", "precision", "dtype")
class NarrowUpdate(SGD):
    def step(self, parameters):
        parameters.values[...] -= (self.lr * parameters.gradients).astype(np.float32)


@optimizer("holds the first net's vector and steps that one", "gradients_read_only", "deterministic")
class HoldsFirstVector(SGD):
    def step(self, parameters):
        self.held = getattr(self, "held", parameters)
        super().step(self.held)


@optimizer(
    "Nesterov's form where plain momentum is asked for, and the other way round", "nesterov", args=(0.1, 0.9)
)
class NesterovSwapped(SGD):
    def step(self, parameters):
        self.nesterov = not self.nesterov
        super().step(parameters)
        self.nesterov = not self.nesterov
