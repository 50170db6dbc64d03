"""Checkpoints of every format version are loaded, each a file that the minidl of its time wrote."""

import json
from pathlib import Path

import numpy as np
import pytest

from minidl import Affine, Dataset, EarlyStopping, Sequential, SoftmaxCrossEntropy, Trainer
from minidl.callbacks import Average
from minidl.layers import BatchNorm1d, Dropout
from minidl.optimizers import Adam
from minidl.storage.checkpoints import load_state

FORMAT_1 = Path(__file__).with_name("checkpoint1.npz")
X = (np.arange(15).reshape(5, 3) ** 2 % 7 / 4).astype(np.float32)
TRAIN = Dataset(X, np.arange(5) % 2)
VALIDATION = Dataset(X[:3] + 1, np.array([0, 0, 1]))


def parts():
    """What the training of the file was built of: one step, on all samples."""
    net = Sequential(BatchNorm1d(3), Dropout(0.25, rng=2), Affine(3, 2, rng=1), SoftmaxCrossEntropy())
    return (net, Adam(0.01)), {"callbacks": [Average(0.5), EarlyStopping(3)], "rng": 3}


def write(path):
    """How the file was made."""
    arguments, options = parts()
    trainer = Trainer(*arguments, **options)
    trainer.fit(TRAIN, epochs=1, batch_size=5, validation=VALIDATION)
    trainer.save(path, note="after one epoch")


def packed(*parts):
    """Behind one another in one vector, each from a multiple of 64 bytes on."""
    vectors = [np.append(part, np.zeros(-part.size % 16)) for part in parts]
    return np.concatenate(vectors).astype(np.float32)


@pytest.fixture(scope="module")
def found():
    with np.load(FORMAT_1, allow_pickle=False) as file:
        found = {name: file[name] for name in file.files if name not in ("checkpoint.json", "run.txt")}
        found["content"] = json.loads(file["checkpoint.json"])
    return found


def test_its_arrays(found):
    """What a training of one step on all samples comes to, in plain arithmetic."""
    net, content = "net.parameters.", found["content"]
    assert (content["format"], content["version"], content["note"]) == (
        "minidl checkpoint",
        1,
        "after one epoch",
    )
    mean, variance = (found[f"net.states.batchnorm1d0.running_{name}"] for name in ("mean", "var"))
    weight, bias = found[net + "affine0.weight"], found[net + "affine0.bias"]
    gain, shift = found[net + "batchnorm1d0.weight"], found[net + "batchnorm1d0.bias"]
    assert np.allclose(mean, 0.1 * X.mean(0))
    assert np.allclose(variance, 0.9 + 0.1 * X.var(0, ddof=1))
    # EarlyStopping has put its best in the place of the average, whose running statistics are taken anew.
    own = found["callbacks.EarlyStopping 0._values.1"]
    assert own.tobytes() == packed(mean, variance).tobytes()
    anew = found["callbacks.EarlyStopping 0._own.1"]
    assert np.allclose(anew, packed(X.mean(0), X.var(0, ddof=1)))
    values = packed(weight, gain, shift, bias)
    assert values.tobytes() == found["callbacks.Average 0._mean"].tobytes()
    assert values.tobytes() == found["callbacks.EarlyStopping 0._values.0"].tobytes()
    # Adam's first step: the rate in the gradient's direction, which the first moment is a tenth of.
    first, second = found["optimizer.first_moment"], found["optimizer.second_moment"]
    assert np.allclose(second, 1e-3 * (10 * first) ** 2)
    steps = -0.01 * np.sign(first) * (np.abs(first) > 1e-6)
    assert np.allclose(values[16:], packed(np.ones(3), np.zeros(3), np.zeros(2)) + steps[16:], atol=1e-5)
    # What validation gave, with the running statistics of the training.
    normal = (VALIDATION.features - mean) / np.sqrt(variance + 1e-5) * gain + shift
    scores = normal @ weight + bias
    losses = np.log(np.exp(scores).sum(1)) - scores[np.arange(3), VALIDATION.targets]
    state = content["state"]["dict"]
    history = state["history"]["dict"]["epochs"]["dict"]
    assert np.allclose(history["validation_loss"], losses.mean(), rtol=1e-5)
    assert state["callbacks"]["dict"]["EarlyStopping 0"]["dict"]["best"] == history["validation_loss"][0]
    assert np.allclose(history["validation_accuracy"], (scores.argmax(1) == VALIDATION.targets).mean())
    assert (state["epoch"], state["step"], state["last_step"]) == (1, 1, 1)
    assert sorted(found["batches.batches.order"].tolist()) == [0, 1, 2, 3, 4]
    assert len(found["history.steps.loss"]) == 1


def test_it_goes_on(found):
    arguments, options = parts()
    trainer = Trainer.resume(FORMAT_1, *arguments, **options)
    assert load_state(FORMAT_1).note == "after one epoch"
    assert trainer.epoch == 1
    held = trainer.net.parameters.values.tobytes()
    assert held == found["callbacks.Average 0._mean"].tobytes()
    trainer.fit(TRAIN, epochs=2, batch_size=5, validation=VALIDATION)
    arguments, options = parts()
    whole = Trainer(*arguments, **options)
    whole.fit(TRAIN, epochs=3, batch_size=5, validation=VALIDATION)
    one, another = (each.net.parameters.values for each in (trainer, whole))
    assert np.allclose(one, another, rtol=1e-3, atol=1e-5)  # another BLAS rounds otherwise
    assert np.allclose(trainer.history.steps["loss"], whole.history.steps["loss"], rtol=1e-3)
