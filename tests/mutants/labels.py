"""Mutants of losses: what they do with their labels."""

import numpy as np

from tests.mutants.bases import CrossEntropy
from tests.mutants.registry import loss


@loss("the gradient's label is one too small", "gradient")
class LabelOffByOne(CrossEntropy):
    def backward(self):
        p, labels, _ = self.recall()
        p[np.arange(len(labels)), labels - 1] -= 1
        return p / len(labels)


@loss("takes a negative label for one from the end", "wrong_labels_refused")
class NegativeLabels(CrossEntropy):
    def _check_labels(self, targets, samples, classes):
        return super()._check_labels(
            np.where(np.asarray(targets) < 0, classes - 1, targets), samples, classes
        )


@loss("takes one-hot rows by their argmax", "wrong_labels_refused")
class OneHotLabels(CrossEntropy):
    def _check_labels(self, targets, samples, classes):
        labels = np.asarray(targets)
        return super()._check_labels(labels.argmax(axis=1) if labels.ndim == 2 else labels, samples, classes)


@loss("spreads one label over the batch by broadcasting", "wrong_labels_refused")
class SpreadsOneLabel(CrossEntropy):
    def _check_labels(self, targets, samples, classes):
        labels = np.asarray(targets)
        spread = np.resize(labels, samples) if labels.shape == (1,) else labels
        return super()._check_labels(spread, samples, classes)


@loss("a label out of range is an IndexError", "wrong_labels_refused")
class LeavesItToNumPy(CrossEntropy):
    def _check_labels(self, targets, samples, classes):
        return np.asarray(targets)


@loss("truncates float labels", "wrong_labels_refused")
class FloatLabels(CrossEntropy):
    def _check_labels(self, targets, samples, classes):
        return super()._check_labels(np.asarray(targets).astype(np.int64), samples, classes)


@loss("checks its labels in training alone", "wrong_labels_refused")
class UncheckedInference(CrossEntropy):
    def forward(self, scores, targets, *, training):
        if training:
            return super().forward(scores, targets, training=True)
        return super().forward(scores, np.resize(np.abs(targets), len(scores)) % 3, training=False)


@loss("subtracts in the labels' own dtype: 0 - 1 of uint8 is 255", "kinds_of_labels")
class UnsignedLabels(CrossEntropy):
    def _check_labels(self, targets, samples, classes):
        super()._check_labels(targets, samples, classes)
        return np.asarray(targets)

    def backward(self):
        p, labels, _ = self.recall()
        p[np.arange(len(labels)), (labels - labels.dtype.type(1)) % 3 - 2] -= 1
        return p / len(labels)


@loss("sorts its targets in place", "arguments_kept")
class WritesTargets(CrossEntropy):
    def forward(self, scores, targets, *, training):
        found = super().forward(scores, targets, training=training)
        np.asarray(targets)[...] = 0
        return found
