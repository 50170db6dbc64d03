"""Optimizers and schedulers with one slip each, and the clause that names it."""

import numpy as np

from minidl import SGD, Scheduler, StepDecay


class Ascends(SGD):
    def step(self, parameters):
        parameters.gradients[...] *= -1
        super().step(parameters)
        parameters.gradients[...] *= -1


class ScalesGradients(SGD):
    def step(self, parameters):
        parameters.gradients[...] *= 0.5
        super().step(parameters)


class ReplacesValues(SGD):
    def step(self, parameters):
        parameters.values = parameters.values - self.lr * parameters.gradients


class FirstBlock(SGD):
    def step(self, parameters):
        block = slice(65_536)
        parameters.values[block] -= self.lr * parameters.gradients[block]


class FixedRate(SGD):
    def step(self, parameters):
        self.lr, lr = self.base_lr, self.lr
        super().step(parameters)
        self.lr = lr


class ForgetsVelocity(SGD):
    def state_dict(self):
        return super().state_dict() | {"velocity": None}


class LendsState(SGD):
    def state_dict(self):
        return {"lr": self.lr, "velocity": self._velocity}


class Noisy(SGD):
    def step(self, parameters):
        super().step(parameters)
        parameters.values += 1e-9


_VELOCITIES = {}


class SharedVelocity(SGD):
    def step(self, parameters):
        held = _VELOCITIES.setdefault(parameters.values.size, np.zeros_like(parameters.values))
        held[...] = 0.9 * held + parameters.gradients
        parameters.values[...] -= self.lr * held


class HoldsSchedule(SGD):
    def __init__(self, lr):
        super().__init__(lr)
        self.warm = lambda step: min(step / 10, 1)


class RoundsFloat32(SGD):
    def step(self, parameters):
        rounded = parameters.values.astype(np.float16)
        if parameters.values.dtype == np.float32:
            parameters.values[...] = rounded
        super().step(parameters)


class NarrowStep(SGD):
    def step(self, parameters):
        parameters.values[...] -= (self.lr * parameters.gradients).astype(np.float32)


WRONG_OPTIMIZERS = [
    ("precision", lambda: NarrowStep(0.1)),
    ("descends", lambda: Ascends(0.1)),
    ("gradients_read_only", lambda: ScalesGradients(0.1)),
    ("values_in_place", lambda: ReplacesValues(0.1)),
    ("every_number", lambda: FirstBlock(0.1)),
    ("learning_rate", lambda: FixedRate(0.1)),
    ("state_round_trip", lambda: ForgetsVelocity(0.1, 0.9)),
    ("state_round_trip", lambda: LendsState(0.1, 0.9)),
    ("padding_stays_zero", lambda: Noisy(0.1)),
    ("zero_gradient", lambda: Noisy(0.1)),
    ("deterministic", lambda: SharedVelocity(0.1)),
    ("copies", lambda: HoldsSchedule(0.1)),
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
