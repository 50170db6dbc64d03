"""An epoch over the images with scikit-learn, which takes floats only."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.scripts.images.pixels import BATCH, VALIDATION, make, report

warnings.simplefilter("ignore", ConvergenceWarning)  # it is to stop after one epoch
images, labels = make()
x = images.astype(np.float32)
x /= 255
net = MLPClassifier(
    (50,), solver="sgd", batch_size=BATCH, learning_rate_init=0.01, max_iter=1, random_state=0
)
net.fit(x[:-VALIDATION], labels[:-VALIDATION])
report(net.score(x[-VALIDATION:], labels[-VALIDATION:]))
