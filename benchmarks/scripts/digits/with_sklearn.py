"""The digits with scikit-learn: ``python with_sklearn.py digits.npz``."""

import sys
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)  # it is to stop after a few epochs
data = np.load(sys.argv[1])
x_train, x_test = ((data[name] - np.float32(8)) / 4 for name in ("x_train", "x_test"))
net = MLPClassifier((100,), batch_size=64, learning_rate_init=0.01, max_iter=6, random_state=0)
net.fit(x_train, data["y_train"])
print(net.score(x_test, data["y_test"]))
