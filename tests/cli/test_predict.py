"""`minidl predict`: a row a sample, whole or not at all."""

import csv
import json
import shutil

import numpy as np
import pytest

import minidl
from minidl import Affine, Flatten, Sequential, SoftmaxCrossEntropy
from minidl.cli import main, predict
from minidl.cli.rows import Rows
from minidl.losses import BinaryCrossEntropy, MulticlassHinge
from tests.cli import runs
from tests.cli.calling import call, refused

COLUMNS = ["long", "wide", "kind"]


def rows(text):
    """The header, and the rows below it."""
    header, *below = csv.reader(text.splitlines())
    return header, below


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A directory with a table of two columns and a class, and a run trained on it; and the table's lines."""
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    words = np.array(["ant", "bee", "cow"])[np.arange(60) % 3]
    cells = rng.standard_normal((60, 2)) + 4 * (np.arange(60) % 3)[:, None]
    lines = [f"{long:.4f},{wide:.4f},{word}" for (long, wide), word in zip(cells, words, strict=True)]
    (folder / "mine.csv").write_text("\n".join([",".join(COLUMNS), *lines]))
    assert (
        main(["train", str(folder / "mine.csv"), "--epochs", "30", "--quiet", "--out", str(folder / "run")])
        == 0
    )
    return folder, lines


@pytest.fixture
def table(trained, tmp_path):
    """The lines of the table mine.csv, which stands here beside the directory run."""
    folder, lines = trained
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return lines


def write(path, lines, order, names=COLUMNS):
    cells = [[line.split(",")[column] for column in order] for line in [",".join(names), *lines]]
    path.write_text("\n".join(map(",".join, cells)))


def test_a_table_gets_names_and_probabilities(table, tmp_path, capsys):
    assert call("predict run mine.csv") == 0
    assert capsys.readouterr().out == "60 predictions written to predictions.csv\n"
    header, below = rows((tmp_path / "predictions.csv").read_text())
    assert header == ["prediction", "probability_ant", "probability_bee", "probability_cow"]
    net = minidl.load("run/net.npz")
    x = np.array([[float(cell) for cell in line.split(",")[:2]] for line in table])
    probabilities = np.array([row[1:] for row in below], float)
    np.testing.assert_allclose(probabilities, net.predict_probabilities(x), rtol=1e-6)
    assert [row[0] for row in below] == [net.head.target_names[label] for label in net.predict(x)]
    assert np.mean([row[0] == line.split(",")[-1] for row, line in zip(below, table, strict=True)]) > 0.9


def test_columns_are_found_by_their_names_and_the_target_need_not_be_there(table, tmp_path, capsys):
    assert call("predict run mine.csv --out -") == 0
    expected = capsys.readouterr().out
    assert len(expected.splitlines()) == 61
    write(tmp_path / "bare.csv", table, [0, 1])
    write(tmp_path / "turned.csv", table, [2, 1, 0])
    (tmp_path / "raw.csv").write_text("\n".join(line.rpartition(",")[0] for line in table))
    for name in ("bare", "turned", "raw"):
        assert call(f"predict run {name}.csv --out -") == 0
        assert capsys.readouterr().out == expected
    (tmp_path / "there").mkdir()
    (tmp_path / "bare.csv").rename("there/bare.csv")
    assert call("predict run bare.csv --data-dir there --out there/out.csv") == 0
    assert (tmp_path / "there/out.csv").read_text() == expected


def test_columns_that_are_kept(table, tmp_path, capsys):
    assert call("predict run mine.csv --out -") == 0
    plain = rows(capsys.readouterr().out)
    assert call("predict run mine.csv --keep kind 0 --out no/where/out.csv") == 0
    header, below = rows((tmp_path / "no/where/out.csv").read_text())
    assert header == ["kind", "long", *plain[0]]
    cells = [line.split(",") for line in table]
    assert below == [[kind, long, *row] for (long, _, kind), row in zip(cells, plain[1], strict=True)]


def test_without_a_header(table, tmp_path, capsys):
    (tmp_path / "raw.csv").write_text("\n".join(table))
    assert call("train raw.csv --steps 5 --quiet --out raw") == 0
    assert call("predict raw raw.csv --out -") == 0
    expected = capsys.readouterr().out
    (tmp_path / "raw.csv").write_text("\n".join(line.rpartition(",")[0] for line in table))
    assert call("predict raw raw.csv --out -") == 0
    assert capsys.readouterr().out == expected
    (tmp_path / "raw.csv").write_text("1\n2\n")
    refused("predict raw raw.csv", "expected a column of classes and one or more of numbers", capsys)


