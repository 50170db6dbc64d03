import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import (
    SGD,
    Affine,
    Dataset,
    Flatten,
    History,
    Layer,
    Parameter,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Standardize,
    Trainer,
)
from minidl.cli import main
from minidl.data import Splits
from minidl.errors import DataError, MinidlError
from minidl.recipes import mlp
from minidl.training import data_diagnosis


def names(findings):
    return [finding.name for finding in findings]


def found(name, findings):
    return next(finding for finding in findings if finding.name == name)


def splits_of(features, targets, held=0.2, seed=0, **more):
    """A random split."""
    order = np.random.default_rng(seed).permutation(len(features))
    cut = int(held * len(features))
    whole = Dataset(features, targets, **more)
    return Splits("made", whole[order[cut:]], whole[order[:cut]])


def made(samples=400, features=12, classes=3, seed=0):
    """Features and labels of a problem that a small net learns."""
    rng = np.random.default_rng(seed)
    targets = np.arange(samples) % classes
    return rng.standard_normal((classes, features))[targets] + rng.standard_normal(
        (samples, features)
    ), targets


def net_for(splits, **options):
    return mlp(np.prod(splits.sample_shape), [8], splits.num_classes, rng=0, **options)


def test_splits_that_are_fine_give_no_finding(digits):
    for splits in (digits, splits_of(*made())):
        standardize = Standardize.fit(splits.train.features)
        net = net_for(splits, standardize=standardize)
        for data in (splits, splits.train, splits.train.features, splits.train.features.tolist()):
            assert History().diagnose(net, data) == []
            assert History().diagnose(data=data) == []


def test_images_as_they_are_give_none_behind_standardize():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (300, 3, 8, 8), dtype=np.uint8)
    images[:, :, :2] = 0  # a border
    splits = splits_of(images, np.arange(300) % 4)
    standardize = Standardize.fit(splits.train.features, shared_scale=True)
    assert History().diagnose(net_for(splits, standardize=standardize), splits) == []


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_class_that_the_training_part_lacks(part):
    features, targets = made(300, classes=4)
    order = np.argsort(targets, kind="stable")
    whole = Dataset(features[order], targets[order], target_names=("ant", "bee", "cat", "dog"))
    splits = Splits("sorted", whole[:200], **{part: whole[200:]})
    finding = found("missing classes", History().diagnose(data=splits))
    assert (
        f"75 of 100 {part} samples are of classes that the training part lacks: 3 ('dog')" in finding.evidence
    )
    assert names(History().diagnose(data=splits)) == ["missing classes"]


def test_many_missing_classes_are_counted():
    features, targets = made(200, classes=20)
    splits = Splits("few", Dataset(features[:10], targets[:10]), Dataset(features[10:], targets[10:]))
    assert found("missing classes", History().diagnose(data=splits)).evidence.endswith(
        ": 10, 11, 12 and 7 more"
    )


@pytest.mark.parametrize("factor", [255.0, 1e6, 1e-4])
def test_features_that_are_not_scaled(factor):
    features, targets = made()
    splits = splits_of(factor * np.abs(features), targets)
    finding = found("unscaled features", History().diagnose(net_for(splits), splits))
    assert finding.evidence.startswith("Affine 'affine0' gets feature ")
    assert "Standardize.fit" in finding.advice
    remedied = net_for(splits, standardize=Standardize.fit(splits.train.features))
    assert History().diagnose(remedied, splits) == []


def test_one_column_of_another_scale_is_named():
    features, targets = made()
    features[:, 5] *= 1e6
    splits = splits_of(features, targets)
    finding = found("unscaled features", History().diagnose(net_for(splits), splits.train.features))
    column = 1e6 * np.sqrt(np.mean(np.square(splits.train.features[:, 5] / 1e6)))
    assert f"feature 5 at {column:.3g} (root mean square)" in finding.evidence


