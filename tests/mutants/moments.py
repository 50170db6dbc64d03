"""Mutants of Adam."""

import copy

import numpy as np

from minidl.optimizers import Adam
from tests.mutants.registry import optimizer
from tests.testing.references import adam


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


@optimizer("no correction of the means' start at 0", "optimizer_reference", reference=adam(0.1))
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
