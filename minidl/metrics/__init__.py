"""Metrics: how good scores are, batch by batch, in one number at the end."""

from minidl.metrics.classes import F1, Precision, Recall, confusion_matrix
from minidl.metrics.classification import Accuracy, BinaryAccuracy, TopKAccuracy
from minidl.metrics.metric import Metric
from minidl.metrics.probabilities import AUC, LogLoss
from minidl.metrics.regression import R2, MeanAbsoluteError, RootMeanSquaredError

__all__ = [
    "AUC",
    "F1",
    "R2",
    "Accuracy",
    "BinaryAccuracy",
    "LogLoss",
    "MeanAbsoluteError",
    "Metric",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "TopKAccuracy",
    "confusion_matrix",
]
