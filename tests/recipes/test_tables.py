"""A net for tables: what it is made of, and that it predicts in the unit of the targets."""

import numpy as np
import pytest
import scipy.sparse

import minidl
from minidl import L2, Trainer
from minidl.data import Column, Dataset, load
from minidl.errors import ConfigurationError, DataError, MinidlError
from minidl.layers import Columns, Dropout, Embedding, Standardize
from minidl.losses import L1, Huber, MeanSquaredError, SoftmaxCrossEntropy
from minidl.metrics import R2
from minidl.optimizers import Adam
from minidl.recipes import table_net
from minidl.testing import check_net_gradients

COLUMNS = Column("size"), Column("town", tuple("abcdefgh")), Column("rooms"), Column("kind", ("u", "v"))


def make_table(samples=40, targets="numbers", scale=1.0, dtype=np.float32):
    rng = np.random.default_rng(0)
    features = rng.normal(50, 20, (samples, 4)).astype(dtype)
    features[:, 1], features[:, 3] = rng.integers(1, 9, samples), rng.integers(1, 3, samples)
    worth = features[:, 0] + 10 * (features[:, 1] % 3) * (features[:, 3] - 1.5)
    if targets == "numbers":
        return Dataset(features, scale * (worth[:, None] + 300), columns=COLUMNS)
    labels = (worth > np.median(worth)).astype(int)
    return Dataset(features, labels, target_names=("no", "yes"), columns=COLUMNS)


def test_its_layers():
    net = table_net(make_table(), [7, 5], dropout=0.2, rng=0)
    names = [type(layer).__name__ for layer in net]
    assert names == [
        *("Columns", "Affine", "ReLU", "Dropout", "Affine", "ReLU", "Dropout", "Affine", "Standardize")
    ]
    parts = net[0].columns
    assert {name: places for name, (places, _) in parts.items()} == {
        "numbers": [0, 2],
        "column1": 1,
        "column3": 3,
    }
    # fastai's rule: round(1.6 * 9**0.56) and round(1.6 * 3**0.56)
    sizes = [(layer.num_embeddings, layer.embedding_dim) for _, layer in list(parts.values())[1:]]
    assert sizes == [(9, 5), (3, 3)]
    assert net.output_shape((4,)) == (1,)
    assert isinstance(net.head, MeanSquaredError)
    assert net.head.scale == pytest.approx(make_table().targets.std())


def test_the_net_of_classes_and_of_a_loss_that_is_given():
    net = table_net(make_table(targets="classes"), 3)
    assert isinstance(net.head, SoftmaxCrossEntropy)
    assert net.head.target_names == ("no", "yes")
    assert net.output_shape((4,)) == (2,)
    assert not any(isinstance(layer, (Dropout, Standardize)) for layer in net)
    loss = Huber(scale=3.0)
    assert table_net(make_table(), 3, loss=loss).head is loss


@pytest.mark.parametrize("kind", [MeanSquaredError, Huber, L1])
def test_a_loss_for_numbers_without_arguments_counts_in_scales_of_the_targets(kind):
    table, loss = make_table(scale=1e3), kind()
    assert table_net(table, 3, loss=loss).head.config() == kind(scale=table.targets.std()).config() | {
        "scale": pytest.approx(table.targets.std())
    }
    assert loss.scale == 1.0
    own = Huber(5000.0)
    assert table_net(table, 3, loss=own).head is own


def test_a_loss_for_classes_gets_their_names_and_is_checked_at_once():
    table = make_table(targets="classes")
    loss = SoftmaxCrossEntropy(class_weights=(1, 2), label_smoothing=0.1)
    head = table_net(table, 3, loss=loss).head
    assert head.config() == loss.config() | {"target_names": ("no", "yes")}
    assert loss.target_names is None
    for wrong in (MeanSquaredError(), SoftmaxCrossEntropy(("no", "yes", "so"))):
        with pytest.raises(MinidlError, match=f"{type(wrong).__name__}.*expected"):
            table_net(table, 3, loss=wrong)
    with pytest.raises(ConfigurationError, match="expected 2 class_weights, one for each of .* got 3"):
        table_net(table, 3, loss=SoftmaxCrossEntropy(class_weights=(1, 2, 3)))
    with pytest.raises(MinidlError, match="expected labels"):
        table_net(make_table(), 3, loss=SoftmaxCrossEntropy())


