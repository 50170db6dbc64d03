"""`minidl evaluate`, and the tables and names of classes that come with it."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import Dataset, mlp
from minidl.cli import looking, main, report
from minidl.data.digits import read_digits
from minidl.data.splits import stratified_hold_out
from minidl.layers import Affine, Flatten, Standardize
from minidl.losses import SoftmaxCrossEntropy
from tests.cli import runs
from tests.cli.calling import call, refused
from tests.deep import deep

MEANS = ["mean of the classes", "weighted by samples"]
WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])


def write_table(path, features, words, *, header=True, target="digit"):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        if header:
            writer.writerow([*(f"p{column}" for column in range(features.shape[1])), target])
        writer.writerows([*row, word] for row, word in zip(features.tolist(), words, strict=True))
    return path


@pytest.fixture(scope="module")
def table():
    """The digits as rows, in a shuffled order, and their names."""
    images, labels = read_digits()
    order = np.random.default_rng(1).permutation(len(labels))[:600]
    return images.reshape(-1, 64)[order], WORDS[labels[order]]


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    """A net that was trained on the first rows, in a run directory."""
    folder = tmp_path_factory.mktemp("trained")
    features, words = table
    path = write_table(folder / "mine.csv", features[:500], words[:500])
    assert main(["train", str(path), "--epochs", "12", "--out", str(folder / "run"), "--quiet"]) == 0
    return folder / "run"


def rows_of(out, first):
    """The cells of each row of the printed table that begins with `first`, by the rows' names."""
    lines = out.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(first))
    rows = {}
    for line in lines[start + 1 :]:
        if not line or line.startswith(("the worst", "most mixed up")):
            break
        name, _, cells = line.partition("  ")
        rows[name] = cells.split()
    return rows


def test_a_table_with_words_gives_the_net_that_an_npz_file_gives(run, table, tmp_path):
    features, words = table
    names = np.unique(words[:500])
    whole = Dataset(features[:500].astype(np.float32), np.searchsorted(names, words[:500]))
    train, validation = stratified_hold_out(whole, 5_000)
    arrays = {"x_train": train.features, "y_train": train.targets}
    arrays |= {"x_validation": validation.features, "y_validation": validation.targets}
    np.savez(tmp_path / "same.npz", **arrays, target_names=names)
    assert call("train same.npz --epochs 12 --out same --quiet") == 0
    made, other = (json.loads((folder / "run.json").read_text()) for folder in (run, tmp_path / "same"))
    assert made["results"] == other["results"]
    assert made["results"]["validation"]["accuracy"] > 0.8
    assert (run / "net.npz").read_bytes() == (tmp_path / "same/net.npz").read_bytes()
    assert minidl.load(run / "net.npz").head.target_names == tuple(names)


