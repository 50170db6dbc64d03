"""scikit-learn as the judge: its losses, its scaler, its multilayer perceptron."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import L2, SGD, Affine, Dataset, SoftmaxCrossEntropy, Standardize, Trainer, mlp
from tests.external.judging import summon

sklearn, judge = summon("sklearn", "scikit-learn")

from sklearn.metrics import log_loss  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

SEEDS = st.integers(0, 2**32)


@given(st.integers(1, 50), st.integers(2, 20), st.sampled_from([1.0, 0.01, 4.0]), SEEDS)
def test_softmax_cross_entropy(samples, classes, scale, seed):
    rng = np.random.default_rng(seed)
    scores, labels = scale * rng.standard_normal((samples, classes)), rng.integers(classes, size=samples)
    loss = SoftmaxCrossEntropy()
    expected = log_loss(labels, loss.probabilities(scores), labels=range(classes))
    judge.agrees(loss.forward(scores, labels, training=False), expected, "loss")
    judge.judged("losses")


@given(st.integers(1, 3000), st.integers(1, 8), st.sampled_from(["f8", "u1", "i4"]), SEEDS)
def test_standardize(samples, features, dtype, seed):
    rng = np.random.default_rng(seed)
    x = (rng.normal(100, 20, (samples, features)).clip(0, 255)).astype(dtype)
    x[:, 0] = x[0, 0].round()
    layer, scaler = Standardize.fit(x, dtype=np.float64), StandardScaler().fit(x)
    judge.agrees(layer.mean, scaler.mean_, "mean")
    judge.agrees(1 / layer.inverse_scale, scaler.scale_, "scale")
    judge.agrees(layer.forward(x, training=False), scaler.transform(x), "y")
    judge.judged("scalers")


@pytest.mark.parametrize("samples", [3, 7, 1000])
def test_standardize_of_a_constant(samples):
    x = np.full((samples, 2), 0.1)
    layer, scaler = Standardize.fit(x, dtype=np.float64), StandardScaler().fit(x)
    judge.agrees(1 / layer.inverse_scale, scaler.scale_, "scale")
    judge.judged("scalers")


def affine_layers(net):
    return [layer for layer in net if isinstance(layer, Affine)]


# scikit-learn's net of two classes has one output, so there are three or more.
@given(
    st.integers(1, 20), st.integers(1, 8), st.lists(st.integers(1, 12), max_size=4), st.integers(3, 8), SEEDS
)
def test_probabilities(batch, features, hidden, classes, seed):
    rng = np.random.default_rng(seed)
    net = mlp(features, hidden, classes, rng=rng, dtype=np.float64)
    x = rng.standard_normal((batch, features))
    for layer in affine_layers(net):
        layer.bias.value[...] = rng.standard_normal(layer.out_features)
    classifier = MLPClassifier(hidden, batch_size=classes)
    # A first step gives the classifier its arrays.
    classifier.partial_fit(np.zeros((classes, features)), np.arange(classes), classes=np.arange(classes))
    classifier.coefs_ = [layer.weight.value for layer in affine_layers(net)]
    classifier.intercepts_ = [layer.bias.value for layer in affine_layers(net)]
    judge.agrees(net.predict_probabilities(x), classifier.predict_proba(x), "probabilities")
    judge.agrees(net.predict(x), classifier.predict(x), "labels")
    judge.judged("nets")


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_training(momentum, nesterov, penalty):
    """A hundred steps, each over the whole batch."""
    samples, classes = 40, 4
    rng = np.random.default_rng(1)
    x, labels = rng.standard_normal((samples, 6)), rng.integers(classes, size=samples)

    def classifier(lr):
        return MLPClassifier(
            (9, 8),
            solver="sgd",
            learning_rate_init=lr,
            momentum=momentum,
            nesterovs_momentum=nesterov,
            # scikit-learn's penalty is ½ alpha W² over the number of samples.
            alpha=2 * samples * penalty,
            batch_size=samples,
            shuffle=False,
            random_state=0,
        )

    # The same draw of the weights, looked at after a step that is too small to change them.
    start = classifier(1e-300).partial_fit(x, labels, classes=range(classes))
    net = mlp(6, (9, 8), classes, dtype=np.float64)
    for layer, weight, bias in zip(affine_layers(net), start.coefs_, start.intercepts_, strict=True):
        layer.weight.value[...], layer.bias.value[...] = weight, bias
    theirs = classifier(0.1)
    for _ in range(100):
        theirs.partial_fit(x, labels, classes=range(classes))
    trainer = Trainer(net, SGD(0.1, momentum, nesterov), regularizer=L2(penalty), rng=0)
    history = trainer.fit(Dataset(x, labels), epochs=100, batch_size=samples)
    judge.agrees(history.steps["loss"], theirs.loss_curve_, "losses")
    for index, layer in enumerate(affine_layers(net)):
        judge.agrees(layer.weight.value, theirs.coefs_[index], f"weight {index}")
        judge.agrees(layer.bias.value, theirs.intercepts_[index], f"bias {index}")
    judge.judged("runs of 100 steps")
