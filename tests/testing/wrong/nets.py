"""Nets with one slip each, and the clause that names it."""

from minidl import Sequential


class Undivided(Sequential):
    def forward_backward(self, x, targets, weights=None):
        loss, scores = super().forward_backward(x, targets, weights)
        self.parameters.gradients[...] *= len(x)
        return loss, scores


class ForgetsWeights(Sequential):
    def forward_backward(self, x, targets, weights=None):
        return super().forward_backward(x, targets)


class DoublesTheLoss(Sequential):
    def loss_and_gradients(self, x, targets, *, weights=None):
        return 2 * super().loss_and_gradients(x, targets, weights=weights)


class ScoresForProbabilities(Sequential):
    def predict_probabilities(self, x):
        return self(x)


class LosesChunks(Sequential):
    def predict(self, x):
        return super().predict(x[:512])


class StrictInput(Sequential):
    def _convert(self, x, *, lend=False):
        return x


class CentersInput(Sequential):
    def forward_backward(self, x, targets, weights=None):
        x -= x.mean(axis=0)
        return super().forward_backward(x, targets, weights)


class CountsPredictions(Sequential):
    def predict(self, x):
        self.count = len(x)
        return super().predict(x)


class HidesParameters(Sequential):
    def named_parameters(self):
        return iter(list(super().named_parameters())[:-1])


class Climbs(Sequential):
    def forward_backward(self, x, targets, weights=None):
        loss, scores = super().forward_backward(x, targets, weights)
        self.parameters.gradients[...] *= -1
        return loss, scores


class KeepsTheSign(Sequential):
    """Backward is wrong, in training and when its parts are called in turn."""

    def backward(self, dy):
        return super().backward(-dy)

    def backward_parameters(self, dy):
        super().backward_parameters(-dy)


class CentersScores(Sequential):
    """Works in the scores that its last layer lent."""

    def forward(self, x, *, training):
        scores = super().forward(x, training=training)
        scores -= scores.mean(axis=1, keepdims=True)
        return scores


WRONG_NETS = [
    ("gradients", KeepsTheSign),
    ("training_pass", Undivided),
    ("lent_until_next_forward", CentersScores),
    ("training_pass", DoublesTheLoss),
    ("weights", ForgetsWeights),
    ("inference", ScoresForProbabilities),
    ("chunks", LosesChunks),
    ("inputs_converted", StrictInput),
    ("arguments_kept", CentersInput),
    ("inference_pure", CountsPredictions),
    ("parts_in_one_vector", HidesParameters),
    ("training_pass", Climbs),
    ("learns", Climbs),
]
