"""Mutants of optimizers."""

import numpy as np

from minidl import SGD
from tests.mutants.bases import Momentum
from tests.mutants.registry import optimizer
from tests.testing.correct import Adam
from tests.testing.references import sgd


@optimizer("the velocity is subtracted without the rate", "learning_rate", args=(0.1, 0.5))
class IgnoresRate(Momentum):
    def update(self, values, gradients, lr, velocity):
        super().update(values, gradients, 0.1, velocity)


@optimizer("the velocity is computed and not written", "state_in_place")
class ForgetsToWrite(Momentum):
    def update(self, values, gradients, lr, velocity):
        super().update(values, gradients, lr, velocity.copy())


@optimizer("the values are computed and not written", "values_in_place")
class RebindsValues(SGD):
    def update(self, values, gradients, lr):
        values = values - lr * gradients


@optimizer("adds where it should subtract", "descends")
class GoesUp(Momentum):
    def update(self, values, gradients, lr, velocity):
        super().update(values, gradients, -lr, velocity)


@optimizer("the velocity lives on the class", "deterministic", "copies", "state_round_trip")
class ClassVelocity(Momentum):
    held = np.zeros(4096)

    def update(self, values, gradients, lr, velocity):
        if values.size <= 4096:
            velocity = self.held[: values.size].astype(values.dtype, copy=False)
        super().update(values, gradients, lr, velocity)


@optimizer("the velocity is the array of the gradients", "gradients_read_only")
class VelocityIsGradient(Momentum):
    def step(self, parameters, factor=1.0):
        self._state.setdefault("velocity", parameters.gradients)
        super().step(parameters, factor)


@optimizer("keeps the gradients' array without writing to it", "gradients_read_only")
class KeepsTheGradients(SGD):
    def update(self, values, gradients, lr):
        super().update(values, gradients, lr)
        self.latest = gradients


@optimizer("clips the gradients in place", "gradients_read_only")
class ClipsInPlace(SGD):
    def update(self, values, gradients, lr):
        np.clip(gradients, -0.5, 0.5, out=gradients)
        super().update(values, gradients, lr)


@optimizer("replaces each parameter's array", "values_in_place")
class ReplacesEach(SGD):
    def step(self, parameters, factor=1.0):
        for parameter in dict(parameters.items()).values():
            stepped = parameter.value - self.lr * factor * parameter.grad
            object.__setattr__(parameter, "value", stepped)


@optimizer("replaces the vector by a new one", "values_in_place")
class ReplacesVector(SGD):
    def step(self, parameters, factor=1.0):
        super().step(parameters, factor)
        parameters.values = parameters.values.copy()


@optimizer("steps the weights and leaves the biases", "every_number", "values_in_place")
class WeightsOnly(SGD):
    def step(self, parameters, factor=1.0):
        part = parameters.regularized
        parameters.values[part] -= self.lr * factor * parameters.gradients[part]


@optimizer("steps the first block, then forgets the momentum of the others", "every_number", args=(0.1, 0.9))
class FirstBlockOfVelocity(SGD):
    def update(self, values, gradients, lr, velocity):
        super().update(values, gradients, lr, velocity)
        velocity[65_536:] = 0


@optimizer("the rate is that of construction", "learning_rate", "state_round_trip")
class CachesRate(Momentum):
    def __init__(self, lr, momentum=0.9):
        super().__init__(lr, momentum)
        self.rate = lr

    def update(self, values, gradients, lr, velocity):
        super().update(values, gradients, self.rate, velocity)


@optimizer("the schedule's factor is not used", "learning_rate")
class DropsTheFactor(Momentum):
    def step(self, parameters, factor=1.0):
        super().step(parameters)


@optimizer("the schedule's factor is written into the rate", "learning_rate")
class KeepsTheFactor(Momentum):
    def step(self, parameters, factor=1.0):
        self.lr *= factor
        super().step(parameters)


@optimizer("decays its own rate", "learning_rate")
class DecaysItsRate(SGD):
    def step(self, parameters, factor=1.0):
        super().step(parameters, factor)
        self.lr *= 0.999


@optimizer("the rate enters the velocity: a change of rate comes late", "learning_rate")
class RateInVelocity(Momentum):
    def update(self, values, gradients, lr, velocity):
        velocity[...] = self.momentum * velocity + lr * gradients
        values -= velocity


@optimizer("the state lends its arrays", "state_round_trip")
class LendsItsState(Momentum):
    def state_dict(self):
        return super().state_dict() | self._state


@optimizer("takes over the arrays of a state", "state_round_trip")
class TakesOverState(Momentum):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        self._state = {"velocity": state["velocity"]}


@optimizer("the step's number is not in the state", "state_round_trip")
class ForgetsTheCount(Adam):
    def state_dict(self):
        return super().state_dict() | {"steps": 0}


@optimizer("the rate is not in the state", "state_round_trip")
class ForgetsTheRate(Momentum):
    def load_state_dict(self, state):
        super().load_state_dict(state | {"lr": self.lr})


@optimizer("takes its state along to another net", "one_net")
class TakesStateAlong(Momentum):
    def _bind(self, parameters):
        self._parameters = None
        super()._bind(parameters)


@optimizer("a frozen parameter goes on by its momentum", "frozen_parameters")
class MovesFrozen(Momentum):
    def _bind(self, parameters):
        super()._bind(parameters)
        self._views = [(parameters.values, parameters.gradients, self._state)]


@optimizer("forgets the momentum whenever something is frozen", "frozen_parameters")
class ForgetsWhenFrozen(Momentum):
    def _bind(self, parameters):
        if any(parameter.frozen for _, parameter in parameters.items()):
            self._state.clear()
        super()._bind(parameters)


@optimizer("second moments are those of the whole vector", "every_number")
class OneMomentForAll(Adam):
    def update(self, values, gradients, lr, first, second):
        super().update(values, gradients, lr, first, second)
        second[...] = second.mean()


@optimizer("decays the weights behind the user's back", "zero_gradient")
class HiddenDecay(SGD):
    def update(self, values, gradients, lr):
        values *= 1 - 0.01 * lr
        super().update(values, gradients, lr)


@optimizer("adds noise of NumPy's global stream", "deterministic", "zero_gradient")
class GlobalNoise(SGD):
    def update(self, values, gradients, lr):
        super().update(values, gradients, lr)
        values += 1e-6 * np.random.standard_normal(values.size)  # noqa: NPY002


@optimizer("0 / 0 in the padding", "padding_stays_zero")
class NanPadding(Adam):
    def update(self, values, gradients, lr, first, second):
        used = values != 0
        super().update(values, gradients, lr, first, second)
        values[~used] = np.nan


@optimizer("rounds its update to float32", "precision", "dtype")
class NarrowUpdate(SGD):
    def update(self, values, gradients, lr):
        values -= (lr * gradients).astype(np.float32)


@optimizer("holds the first net's vector and steps that one", "gradients_read_only", "deterministic")
class HoldsFirstVector(SGD):
    def step(self, parameters, factor=1.0):
        self.held = getattr(self, "held", parameters)
        super().step(self.held, factor)


@optimizer(
    "Nesterov's form where plain momentum is asked for, and the other way round", "optimizer_reference",
    args=(0.1, 0.9), reference=sgd(0.1, 0.9),
)  # fmt: skip
class NesterovSwapped(SGD):
    def update(self, values, gradients, lr, velocity):
        self.nesterov = not self.nesterov
        super().update(values, gradients, lr, velocity)
        self.nesterov = not self.nesterov