def test_raw_pixels_are_unscaled_and_named_before_the_rate():
    rng = np.random.default_rng(0)
    splits = splits_of(rng.integers(0, 256, (400, 8, 8), dtype=np.uint8), np.arange(400) % 2)
    net = net_for(splits)
    history = Trainer(net, SGD(1e-9), rng=0).fit(splits.train, epochs=10, batch_size=100)
    first, second, *_ = names(history.diagnose(net, splits))
    assert first == "unscaled features"
    assert second.startswith("rate too ")


class Lookup(Layer):
    """A layer that takes indices, which have no scale."""

    accepts = "real"

    def __init__(self):
        self.table = Parameter((1000, 4), lambda rng, shape, dtype: np.ones(shape, dtype))

    def forward(self, x, *, training):
        return self.table.value[x[:, 0]]

    def backward(self, dy):
        raise NotImplementedError


class Scaling(Layer):
    """A layer without parameters that scales."""

    def forward(self, x, *, training):
        return x / np.float32(200)

    def backward(self, dy):
        raise NotImplementedError


def test_what_counts_is_what_the_first_layer_with_parameters_gets():
    indices = np.random.default_rng(0).integers(0, 1000, (300, 1))
    net = Sequential(Lookup(), Affine(4, 3, rng=0), SoftmaxCrossEntropy())
    assert History().diagnose(net, indices) == []
    pixels = np.random.default_rng(0).integers(0, 256, (300, 4, 4))
    for layers in (
        (Scaling(), Flatten()),
        (Sequential(Flatten(), Scaling()),),
        (Flatten(), Sequential(Scaling())),
    ):
        net = Sequential(*layers, Sequential(Affine(16, 3, rng=0), ReLU()), Affine(3, 3, rng=0))
        assert "unscaled features" not in names(History().diagnose(net, pixels))
    net = Sequential(Flatten(), Sequential(Affine(16, 3, rng=0)))
    assert found("unscaled features", History().diagnose(net, pixels)).evidence.startswith(
        "Affine 'sequential0."
    )


def test_features_that_are_all_zero():
    splits = splits_of(np.zeros((300, 5), np.float32), np.arange(300) % 3)
    findings = History().diagnose(net_for(splits), splits)
    assert names(findings)[0] == "features all zero"
    assert "every number of 240 samples is 0" in findings[0].evidence
    assert "constant features" not in names(findings)
    assert "duplicated samples" not in names(findings)


def test_features_that_are_mostly_constant():
    features, _ = made(features=20)
    features[:, :11] = 7
    finding = found("constant features", History().diagnose(data=features))
    assert "11 of 20 features (55%) are the same in each of 400 samples" in finding.evidence
    features[:, 9:11] += np.arange(400)[:, None]
    assert History().diagnose(data=features) == []


def test_features_that_vary_in_few_samples_only_are_not_constant():
    features = np.zeros((20_000, 50), np.float32)  # as of rare words
    features[np.arange(50) * 7 + 3, np.arange(50)] = 1
    assert History().diagnose(data=features) == []


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_samples_that_two_parts_have_in_common(part, dtype):
    features, targets = made()
    train = Dataset(features.astype(np.float32), targets)
    mixed = np.concatenate([features[:30].astype(np.float32), np.random.default_rng(1).random((70, 12))])
    splits = Splits("leaky", train, **{part: Dataset(mixed.astype(dtype), targets[:100])})
    (finding,) = History().diagnose(data=splits)
    assert finding.name == "duplicated samples"
    assert f"30 of 100 {part} samples (30%) are among 400 training samples" in finding.evidence


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64])
def test_features_that_are_equal_by_chance_where_the_targets_are_not_are_no_copies(dtype):
    features, _ = made()
    targets = (np.arange(500) % 7).astype(dtype)
    train = Dataset(features, targets[:400])
    assert History().diagnose(data=Splits("rounded", train, Dataset(features[:100], targets[1:101]))) == []
    copied = Dataset(features[:100], targets[:100].astype(np.float64 if dtype == np.float32 else dtype))
    assert names(History().diagnose(data=Splits("leaky", train, copied))) == ["duplicated samples"]


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 99))
def test_samples_that_are_alike_by_nature_are_no_copies(columns, values, seed):
    features = np.random.default_rng(seed).integers(0, values + 1, (500, columns))
    assert "duplicated samples" not in names(History().diagnose(data=splits_of(features, np.arange(500) % 2)))