def test_the_classes_are_listed_by_name(run, table, tmp_path, capsys):
    assert main(["evaluate", str(run)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("mine: 450 train, 50 validation samples of 64 float32, 10 classes\n")
    features, words = table
    write_table(tmp_path / "new.csv", features[500:], words[500:])
    assert main(["evaluate", str(run), "new.csv"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("new: 100 test samples of 64 float32, 10 classes\n")
    net = minidl.load(run / "net.npz")
    predicted = np.array(net.head.target_names)[net.predict(features[500:].astype(np.float32))]
    rows = rows_of(out, "test by class")
    assert list(rows) == [*sorted(WORDS), *MEANS]
    for word in WORDS:
        mine, taken = words[500:] == word, predicted == word
        recall, precision = np.mean(taken[mine]), np.mean(mine[taken])
        shares = recall, precision, 2 * recall * precision / (recall + precision)
        assert rows[word] == [f"{mine.sum()}", *(f"{share:.2%}" for share in shares)]
    right = np.mean(predicted == words[500:])
    assert f"{right:.2%}" in out.split("test by class")[0]
    *aligned, mixed_up = out.splitlines()[-14:]
    assert len({len(line) for line in aligned}) == 1
    one, other, count, back = re.fullmatch(
        r"most mixed up: (\w+) and (\w+) \((\d+) \+ (\d+)\)", mixed_up
    ).groups()
    pairs = list(zip(words[500:], predicted, strict=True))
    assert (pairs.count((one, other)), pairs.count((other, one))) == (int(count), int(back))
    assert int(count) + int(back) == max(
        pairs.count(pair) + pairs.count(pair[::-1]) for pair in pairs if pair[0] != pair[1]
    )


def test_labels_are_matched_to_the_nets_classes_by_name(run, table, tmp_path, capsys):
    features, words = table
    chosen = np.isin(words, ("two", "nine"))
    write_table(tmp_path / "some.csv", features[chosen], words[chosen])
    assert main(["evaluate", str(run), "some.csv"]) == 0
    rows = rows_of(capsys.readouterr().out, "test by class")
    assert float(rows["two"][1].rstrip("%")) > 80
    assert float(rows["nine"][1].rstrip("%")) > 80
    assert rows["one"] in (["0", *["0.00%"] * 3], ["0", *["-"] * 3])  # predicted or not
    names = np.array(["two", "nine"])
    np.savez("some.npz", x_train=features[chosen], y_train=(words[chosen] == "nine") * 1, target_names=names)
    assert main(["evaluate", str(run), "some.npz"]) == 0
    assert float(rows_of(capsys.readouterr().out, "part")["train"][-1].rstrip("%")) > 80


def test_a_file_of_its_own_is_measured_whole(run, table, tmp_path, capsys):
    features, words = (each[500:] for each in table)
    labels = np.searchsorted(np.unique(WORDS), words)
    assert main(["evaluate", str(run), str(write_table(tmp_path / "new.csv", features, words))]) == 0
    expected = capsys.readouterr().out
    for part, names in (("test", "x y"), ("test", "x_test y_test"), ("train", "x_train y_train")):
        np.savez("new.npz", **dict(zip(names.split(), (features, labels), strict=True)))
        assert main(["evaluate", str(run), "new.npz"]) == 0
        out = re.sub(r" +", " ", capsys.readouterr().out)
        assert out == re.sub(r" +", " ", expected.replace("test", part).replace("float32", "uint8"))
    assert main(["evaluate", str(run), "new.npz", "--part", "train"]) == 0
    refused(f"evaluate {run} new.npz --part test", "new.npz: expected a test part, got only train", capsys)


def test_one_part(run, capsys, monkeypatch):
    monkeypatch.setattr(looking, "pictures", lambda *_: {})
    assert call(f"evaluate {run} --part train") == 0
    out = capsys.readouterr().out
    assert out.startswith("mine: 450 train samples of 64")
    assert [*rows_of(out, "part")] == ["train"]
    assert "train by class" in out


def test_columns_that_training_dropped_need_not_be_there(tmp_path, capsys):
    made = {
        "columns": ["make", "size"],
        "target": "price",
        "categories": {"make": ["a", "b"]},
        "drop": ["id"],
    }
    runs.keep(tmp_path / "run", runs.regression(), "gone.csv", **made, task="numbers")
    printed = set()
    for lines in ("id,make,size,price\n1,a,2,3\n2,b,2,5\n", "price,make,size\n3,a,2\n5,b,2\n"):
        (tmp_path / "new.csv").write_text(lines)
        assert call("evaluate run new.csv") == 0
        printed.add(capsys.readouterr().out)
    assert len(printed) == 1
    (tmp_path / "new.csv").write_text("3,a,2\n5,b,2\n")
    message = "expected a header with the columns that the net was trained on (make, size), got none"
    refused("evaluate run new.csv --target 0", message, capsys)


def test_a_table_of_pixels(tmp_path, capsys):
    """Its columns are those of an image; its labels, numbers, count the net's classes."""
    labels = np.arange(9) % 3
    standardize = Standardize(np.full((2, 2), 9), 1)
    net = minidl.Sequential(standardize, Flatten(), Affine(4, 3), SoftmaxCrossEntropy(("ant", "bee", "cow")))
    runs.keep(tmp_path / "run", net, "digits")
    images = np.random.default_rng(0).integers(8, 11, (9, 4))
    right = np.mean(net.predict(images.reshape(9, 2, 2)) == labels)
    for names in (labels, np.array(["ant", "bee", "cow"])[labels]):
        write_table(tmp_path / "new.csv", images, names, target="label")
        assert call("evaluate run new.csv") == 0
        out = capsys.readouterr().out
        assert out.startswith("new: 9 test samples of 2 × 2 float32, 3 classes\n")
        assert rows_of(out, "part")["test"][-1] == f"{right:.2%}"
    write_table(tmp_path / "new.csv", images, labels + 1)
    refused("evaluate run new.csv --target digit", "net's: ant, bee, cow, got '1' (3 samples), '2'", capsys)


def test_a_class_that_the_net_does_not_know(run, table, tmp_path, capsys):
    features, words = table
    write_table(tmp_path / "odd.csv", features, np.where(words == "two", "deux", words))
    count = np.count_nonzero(words == "two")
    known = ", ".join(sorted(WORDS))
    message = f"odd.csv, test part: expected no class but the net's: {known}, got 'deux' ({count} samples)"
    refused(f"evaluate {run} odd.csv", message, capsys)


def test_a_table_of_other_columns(run, table, tmp_path, capsys):
    features, words = table
    write_table(tmp_path / "few.csv", features[:, :63], words)
    refused(f"evaluate {run} few.csv", "p18, p19 and 44 more), got none named p63; give it these", capsys)
    (tmp_path / "few.csv").write_text("p0,p1\n1,2\n")
    refused(f"evaluate {run} few.csv", "a target column 'digit', got columns p0, p1; to predict it", capsys)
    write_table(tmp_path / "bare.csv", features[:, :63], words, header=False)
    refused(f"evaluate {run} bare.csv", "a target column 'digit', got 64 columns without a header", capsys)
    message = "bare.csv, test part: expected samples of the shape that the net takes, got (63,); Standardize"
    refused(f"evaluate {run} bare.csv --target -1", message, capsys)
    write_table(tmp_path / "bare.csv", features, words, header=False)
    assert main(["evaluate", str(run), "bare.csv", "--target", "64"]) == 0  # what the message says to do
    text = write_table(tmp_path / "new.csv", features, words).read_text()
    lines = [line.split(",") for line in text.split()]
    order = [1, 0, *range(2, 65)]
    (tmp_path / "new.csv").write_text("\n".join(",".join(line[column] for column in order) for line in lines))
    refused(f"evaluate {run} new.csv", "got another order, p1, p0, p2", capsys)
    (tmp_path / "new.csv").write_text("\n".join(",".join([line[-1], *line[:-1]]) for line in lines))
    capsys.readouterr()
    assert main(["evaluate", str(run), "new.csv"]) == 0  # the target column is found by its name


def test_run_json_says_how_to_read_the_table_again(table, tmp_path, capsys, monkeypatch):
    features, words = table
    folder = tmp_path / "there"
    folder.mkdir()
    path = write_table(folder / "mine.csv", features[:60], words[:60])
    lines = [line.split(",") for line in path.read_text().split()]
    path.write_text("\n".join(",".join([line[-1], *line[:-1]]) for line in lines))
    assert call("train mine.csv --data-dir there --target digit --steps 5 --quiet") == 0
    made = json.loads(Path("runs/mine/run.json").read_text())
    assert made["data"] == str(path)
    assert made["target"] == "digit"
    assert made["columns"] == [f"p{column}" for column in range(64)]
    monkeypatch.chdir(folder)
    for again in ("", "mine.csv"):
        assert call(f"evaluate {tmp_path}/runs/mine {again}") == 0
        assert capsys.readouterr().out.startswith("mine: 54 train, 6 validation samples of 64 float32")


@deep
def test_an_npz_file_below_the_data_directory_is_found_again(table, tmp_path):
    features, words = table
    (tmp_path / "there").mkdir()
    np.savez("there/MINE.NPZ.npz", x_train=features, y_train=np.searchsorted(np.unique(words), words))
    Path("there/MINE.NPZ.npz").rename("there/mine.NPZ")
    assert call("train mine.NPZ --data-dir there --steps 5 --quiet") == 0
    assert json.loads(Path("runs/mine/run.json").read_text())["data"] == str(tmp_path / "there/mine.NPZ")
    assert call("evaluate runs/mine") == 0


@deep
def test_a_sweep_of_a_table(run, tmp_path, capsys):
    shutil.copy(run.parent / "mine.csv", tmp_path)
    assert call("sweep mine.csv --target digit --lr 0.02 0.05 --epochs 2 --jobs 1 --out sweep --quiet") == 0
    assert minidl.load("sweep/net.npz").head.target_names == tuple(sorted(WORDS))
    assert call("evaluate sweep") == 0
    assert "validation by class" in capsys.readouterr().out


def test_a_net_without_names(capsys, tmp_path):
    """Its classes are their numbers: those of a table are matched to these, but words cannot be."""
    labels = np.arange(60) % 4
    features = np.stack([labels, labels % 2], axis=1) + np.linspace(0, 0.1, 60)[:, None]
    np.savez("plain.npz", x_train=features, y_train=labels)
    assert call("train plain.npz --epochs 60 --out run --quiet") == 0
    assert minidl.load("run/net.npz").head.target_names is None
    assert call("evaluate run") == 0
    assert list(rows_of(capsys.readouterr().out, "validation by class")) == ["0", "1", "2", "3", *MEANS]
    write_table(tmp_path / "some.csv", features[labels > 1], labels[labels > 1])
    assert call("evaluate run some.csv") == 0
    rows = rows_of(capsys.readouterr().out, "test by class")
    assert (rows["1"], rows["2"]) == (["0", "-", "-", "-"], ["15", *["100.00%"] * 3])
    write_table(tmp_path / "words.csv", features, np.array(["a", "b", "c", "d"])[labels])
    message = "expected no class but the net's: 0, 1, 2, 3, got 'a' (15 samples)"
    refused("evaluate run words.csv", message, capsys)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train mine.csv --target kind", "a target column 'kind', got columns p0"),
        ("train mine.csv --target p0", "column 'p0': expected two classes or more, with several rows each"),
        ("train digits --target digit", "a target column of a .csv file only, got 'digit'; leave it out"),
        ("train nowhere.csv", "csv file 'nowhere.csv': expected a readable file"),
        ("sweep mine.csv --target kind --lr 0.1", "a target column 'kind'"),
        ("evaluate run digits --target x", "a target column of a .csv file only"),
        ("evaluate run digits", "digits, train part: expected samples of the shape that the net takes"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(command, message, capsys, run, tmp_path):
    shutil.copy(run.parent / "mine.csv", tmp_path)
    shutil.copytree(run, tmp_path / "run")
    assert refused(command, message, capsys) == ""


def test_of_many_classes_the_worst_are_shown():
    labels = np.repeat(np.arange(50), 2)[2:]  # none of class 0
    names = tuple(f"class {number} " + "x" * 99 * (number == 1) for number in range(50))
    net = mlp(50, [], 50, target_names=names)
    net["affine0"].weight.value[...] = np.eye(50)
    features = np.eye(50, dtype=np.float32)[labels]
    features[::2][-20:] = 0  # of classes 30 to 49, one sample of two is taken for class 0
    given = looking.answers(net, Dataset(features, labels, target_names=names))
    lines = report.classes_table("test", given).splitlines()
    assert lines[0].split() == ["test", "by", "class", "samples", "recall", "precision", "F1"]
    assert lines[-1] == "the worst 30 of 50 classes"
    assert [int(line.split()[1]) for line in lines[1:31]] == [*range(30, 50), *range(1, 11)]
    assert [line.split()[-3] for line in lines[1:31]] == ["50.00%"] * 20 + ["100.00%"] * 10
    assert max(map(len, lines)) < 80
