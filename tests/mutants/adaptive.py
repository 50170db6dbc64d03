"""Mutants of the optimizers that scale each step by the sizes of the gradients so far."""

import copy

import numpy as np

from minidl.optimizers import Adagrad, Adam, AdamW, RMSprop
from tests.mutants.registry import optimizer

DECAYS = {"args": (0.1,), "skip": ["zero_gradient"]}


class _Textbook(Adam):
    """Adam as its formula has it, in parts that a mutant can replace."""

    def moments(self, gradients, first, second):
        first[...] = self.betas[0] * first + (1 - self.betas[0]) * gradients
        second[...] = self.betas[1] * second + (1 - self.betas[1]) * gradients**2

    def count(self):
        return self.steps + 1

    def length(self, first, second):
        t = self.count()
        mean, square = first / (1 - self.betas[0] ** t), second / (1 - self.betas[1] ** t)
        return mean / (np.sqrt(square) + self.eps)

    def update(self, values, gradients, lr, first_moment, second_moment, missed=0):
        self.moments(gradients, first_moment, second_moment)
        values -= lr * self.length(first_moment, second_moment)


@optimizer("no eps: 0 / 0 where there never was a gradient", "padding_stays_zero")
class NoEps(_Textbook):
    @np.errstate(invalid="ignore")
    def length(self, first, second):
        t = self.count()
        return first / (1 - self.betas[0] ** t) / np.sqrt(second / (1 - self.betas[1] ** t))


@optimizer("no correction of the means' start at 0", "bias_correction")
class NoCorrection(_Textbook):
    def count(self):
        return 10**6


@optimizer("goes up", "descends")
class AdamUp(_Textbook):
    def length(self, first, second):
        return -super().length(first, second)


@optimizer("squares the gradients where they are", "gradients_read_only")
class SquaresInPlace(_Textbook):
    def moments(self, gradients, first, second):
        first[...] = self.betas[0] * first + (1 - self.betas[0]) * gradients
        np.multiply(gradients, gradients, out=gradients)
        second[...] = self.betas[1] * second + (1 - self.betas[1]) * gradients


@optimizer("names a new array, and the values stay", "values_in_place")
class NamesNewValues(_Textbook):
    def update(self, values, gradients, lr, first_moment, second_moment, missed=0):
        self.moments(gradients, first_moment, second_moment)
        values = values - lr * self.length(first_moment, second_moment)


@optimizer("the moments live on the class", "deterministic")
class ClassMoments(_Textbook):
    held = {}  # noqa: RUF012

    def update(self, values, gradients, lr, first_moment, second_moment, missed=0):
        held = self.held.setdefault(values.size, (first_moment, second_moment))
        super().update(values, gradients, lr, *(vector.astype(values.dtype, copy=False) for vector in held))


@optimizer("the steps are counted on the class", "deterministic", "state_round_trip")
class ClassCount(_Textbook):
    made = 0

    def count(self):
        ClassCount.made += 1
        return self.made


@optimizer("counts its steps itself, past the state", "state_round_trip")
class OwnCount(_Textbook):
    made = 0

    def count(self):
        self.made += 1
        return self.made


@optimizer("the count begins anew when a parameter is frozen", "frozen_parameters")
class CountsSinceBound(_Textbook):
    def _bind(self, parameters):
        super()._bind(parameters)
        self.begun = self.steps if any(part.frozen for _, part in parameters.items()) else 0

    def count(self):
        return self.steps + 1 - self.begun


@optimizer("a running maximum that is not in the state", "state_round_trip", args=(0.1, (0.5, 0.5)))
class HiddenMaximum(_Textbook):
    highest = 0.0

    def length(self, first, second):
        self.highest = np.maximum(self.highest, second)
        return super().length(first, self.highest)


@optimizer("beyond the first block, the first moment is forgotten", "every_number")
class FirstBlockOfMoment(_Textbook):
    def moments(self, gradients, first, second):
        super().moments(gradients, first, second)
        first[16_384:] = 0


@optimizer("the last, shorter block is left out", "every_number")
class WholeBlocksOnly(_Textbook):
    def update(self, values, gradients, lr, first_moment, second_moment, missed=0):
        size = values.size // 16_384 * 16_384 or values.size
        super().update(
            values[:size], gradients[:size], lr, *(v[:size] for v in (first_moment, second_moment))
        )


@optimizer("the rate is part of the first moment", "learning_rate")
class RateInMoment(_Textbook):
    def update(self, values, gradients, lr, first_moment, second_moment, missed=0):
        self.moments(gradients, first_moment, second_moment)
        first_moment += (lr - 1) * (1 - self.betas[0]) * gradients
        values -= self.length(first_moment, second_moment)


@optimizer("the rate of the first step is kept", "learning_rate", "state_round_trip")
class FirstRate(_Textbook):
    first_rate = None

    def update(self, values, gradients, lr, first_moment, second_moment, missed=0):
        self.first_rate = lr if self.first_rate is None else self.first_rate
        super().update(values, gradients, self.first_rate, first_moment, second_moment)


@optimizer("float32 moments of half precision", "dtype")
class HalfMoments(_Textbook):
    def length(self, first, second):
        rounded = first.astype(np.float16).astype(first.dtype)
        return super().length(rounded if first.dtype == np.float32 else first, second)


@optimizer("a first moment that is never 0", "padding_stays_zero", "zero_gradient")
class DriftingMoment(_Textbook):
    def length(self, first, second):
        return super().length(first + 1e-6, second)


@optimizer("lends its moments as the state", "state_round_trip")
class LendsMoments(Adam):
    def state_dict(self):
        return super().state_dict() | self._state


@optimizer("the second moment is not taken up", "state_round_trip")
class LosesSecond(Adam):
    def load_state_dict(self, state):
        second = state["second_moment"]
        super().load_state_dict(state | {"second_moment": None if second is None else 0 * second})


@optimizer("a copy has no moments", "copies")
class CopiesWithoutMoments(Adam):
    def __getstate__(self):
        return {**super().__getstate__(), "_state": {}}


@optimizer("a copy shares the moments", "copies")
class CopiesShareMoments(Adam):
    def __deepcopy__(self, memo):
        twin = copy.copy(self)
        memo[id(self)] = twin
        twin._parameters = copy.deepcopy(self._parameters, memo)
        twin._state = self._state
        return twin


@optimizer("its moments go along to another net", "one_net")
class MomentsGoAlong(Adam):
    def _bind(self, parameters):
        self._parameters = None
        super()._bind(parameters)


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


@optimizer("the sum is the optimizer's own, and no state", "state_round_trip")
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