def test_words_become_the_codes_of_training(tmp_path, capsys):
    """What `run.json` says of categories; 0 is every other one's code."""
    net = Sequential(Affine(2, 1, rng=0), minidl.MeanSquaredError())
    net["affine0"].weight.value[...] = [[10], [1]]
    made = {"columns": ["colour", "size"], "target": "price", "categories": {"colour": ["blue", "red"]}}
    runs.keep(tmp_path / "run", net, tmp_path / "gone.csv", **made)
    (tmp_path / "new.csv").write_text("size,colour\n1,red\n2,blue\n3,green\n4,red\n")
    assert call("predict run new.csv --out -") == 0
    assert capsys.readouterr().out.split() == ["prediction", "21.0", "12.0", "3.0", "24.0"]
    (tmp_path / "new.csv").write_text("red,1\nblue,2\n")  # without a header, in the order of training
    assert call("predict run new.csv --out -") == 0
    assert capsys.readouterr().out.split() == ["prediction", "21.0", "12.0"]


def test_parts_of_a_data_set(tmp_path, capsys):
    net = runs.convolutional()
    runs.keep(tmp_path / "run", net, runs.images_file(tmp_path / "x.npz"))
    arrays = dict(np.load("x.npz"))
    np.savez("bare.npz", x=arrays["x_train"][:7])
    for command, x in [
        ("x.npz", arrays["x_test"]),
        ("x.npz --part train", arrays["x_train"]),
        ("bare.npz", arrays["x_train"][:7]),
    ]:
        assert call(f"predict run {command} --out -") == 0
        header, below = rows(capsys.readouterr().out)
        assert header == ["prediction", *(f"probability_{name}" for name in ("cat", "dog", "hen"))]
        found = np.array([row[1:] for row in below], np.float32)
        np.testing.assert_array_equal(found, net.predict_probabilities(x))  # every digit
    assert call("train --steps 5 --quiet --out digits") == 0
    assert call("predict digits digits --part validation --out -") == 0
    assert len(rows(capsys.readouterr().out)[1]) == 178


def test_numbers_hinges_and_single_scores(tmp_path, capsys):
    data = runs.numbers_file(tmp_path / "x.npz")
    x = np.load(data)["x_test"]
    net = runs.regression()
    runs.keep(tmp_path / "a", net, data)
    assert call("predict a x.npz --out -") == 0
    header, below = rows(capsys.readouterr().out)
    assert header == ["prediction"]
    np.testing.assert_array_equal(np.array(below, np.float32), net.predict(x).reshape(-1, 1))
    runs.keep(tmp_path / "b", Sequential(Affine(2, 3, rng=0), MulticlassHinge()), data)
    assert call("predict b x.npz --out -") == 0
    assert rows(capsys.readouterr().out)[0] == ["prediction"]
    net = Sequential(Affine(2, 1, rng=0), BinaryCrossEntropy())
    runs.keep(tmp_path / "c", net, data)
    assert call("predict c x.npz --out -") == 0
    header, below = rows(capsys.readouterr().out)
    assert header == ["prediction", "probability_0", "probability_1"]
    found = np.array(below, np.float32)
    np.testing.assert_array_equal(found[:, 2], net.predict_probabilities(x)[:, 0])
    np.testing.assert_array_equal(found[:, 0], net.predict(x))
    net = Sequential(Affine(2, 2, rng=0), BinaryCrossEntropy())
    runs.keep(tmp_path / "d", net, data)
    assert call("predict d x.npz --out -") == 0
    header, below = rows(capsys.readouterr().out)
    assert header == ["prediction_0", "prediction_1", "probability_0", "probability_1"]
    np.testing.assert_array_equal(np.array(below, np.float32)[:, :2], net.predict(x))


def test_more_samples_than_are_taken_at_once(tmp_path, capsys):
    runs.keep(tmp_path / "run", runs.regression(), runs.numbers_file(tmp_path / "x.npz"))
    x = np.random.default_rng(0).standard_normal((5000, 2))
    np.savez("many.npz", x=x)
    assert call("predict run many.npz --out -") == 0
    _, below = rows(capsys.readouterr().out)
    np.testing.assert_allclose(np.array(below, float)[:, 0], x.sum(axis=1), atol=1e-5)
    kept = [[str(row)] for row in range(5000)]
    written = predict._rows(runs.regression(), Rows(x, ["row"], kept))
    assert list(written) == [
        ["row", "prediction"],
        *(one + cells for one, cells in zip(kept, below, strict=True)),
    ]


