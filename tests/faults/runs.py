"""Runs in fresh processes, which are the same to the bit."""

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import minidl
from minidl.layers import Dropout


def digest(path, steps=0):
    """Of a run with everything that draws: initialization, order, Dropout; it goes on from `path`.

    With `steps`, it ends after so many, and leaves a checkpoint there.
    """
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
    optimizer = minidl.SGD(0.01, momentum=0.9)
    trainer = minidl.Trainer.resume(path, net, optimizer, rng=4, missing_ok=True)
    more = {"steps": steps} if steps else {"epochs": 2 - trainer.epoch}
    history = trainer.fit(data.train, **more, batch_size=100, validation=data.validation)
    if steps:
        trainer.save(path)
    columns = {name: column for name, column in history.epochs.items() if name != "seconds"}
    sha = hashlib.sha256(net.parameters.values.tobytes())
    sha.update(json.dumps([history.steps, columns]).encode())
    sha.update(net.predict_probabilities(data.test.features).tobytes())
    return sha.hexdigest()


def identical_runs(kind=None, count=20, seed=0):
    """`count` processes give the same parameters, history (but for seconds) and predictions.

    So do as many that go on where another process ended, somewhere in the first or second epoch.
    """
    rng, root = random.Random(seed), Path(__file__).parents[2]

    def run(*arguments):
        program = (
            "from tests.faults.runs import digest; import sys; print(digest(sys.argv[1], int(sys.argv[2])))"
        )
        command = [sys.executable, "-c", program, *map(str, arguments)]
        return subprocess.check_output(command, cwd=root, text=True).strip()

    found = set()
    with TemporaryDirectory() as folder:
        for number in range(count):
            found.add(run(Path(folder, "none.npz"), 0))
            path = Path(folder, f"{number}.npz")
            run(path, rng.randint(1, 25))
            found.add(run(path, 0))
    assert len(found) == 1, found
    return found.pop()