def test_a_large_data_set_is_looked_at_in_parts(monkeypatch):
    features, targets = made(samples=5000)
    for name, most in (("_NUMBERS", 12_000), ("_ROWS", 1000)):
        monkeypatch.setattr(data_diagnosis, name, most)
        rows = [len(block) for _, block in data_diagnosis._blocks(features)]
        assert sum(rows) == 1000
        splits = Splits("leaky", *2 * [Dataset(np.asfortranarray(features), targets)])
        assert (
            "1,000 of 1,000 validation"
            in found("duplicated samples", History().diagnose(data=splits)).evidence
        )
        monkeypatch.undo()


@pytest.mark.parametrize(
    "call",
    [
        lambda: History().diagnose("net", np.ones((30, 2))),
        lambda: History().diagnose(data="features"),
        lambda: History().diagnose(data=np.zeros((0, 3))),
        lambda: History().diagnose(data=np.float64(3)),
        lambda: History().diagnose(data=np.ma.masked_array(np.ones((30, 2)))),
        lambda: History().diagnose(mlp(3, [2], 2, rng=0), np.ones((30, 2))),
    ],
)
def test_what_is_no_net_or_no_data_is_refused(call):
    with pytest.raises(MinidlError, match=": expected "):
        call()


@pytest.mark.parametrize("kind", [tuple, list])
def test_parts_in_a_tuple_are_told_to_be_splits(kind, digits):
    with pytest.raises(
        DataError, match=r"a Dataset or Splits, got .*; give several parts as minidl\.data\.Splits"
    ):
        History().diagnose(data=kind([digits.train, digits.validation]))


def test_the_command_looks_at_all_parts(tmp_path, capsys):
    features, targets = made(400)
    np.savez(
        tmp_path / "leaky.npz",
        x_train=features,
        y_train=targets,
        x_validation=features[:100],
        y_validation=targets[:100],
        x_test=features[:100] + 1,
        y_test=np.full(100, 3),
    )
    assert main(["train", str(tmp_path / "leaky.npz"), "--epochs", "1", "--out", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr().out
    assert "missing classes: 100 of 100 test samples" in printed
    assert "duplicated samples: 100 of 100 validation samples (100%)" in printed
    assert minidl.load(tmp_path / "run" / "net.npz")


def test_sparse_data_is_looked_at_without_taking_what_is_rare_for_wrong():
    sparse = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(0)
    places = rng.integers(300, size=6000), rng.integers(2000, size=6000)
    x = sparse.csr_array((rng.random(6000), places), shape=(300, 2000))
    labels = rng.integers(2, size=300)
    train, validation = Dataset(x[:200], labels[:200]), Dataset(x[200:], labels[200:])
    net = Sequential(Affine(2000, 4, rng=0), ReLU(), Affine(4, 2, rng=1), SoftmaxCrossEntropy())
    history = Trainer(net, SGD(0.1), rng=0).fit(train, epochs=1)
    for data in (Splits("texts", train, validation), train, x):
        assert not history.diagnose(net=net, data=data)
    copies = Splits("texts", train, Dataset(x[:100], labels[:100]))
    assert [finding.name for finding in history.diagnose(data=copies)] == ["duplicated samples"]
    nothing = sparse.csr_array((300, 20))
    assert [finding.name for finding in history.diagnose(data=nothing)] == ["features all zero"]
