"""Runs in fresh processes, which are the same to the bit."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import minidl
from minidl.layers import Dropout


def digest():
    """Of a run with everything that draws: initialization, order, Dropout."""
    import numpy as np

    data = minidl.data.load("digits")
    rng = np.random.default_rng(3)
    layers = (
        minidl.Affine(64, 16, rng=rng),
        minidl.ReLU(),
        Dropout(0.2, rng=rng),
        minidl.Affine(16, 10, rng=rng),
    )
    net = minidl.Sequential(minidl.Flatten(), *layers, minidl.SoftmaxCrossEntropy())
    trainer = minidl.Trainer(net, minidl.SGD(0.01, momentum=0.9), rng=4)
    history = trainer.fit(data.train, epochs=2, batch_size=100, validation=data.validation)
    columns = {name: column for name, column in history.epochs.items() if name != "seconds"}
    sha = hashlib.sha256(net.parameters.values.tobytes())
    sha.update(json.dumps([history.steps, columns]).encode())
    sha.update(net.predict_probabilities(data.test.features).tobytes())
    return sha.hexdigest()


def identical_runs(kind=None, count=20, seed=0):
    """`count` processes give the same parameters, history (but for seconds) and predictions."""
    program = [sys.executable, "-c", "from tests.faults.runs import digest; print(digest())"]
    root = Path(__file__).parents[2]
    found = {subprocess.check_output(program, cwd=root, text=True) for _ in range(count)}
    assert len(found) == 1, found
    return found.pop().strip()
