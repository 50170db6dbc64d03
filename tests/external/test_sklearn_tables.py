"""scikit-learn as the judge of tables and text: a net is as good as its multilayer perceptron.

Each is trained on the same rows, with one hidden layer of 100 units, and measured on the rest. A net is
drawn and its batches are shuffled by chance, so the means over a few seeds are compared, and a margin is
left that is wider than these vary.
"""

import ast
import csv
import importlib
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from minidl import L2, Dataset, Trainer
from minidl.cli import main
from minidl.data import Splits, save
from minidl.data.csv import read_table
from minidl.metrics import R2, Accuracy
from minidl.optimizers import Adam
from minidl.recipes import table_net
from minidl.schedulers import CosineDecay
from tests.external.judging import summon

sklearn, judge = summon("sklearn", "scikit-learn")

from sklearn import datasets  # noqa: E402
from sklearn.feature_extraction.text import CountVectorizer  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: E402

SEEDS = range(2)
MARGIN = {"R2": 0.06, "Accuracy": 0.04}
PACKAGES = "asyncio", "email", "importlib", "logging", "xml"


def write_csv(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def bundled(path, name):
    """One of scikit-learn's sets as a table, its classes as words."""
    bunch = getattr(datasets, f"load_{name}")()
    targets = bunch.target
    if "target_names" in bunch:
        targets = [str(bunch.target_names[label]) for label in targets]
    rows = [[*row, target] for row, target in zip(bunch.data.tolist(), targets, strict=True)]
    return write_csv(path / f"{name}.csv", [*map(str, bunch.feature_names), "target"], rows)


def penguins(path):
    """How heavy a penguin is by its species, its island, its sex, which some lack, and its size."""
    package = pytest.importorskip("palmerpenguins", reason="palmerpenguins is not installed")
    with (Path(package.__file__).parent / "data" / "penguins.csv").open() as file:
        header, *rows = csv.reader(file)
    rows = [row for row in rows if row[header.index("body_mass_g")] != "NA"]
    return write_csv(path / "penguins.csv", header, rows)


def halves(table, seed):
    rows = np.random.default_rng(seed).permutation(len(table))
    return table[rows[: len(rows) * 3 // 4]], table[rows[len(rows) * 3 // 4 :]]


def fitted(net, train, seed, epochs=40, batch_size=32):
    steps = epochs * -(-len(train) // batch_size)
    trainer = Trainer(
        net, Adam(3e-3), scheduler=CosineDecay(steps=steps), regularizer=L2(3 / len(train)), rng=seed
    )
    trainer.fit(train, epochs=epochs, batch_size=batch_size)
    return net


def score(scores, test):
    metric = Accuracy() if test.has_labels else R2()
    metric.update(scores, test.targets)
    return metric.compute()


def theirs(train, test, seed):
    """What scikit-learn's perceptron reaches, with its defaults, on columns prepared as its guide says."""
    coded = [place for place, column in enumerate(train.columns) if column.num_codes]
    numbers = [place for place, column in enumerate(train.columns) if not column.num_codes]
    scaler = StandardScaler().fit(train.features[:, numbers])
    codes = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    if coded:
        codes.fit(train.features[:, coded])

    def prepared(data):
        scaled = scaler.transform(data.features[:, numbers])
        return np.hstack([scaled, codes.transform(data.features[:, coded])]) if coded else scaled

    with warnings.catch_warnings(action="ignore"):  # 200 epochs are its default, and may not be all
        if train.has_labels:
            model = MLPClassifier(random_state=seed).fit(prepared(train), train.targets)
            return model.score(prepared(test), test.targets)
        mean, scale = train.targets.mean(), train.targets.std()
        model = MLPRegressor(random_state=seed).fit(prepared(train), (train.targets[:, 0] - mean) / scale)
        return score(model.predict(prepared(test))[:, None] * scale + mean, test)


@pytest.mark.parametrize("name", ["diabetes", "wine", "breast_cancer", "penguins"])
def test_a_table_is_learned_as_well(name, tmp_path):
    if name == "penguins":
        table = read_table(penguins(tmp_path), "body_mass_g", drop=["year"])
        assert [column.name for column in table.columns if column.num_codes] == ["species", "island", "sex"]
        assert table.columns[-1].categories == ("", "female", "male")
    else:
        table = read_table(bundled(tmp_path, name))
    ours, judged = [], []
    for seed in SEEDS:
        train, test = halves(table, seed)
        net = fitted(table_net(train, 100, dropout=0.1, rng=seed), train, seed)
        ours.append(score(net(test.features), test))
        judged.append(theirs(train, test, seed))
    margin = MARGIN["Accuracy" if table.has_labels else "R2"]
    assert np.mean(ours) > np.mean(judged) - margin, (ours, judged)
    judge.judged("tables")


def docstrings():
    """Those of some packages of the standard library, and which package each is of."""
    texts, labels = [], []
    for label, package in enumerate(PACKAGES):
        for path in sorted(Path(importlib.import_module(package).__file__).parent.glob("**/*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
                    text = ast.get_docstring(node)
                    if text and len(text) > 80:
                        texts.append(text)
                        labels.append(label)
    return texts, labels


def test_text_is_learned_as_well(tmp_path):
    """From the command line, without an option."""
    texts, labels = docstrings()
    counts = CountVectorizer(binary=True, min_df=2, max_features=1500, dtype=np.float32).fit_transform(texts)
    data = Dataset(counts, labels, target_names=PACKAGES)
    ours, judged = [], []
    for seed in SEEDS:
        train, test = halves(data, seed)
        save(Splits("texts", train, test=test), tmp_path / "texts.npz")
        run = tmp_path / f"run{seed}"
        command = ["train", tmp_path / "texts.npz", "--seed", seed, "--quiet", "--out", run]
        assert main([str(word) for word in command]) == 0
        ours.append(json.loads((run / "run.json").read_text())["results"]["test"]["accuracy"])
        with warnings.catch_warnings(action="ignore"):
            model = MLPClassifier(random_state=seed, max_iter=10).fit(train.features, train.targets)
        judged.append(model.score(test.features, test.targets))
    most = np.bincount(data.targets).max() / len(data)
    assert np.mean(ours) > max(np.mean(judged) - MARGIN["Accuracy"], most + 0.2), (ours, judged)
    judge.judged("bags of words")