@pytest.mark.parametrize("columns", [None, COLUMNS])
@pytest.mark.parametrize("targets", ["numbers", "classes"])
def test_gradients(columns, targets):
    table = make_table(6, targets, dtype=np.float64)
    table = Dataset(table.features, table.targets, columns=columns)
    net = table_net(table, (4,), rng=1, dtype=np.float64)
    check_net_gradients(net, table.features, table.targets)


def test_a_table_of_categories_alone_or_numbers_alone():
    one = make_table()
    words = Dataset(one.features[:, [1, 3]], one.targets, columns=(COLUMNS[1], COLUMNS[3]))
    assert list(table_net(words)[0].columns) == ["column0", "column1"]
    assert list(table_net(Dataset(one.features, one.targets))[0].columns) == ["numbers"]


def train(net, table, epochs=60):
    trainer = Trainer(net, Adam(0.01), regularizer=L2(1e-3), rng=0)
    return trainer.fit(table, epochs=epochs, batch_size=20)


def r2(net, table):
    metric = R2()
    metric.update(net.predict(table.features), table.targets)
    return metric.compute()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_training_is_the_same_in_every_unit(scale, tmp_path):
    table = make_table(200, scale=scale)
    net = table_net(table, (20,), rng=0)
    history = train(net, table)
    assert r2(net, table) > 0.95
    assert history.epochs["train_r2"][-1] == pytest.approx(r2(net, table), abs=0.05)
    plain = make_table(200)
    expected = train(table_net(plain, (20,), rng=0), plain).steps["loss"]
    np.testing.assert_allclose(history.steps["loss"][:20], expected[:20], rtol=0.01)
    minidl.save(net, tmp_path / "net.npz")
    again = minidl.load(tmp_path / "net.npz")
    np.testing.assert_array_equal(again.predict(table.features), net.predict(table.features))


def test_a_category_that_training_never_met_stays_in_the_middle():
    table = make_table()
    net = table_net(table, (8,), rng=0)
    train(net, table, 3)
    for _, layer in net[0].columns.values():
        if isinstance(layer, Embedding):
            assert not layer.weight.value[0].any()
            assert layer.weight.value[1:].any()
    stranger = table.features[:1].copy()
    stranger[0, 1] = 0
    assert np.isfinite(net.predict(stranger)).all()


def test_targets_of_other_shapes():
    one = make_table(30)
    for targets in (one.targets[:, 0], np.hstack([one.targets, 2 * one.targets])):
        table = Dataset(one.features, targets, columns=COLUMNS)
        net = table_net(table, (20,), rng=0)
        train(net, table, 40)
        assert net.predict(table.features).shape == targets.shape
        assert r2(net, table) > 0.5


def test_from_a_file(tmp_path):
    rows = "".join(f"{row},{'xyz'[row % 3]},{row + 20 * (row % 3)}.5\n" for row in range(90))
    (tmp_path / "mine.csv").write_text(f"size,kind,price\n{rows}")
    splits = load(tmp_path / "mine.csv", target="price")
    net = table_net(splits.train, 20, rng=0)
    assert isinstance(net[0], Columns)
    train(net, splits.train, 40)
    assert r2(net, splits.validation) > 0.9


@pytest.mark.parametrize(
    ("features", "options", "error", "words"),
    [
        (np.ones((4, 2, 2)), {}, DataError, r"samples of shape \(columns,\).*take mlp"),
        (scipy.sparse.csr_array(np.eye(4)), {}, DataError, "take mlp"),
        (np.eye(4), {"hidden": 0}, ConfigurationError, "table_net: expected hidden"),
        (np.eye(4), {"dropout": 2}, ConfigurationError, "table_net: expected dropout"),
        (np.eye(4), {"loss": "mse"}, ConfigurationError, "table_net: expected loss"),
    ],
)
def test_what_it_refuses(features, options, error, words):
    with pytest.raises(error, match=words):
        table_net(Dataset(features, [0, 1, 0, 1]), **options)
    with pytest.raises(DataError, match="table_net: expected train"):
        table_net(np.eye(3))