def test_whole_or_not_at_all(table, tmp_path, capsys):
    (tmp_path / "predictions.csv").write_text("before")
    write(tmp_path / "odd.csv", [*table[:5], "1,inf,ant"], [0, 1, 2])
    refused("predict run odd.csv", "line 7, column 'wide': expected a finite number, got 'inf'", capsys)
    write(tmp_path / "odd.csv", [*table[:5], "1,nan,ant", ",,bee"], [0, 1, 2])
    message = "column 'long' (1 row, first in line 8), column 'wide' (2 rows, first in line 7); drop"
    refused("predict run odd.csv", message, capsys)
    write(tmp_path / "odd.csv", [*table[:5], "1,2,3,ant"], [0, 1])
    net = minidl.load("run/net.npz")
    net["affine1"].bias.value[...] = np.inf
    minidl.save(net, "run/net.npz")
    runs.change(tmp_path / "run", files=None)
    refused("predict run mine.csv", "finite score for the class", capsys)
    assert (tmp_path / "predictions.csv").read_text() == "before"
    assert not list(tmp_path.glob(".minidl*"))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("predict run", "the following arguments are required: FILE"),
        ("predict nowhere mine.csv", "expected a directory with run.json"),
        ("predict run nowhere.csv", "csv file 'nowhere.csv': expected a readable file"),
        ("predict run nowhere.npz", "npz file 'nowhere.npz': expected a readable .npz file"),
        ("predict run nowhere.npz", "got no such file"),
        ("predict run few.csv", "got none named wide; the file has long, kind"),
        ("predict run words.csv", "got 'ant'; the file has no header, and the net knows its columns by name"),
        ("predict run comma.csv", "got '1,5'; write decimals with a point"),
        ("predict run/net.npz mine.csv", "got a file; give the directory that it lies in: run"),
        ("predict run plain.npy", "np.savez('mine.npz', x=array) to predict"),
        ("predict run mine.csv --keep kin", "expected a --keep column 'kin', got columns long, wide, kind"),
        ("predict run nan.npz --keep kind", "--keep: expected columns of a .csv file only"),
        ("predict run mine.csv --out run", "--out: expected a file, got the directory run; give run/pred"),
        (
            "predict run mine.csv --out out.NPZ",
            "expected the name of a .csv file, which is written, got out.NPZ",
        ),
        ("predict run short.csv", "line 3: expected 2 cells, as in the first row, got 3"),
        ("predict run three.csv", "expected 2 columns, those that the net was trained on, got 3"),
        ("predict run mine.csv --part test", "expected no --part of a table"),
        ("predict run mine.csv --out mine.csv", "--out: expected another file than the one that is read"),
        ("predict run digits", "expected samples of the shape that the net takes, got (8, 8)"),
        ("predict run x.npz", "expected an array x or x_test or x_validation or x_train, got y"),
        ("predict run x.npz --part test", "expected an array x_test, got y"),
        ("predict run nan.npz", "nan.npz', x: expected finite features"),
        ("predict run mine.csv --out mine.csv/where.csv", "mine.csv"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(command, message, table, tmp_path, capsys):
    write(tmp_path / "few.csv", table, [0, 2])
    (tmp_path / "short.csv").write_text("long,wide\n1,2\n1,2,3\n")
    (tmp_path / "three.csv").write_text("1,2,3\n" * 4)
    (tmp_path / "words.csv").write_text("ant,1\nbee,2\n")
    (tmp_path / "comma.csv").write_text("long;wide\n1,5;2\n")
    np.savez("x.npz", y=np.ones((3, 2)))
    np.savez("nan.npz", x=np.full((3, 2), np.nan))
    assert refused(command, message, capsys) == ""


def test_what_is_predicted_is_what_evaluate_counts(table, tmp_path, capsys):
    assert call("predict run mine.csv") == 0
    _, below = rows((tmp_path / "predictions.csv").read_text())
    right = np.mean([row[0] == line.split(",")[-1] for row, line in zip(below, table, strict=True)])
    write(tmp_path / "new.csv", table, [0, 1, 2])
    capsys.readouterr()
    assert call("evaluate run new.csv") == 0
    assert f"{right:.2%}" in capsys.readouterr().out
    assert json.loads((tmp_path / "run/run.json").read_text())["columns"] == COLUMNS[:2]


@pytest.mark.parametrize(
    "names", [None, ["label", *range(108)], [*range(108), "Class"], [*range(108)], ["", *range(108), "y"]]
)
def test_a_table_of_pixels(names, tmp_path, capsys):
    """A pixel a column, in C order, beside labels and pandas' index or not."""
    x = np.load(runs.images_file(tmp_path / "x.npz"))["x_test"]
    runs.keep(tmp_path / "run", net := images_net(), tmp_path / "x.npz")
    pixels = x.reshape(len(x), -1).tolist()
    lines = [iter(row) for row in pixels]
    lines = [[next(line) if isinstance(name, int) else 1 for name in names or range(108)] for line in lines]
    lines = [names, *lines] if names else lines
    (tmp_path / "new.csv").write_text("\n".join(",".join(map(str, line)) for line in lines))
    assert call("predict run new.csv --out -") == 0
    assert [row[0] for row in rows(capsys.readouterr().out)[1]] == [
        net.head.target_names[label] for label in net.predict(x)
    ]
    (tmp_path / "new.csv").write_text("\n".join("1," + ",".join(map(str, line)) for line in pixels))
    message = "got (109,); 108 numbers a row are taken as images of (3, 6, 6), and a column beside them by"
    refused("predict run new.csv", message, capsys)


def images_net():
    """A net that says what images it takes."""
    standardize = minidl.Standardize(np.full((3, 6, 6), 128), 74)
    return Sequential(
        standardize, Flatten(), Affine(108, 3, rng=0), SoftmaxCrossEntropy(("cat", "dog", "hen"))
    )
