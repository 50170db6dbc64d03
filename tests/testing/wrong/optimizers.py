"""Optimizers and schedulers with one slip each, and the clause that names it."""

import numpy as np

from minidl import SGD, Optimizer, Scheduler, StepDecay


class Ascends(SGD):
    def update(self, values, gradients, lr):
        super().update(values, -gradients, lr)


class ScalesGradients(SGD):
    def update(self, values, gradients, lr):
        gradients *= 0.5
        super().update(values, gradients, lr)


class ReplacesValues(SGD):
    def step(self, parameters, factor=1.0):
        parameters.values = parameters.values - self.lr * factor * parameters.gradients


class RebindsState(Optimizer):
    state_names = ("velocity",)

    def update(self, values, gradients, lr, velocity):
        velocity = 0.5 * velocity + gradients
        values -= lr * velocity


class FirstBlock(SGD):
    def update(self, values, gradients, lr):
        block = slice(65_536)
        values[block] -= lr * gradients[block]


class FixedRate(SGD):
    def update(self, values, gradients, lr):
        super().update(values, gradients, 0.1)


class IgnoresFactor(SGD):
    def step(self, parameters, factor=1.0):
        super().step(parameters)


class ForgetsVelocity(SGD):
    def state_dict(self):
        return super().state_dict() | {"velocity": None}


class LendsState(SGD):
    def state_dict(self):
        return super().state_dict() | self._state


class Noisy(SGD):
    def update(self, values, gradients, lr):
        super().update(values, gradients, lr)
        values += 1e-9


_VELOCITIES = {}


class SharedVelocity(SGD):
    def update(self, values, gradients, lr):
        held = _VELOCITIES.setdefault(values.size, np.zeros_like(values))
        held[...] = 0.9 * held + gradients
        values -= lr * held


class HoldsSchedule(SGD):
    def __init__(self, lr):
        super().__init__(lr)
        self.warm = lambda step: min(step / 10, 1)


class RoundsFloat32(SGD):
    def update(self, values, gradients, lr):
        if values.dtype == np.float32:
            values[...] = values.astype(np.float16)
        super().update(values, gradients, lr)


class NarrowStep(SGD):
    def update(self, values, gradients, lr):
        values -= (lr * gradients).astype(np.float32)


class OneVelocityForAll(SGD):
    """Keeps a state that the base class does not know, and so never gives up."""

    velocity = 0.0

    def update(self, values, gradients, lr):
        self.velocity = 0.9 * self.velocity + gradients
        values -= lr * self.velocity

    def state_dict(self):
        return super().state_dict() | {"velocity": np.copy(self.velocity)}

    def load_state_dict(self, state):
        self.velocity = np.copy(state["velocity"])
        super().load_state_dict({name: state[name] for name in ("lr", "steps")})


class MovesFrozen(SGD):
    """Walks the whole vectors, where it should walk what trains."""

    def step(self, parameters, factor=1.0):
        self._bind(parameters)
        self.update(parameters.values, parameters.gradients, self.lr * factor, **self._state)
        self.steps += 1


WRONG_OPTIMIZERS = [
    ("precision", lambda: NarrowStep(0.1)),
    ("descends", lambda: Ascends(0.1)),
    ("gradients_read_only", lambda: ScalesGradients(0.1)),
    ("values_in_place", lambda: ReplacesValues(0.1)),
    ("state_in_place", lambda: RebindsState(0.1)),
    ("every_number", lambda: FirstBlock(0.1)),
    ("learning_rate", lambda: FixedRate(0.1)),
    ("learning_rate", lambda: IgnoresFactor(0.1)),
    ("state_round_trip", lambda: ForgetsVelocity(0.1, 0.9)),
    ("state_round_trip", lambda: LendsState(0.1, 0.9)),
    ("padding_stays_zero", lambda: Noisy(0.1)),
    ("zero_gradient", lambda: Noisy(0.1)),
    ("deterministic", lambda: SharedVelocity(0.1)),
    ("copies", lambda: HoldsSchedule(0.1)),
    ("one_net", lambda: OneVelocityForAll(0.1)),
    ("frozen_parameters", lambda: MovesFrozen(0.1, 0.9)),
    ("dtype", lambda: RoundsFloat32(0.1)),
]


class Counts(Scheduler):
    def __init__(self):
        self.value = 1.0

    def factor(self, epoch, step):
        self.value *= 0.99
        return self.value


class Negative(Scheduler):
    def factor(self, epoch, step):
        return 1.0 - step / 100


class Undefined(StepDecay):
    def factor(self, epoch, step):
        return 1.0 / step if step else float("inf")


class Wide(StepDecay):
    def factor(self, epoch, step):
        return np.float64(super().factor(epoch, step))


class PlainIntegers(StepDecay):
    def factor(self, epoch, step):
        return super().factor(epoch, step) if isinstance(epoch, int) else 1.0


class DropsTheOther(StepDecay):
    def __mul__(self, other):
        return self


class HoldsFunction(StepDecay):
    def __init__(self):
        super().__init__()
        self.function = lambda epoch: 0.95**epoch


WRONG_SCHEDULERS = [
    ("closed_form", Counts),
    ("keeps_no_state", Counts),
    ("finite_and_not_negative", Negative),
    ("finite_and_not_negative", Undefined),
    ("finite_and_not_negative", Wide),
    ("takes_integers", PlainIntegers),
    ("composes", DropsTheOther),
    ("copies", HoldsFunction),
]
