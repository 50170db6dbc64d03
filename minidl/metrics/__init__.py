"""Metrics: how good scores are, batch by batch, in one number at the end."""

from typing import TYPE_CHECKING

from minidl.lazy import lazy

if TYPE_CHECKING:
    from minidl.metrics.classes import F1 as F1
    from minidl.metrics.classes import Precision as Precision
    from minidl.metrics.classes import Recall as Recall
    from minidl.metrics.classes import confusion_matrix as confusion_matrix
    from minidl.metrics.classification import Accuracy as Accuracy
    from minidl.metrics.classification import BinaryAccuracy as BinaryAccuracy
    from minidl.metrics.classification import TopKAccuracy as TopKAccuracy
    from minidl.metrics.metric import Metric as Metric
    from minidl.metrics.probabilities import AUC as AUC
    from minidl.metrics.probabilities import LogLoss as LogLoss
    from minidl.metrics.regression import R2 as R2
    from minidl.metrics.regression import MeanAbsoluteError as MeanAbsoluteError
    from minidl.metrics.regression import RootMeanSquaredError as RootMeanSquaredError
else:
    __getattr__, __dir__, __all__ = lazy(
        globals(),
        {
            "classes": "F1 Precision Recall confusion_matrix",
            "classification": "Accuracy BinaryAccuracy TopKAccuracy",
            "metric": "Metric",
            "probabilities": "AUC LogLoss",
            "regression": "R2 MeanAbsoluteError RootMeanSquaredError",
        },
    )
