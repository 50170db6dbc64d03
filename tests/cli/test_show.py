"""`minidl show`, and the pictures of every kind of net."""

import numpy as np
import pytest
import scipy.sparse

import minidl
from minidl.cli import looking, run_directory, searching, show
from tests.cli import runs
from tests.cli.calling import call, refused
from tests.deep import deep
from tests.plots.pictures import drawn

ALWAYS = {"net.npz", "history.json", "run.json", "history.png", "weights.png", "net.png"}
OF_CLASSES = {"confusion.png"}
OF_IMAGES = {"mistakes.png", "units.png"}


def written(directory):
    return {path.name for path in directory.iterdir()}


@pytest.fixture
def undrawn(monkeypatch):
    """No picture is drawn: a test looks at what is printed."""
    monkeypatch.setattr(run_directory, "draw", lambda pictures: [path.name for path in pictures])


@deep
def test_a_run_of_digits(tmp_path, capsys):
    assert call("train --epochs 3 --hidden 5 --lr 0.04 --quiet --out run") == 0
    (tmp_path / "run/weights.png").unlink()
    assert call("show run") == 0
    out = capsys.readouterr().out
    saved = {"checkpoint.npz", "checkpoint.previous.npz"}
    assert written(tmp_path / "run") == ALWAYS | OF_CLASSES | OF_IMAGES | saved
    for name in sorted(ALWAYS | OF_CLASSES | OF_IMAGES):
        if name.endswith("png"):
            drawn(tmp_path / "run" / name)
    net, history = minidl.load("run/net.npz"), minidl.History.load("run/history.json")
    assert net.summary((8, 8)) in out
    cells = dict(line.rsplit("  ", 1) for line in out.splitlines() if "  " in line)
    cells = {name.strip(): value.strip() for name, value in cells.items()}
    assert (cells["data"], cells["hidden"], cells["lr decay"]) == ("digits", "5", "0.95")
    assert cells["stopped"] == "at its end"
    assert cells["validation accuracy"] == f"{history.epochs['validation_accuracy'][-1]:.2%}"
    assert cells["train loss"] == f"{history.epochs['train_loss'][-1]:.4f}"
    assert "epoch 3" in out
    assert "after 120 steps" in out


@pytest.mark.usefixtures("undrawn")
def test_an_interrupted_run(tmp_path, capsys):
    data, settings = runs.numbers_file(tmp_path / "x.npz"), {"epochs": 5}
    runs.keep(tmp_path / "run", runs.regression(), data, settings=settings)
    assert call("show run") == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    first = lines.index(["2", "steps,", "no", "epoch", "completed", "the", "last", "one's"])
    assert lines[first + 1 : first + 3] == [["loss", "1"], ["lr", "0.1"]]
    assert ["epochs", "5", "asked", "for"] in lines
    assert "interrupted" in out


def test_a_convolutional_net(tmp_path, capsys):
    runs.keep(tmp_path / "run", runs.convolutional(), runs.images_file(tmp_path / "x.npz"))
    assert call("show run") == 0
    assert not capsys.readouterr().err
    assert written(tmp_path / "run") == ALWAYS | OF_CLASSES | OF_IMAGES


def test_a_net_of_numbers(tmp_path, capsys):
    runs.keep(tmp_path / "run", runs.regression(), runs.numbers_file(tmp_path / "x.npz"))
    assert call("show run") == 0
    assert not capsys.readouterr().err
    assert written(tmp_path / "run") == ALWAYS | {"predictions.png"}


@pytest.mark.usefixtures("undrawn")
def test_a_net_that_has_no_answer(tmp_path, capsys):
    net = runs.convolutional()
    net["affine0"].bias.value[...] = np.nan
    runs.keep(tmp_path / "run", net, runs.images_file(tmp_path / "x.npz"))
    assert call("show run") == 0
    out, err = capsys.readouterr()
    assert err.startswith("minidl: no pictures of what it answers: ")
    assert out.endswith("drawn into run: history.png, weights.png, net.png, units.png\n")


@deep
def test_without_the_data_what_needs_none_is_shown(tmp_path, capsys):
    data = runs.images_file(tmp_path / "x.npz")
    runs.keep(tmp_path / "run", runs.convolutional(), data)
    (tmp_path / "there").mkdir()
    data.rename(tmp_path / "there/x.npz")
    assert call("show run") == 0
    out, err = capsys.readouterr()
    assert err.startswith("minidl: shown without the data: npz file")
    assert len(err.splitlines()) == 1
    assert "drawn into run: history.png, weights.png, net.png" in out
    assert call("show run --data-dir there") == 0
    assert not capsys.readouterr().err
    assert written(tmp_path / "run") == ALWAYS | OF_CLASSES | OF_IMAGES


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("show", "the following arguments are required: DIR"),
        ("show nowhere", "expected a directory with run.json"),
        ("show bare", "history.json"),
        ("show empty", "got none; give the directory that minidl train wrote; one that still runs, or was"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(command, message, tmp_path, capsys):
    runs.keep(tmp_path / "bare", runs.regression(), runs.numbers_file(tmp_path / "x.npz"))
    (tmp_path / "bare/history.json").unlink()
    (tmp_path / "empty").mkdir()
    assert refused(command, message, capsys) == ""


@pytest.mark.usefixtures("undrawn")
def test_sparse_samples(tmp_path, capsys):
    """Evaluated, predicted and shown as the same samples are that are dense."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 2, (30, 9)).astype(np.float32), np.arange(30) % 3
    net = minidl.Sequential(minidl.Affine(9, 3, rng=0), minidl.SoftmaxCrossEntropy())
    printed = {}
    for kind, features in (("dense", x), ("sparse", scipy.sparse.csr_array(x))):
        part = minidl.Dataset(features, y)
        minidl.data.save(minidl.data.Splits("x", part, part, part), tmp_path / "x.npz")
        minidl.data.save(minidl.data.Splits("new", part, part), tmp_path / "new.npz")
        runs.keep(tmp_path / kind, net, tmp_path / "x.npz")
        lines = [
            f"evaluate {kind}",
            f"evaluate {kind} new.npz",
            f"predict {kind} x.npz --out -",
            f"show {kind}",
        ]
        assert [call(line) for line in lines] == [0] * 4
        printed[kind], err = capsys.readouterr()
        assert not err
    assert printed["sparse"].replace("into sparse", "into dense") == printed["dense"]


def test_another_net_leaves_no_picture_of_the_one_before(tmp_path, capsys, monkeypatch):
    """What the run's owner put there stays."""
    draw = lambda pictures: [path.name for path in pictures if path.write_text("new")]  # noqa: E731
    monkeypatch.setattr(run_directory, "draw", draw)
    runs.keep(tmp_path / "run", runs.regression(), runs.numbers_file(tmp_path / "x.npz"))
    for name in (*run_directory.PICTURES, "mine.png", "notes.txt"):
        (tmp_path / "run" / name).write_text("before")
    assert call("train x.npz --steps 2 --force --out run") == 0
    names = ["checkpoint.npz", "history.json", "history.png", "net.npz", "run.json", "weights.png"]
    assert capsys.readouterr().out.endswith(f"written to run: {', '.join(names)}\n")
    names.append("checkpoint.previous.npz")
    assert written(tmp_path / "run") == {*names, "mine.png", "notes.txt"}
    assert (tmp_path / "run/weights.png").read_text() == "new"


def test_every_picture_is_known_by_its_name(tmp_path):
    splits = minidl.data.load(runs.images_file(tmp_path / "x.npz"))
    net, part = runs.convolutional(), splits.test
    made = {**looking.pictures(tmp_path, net, looking.answers(net, part))}
    made |= looking.unit_pictures(tmp_path, net, "test", part)
    made |= run_directory.pictures(tmp_path, net, minidl.History(), splits)
    others = {show.DIAGRAM, looking.PREDICTIONS, run_directory.CURVES, searching.CURVES, searching.HEAT_MAP}
    assert {path.name for path in made} | others == set(run_directory.PICTURES)


# ---------------------------------------------------------------- which weights are drawn


@pytest.mark.parametrize(
    ("net", "sample_shape", "weight", "shape"),
    [
        (runs.convolutional, (3, 6, 6), "sequential0.conv2d0.weight", (3, 3, 3)),
        (runs.of_words, (5,), "embedding0.weight", (20,)),
        (runs.regression, (2,), "affine0.weight", (2,)),
        (lambda: minidl.mlp(64, [5], 3), (8, 8), "affine0.weight", (8, 8)),
        (lambda: minidl.mlp(75, [5], 3), (3, 5, 5), "affine0.weight", (3, 5, 5)),
    ],
)  # fmt: skip
def test_the_first_layers_weights(net, sample_shape, weight, shape, tmp_path, monkeypatch):
    net = net()
    splits = minidl.data.Splits("a", minidl.Dataset(np.zeros((3, *sample_shape)), np.zeros(3, int)))
    array, drawn_shape, path, names, title = weights_drawn(tmp_path, net, splits, monkeypatch)
    np.testing.assert_array_equal(array, net.parameters[weight].value)
    assert (drawn_shape, path, names) == (shape, tmp_path / "weights.png", None)
    assert title.startswith(f"{weight.removesuffix('.weight')}: ")


def weights_drawn(directory, net, splits, monkeypatch):
    """What is given to `plot_weights`."""
    seen = []
    monkeypatch.setattr(run_directory, "plot_weights", lambda *given, **named: seen.append((given, named)))
    run_directory.draw(run_directory.pictures(directory, net, minidl.History(), splits))
    ((given, named),) = seen
    return *given, named["names"], named["title"]


def test_the_weights_of_a_table_bear_its_names(tmp_path, monkeypatch):
    """Of categories, a vector each; of numbers, a row each; and without the data, too."""
    columns = [minidl.data.Column("km"), minidl.data.Column("make", ["", "BMW", "VW"])]
    train = minidl.Dataset(np.array([[1.0, 1], [2, 2], [3, 3]]), np.ones((3, 1)), columns=columns)
    splits = minidl.data.Splits("cars", train)
    run = {"data": "cars.csv", "columns": ["km", "make"], "categories": {"make": ["", "BMW", "VW"]}}
    run_directory.write_run(tmp_path, run)
    for data in (splits, None):
        net = minidl.recipes.table_net(train, rng=0)
        weight, shape, _, names, title = weights_drawn(tmp_path, net, data, monkeypatch)
        assert weight is net.parameters["columns0.column1.weight"].value
        assert (shape, names) == ((4,), ["(others)", "(missing)", "BMW", "VW"])
        assert title == "make: a vector for each category"
        _, shape, _, names, title = weights_drawn(tmp_path, minidl.mlp(2, [5], 1), data, monkeypatch)
        assert (shape, names, title) == ((2,), ["km", "make"], "affine0: weights of 5 units")


def test_what_excites_units_says_where_and_among_which(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(looking, "plot_units", lambda *given, **named: seen.append((given, named)))
    monkeypatch.setattr(looking, "_MOST_IMAGES", 4)
    part = minidl.Dataset(np.random.default_rng(0).random((9, 3, 6, 6)), np.zeros(9, int))
    run_directory.draw(looking.unit_pictures(tmp_path, runs.convolutional(), "test", part))
    (((images, outputs, _), named),) = seen
    np.testing.assert_array_equal(images, part.features[::3])
    assert outputs.shape == (3, 4, 6, 6)
    assert {name: named[name] for name in ("stride", "padding", "dilation")} == dict(
        stride=1, padding=1, dilation=1
    )
    where = "sequential0.conv2d0: what excites each unit most, of 3 test images (1 in 3 of 9)"
    assert named["title"] == where


def test_a_net_without_weights_has_no_picture_of_them(tmp_path):
    net = minidl.Sequential(minidl.Flatten(), minidl.SoftmaxCrossEntropy())
    assert run_directory.pictures(tmp_path, net, minidl.History(), None) == {}


# ---------------------------------------------------------------- what evaluate draws


def test_evaluate_draws_into_the_run_or_where_out_says(tmp_path, capsys):
    data = runs.images_file(tmp_path / "x.npz")
    before = runs.keep(tmp_path / "run", runs.convolutional(), data)
    files = written(before)
    (tmp_path / "other.npz").write_bytes(data.read_bytes())
    assert call("evaluate run other.npz") == 0
    assert written(before) == files
    assert call("evaluate run other.npz --out looks/here") == 0
    assert written(before) == files
    assert written(tmp_path / "looks/here") == {"confusion.png", "mistakes.png"}
    capsys.readouterr()
    assert call("evaluate run") == 0
    assert capsys.readouterr().out.endswith("\ndrawn into run: confusion.png, mistakes.png\n")
    assert written(before) == files | {"confusion.png", "mistakes.png"}


def test_numbers_are_measured_in_their_unit(tmp_path, capsys):
    data = runs.numbers_file(tmp_path / "x.npz")
    runs.keep(tmp_path / "run", runs.regression(), data)
    assert call("evaluate run") == 0
    out = capsys.readouterr().out
    assert out.startswith("x: 27 train, 3 validation, 10 test samples of 2 float32, numbers to predict\n")
    assert "by class" not in out
    arrays = np.load(data)
    errors = arrays["x_test"].sum(axis=1, keepdims=True) - arrays["y_test"]
    header, *_, test = (line.split("  ") for line in out.split("\n\n")[1].splitlines())
    names = [name.strip() for name in header if name.strip()]
    cells = dict(zip(names, [cell.strip() for cell in test if cell.strip()], strict=True))
    assert cells["mean absolute error"] == f"{np.abs(errors).mean():.4f}"
    assert cells["root mean squared error"] == f"{np.sqrt((errors**2).mean()):.4f}"
    spread = ((arrays["y_test"] - arrays["y_test"].mean()) ** 2).sum()
    assert cells["r2"] == f"{1 - (errors**2).sum() / spread:.4f}"
    assert (tmp_path / "run/predictions.png").exists()


@pytest.mark.parametrize(("target", "names"), [("price", ["price"]), (3, None), (None, None)])
def test_predicted_numbers_bear_the_name_of_their_column(target, names, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(looking, "plot_predictions", lambda *_, **named: seen.append(named["names"]))
    net = runs.regression()
    given = looking.answers(net, minidl.Dataset(np.ones((4, 2)), np.ones((4, 1))))
    run_directory.draw(looking.pictures(tmp_path, net, given, target))
    assert seen == [names]


@pytest.mark.parametrize("head", [minidl.losses.BinaryCrossEntropy, minidl.losses.MulticlassHinge])
def test_answers_of_other_losses(head, tmp_path):
    """Two classes by one score; and a loss that knows no probabilities, so that no mistake is sure."""
    outputs = 1 if head is minidl.losses.BinaryCrossEntropy else 2
    net = minidl.Sequential(minidl.Flatten(), minidl.Affine(4, outputs, rng=0), head())
    part = minidl.Dataset(np.random.default_rng(0).standard_normal((9, 2, 2)), np.arange(9) % 2)
    given = looking.answers(net, part)
    assert given.classes == ("0", "1")
    pictures = looking.pictures(tmp_path, net, given)
    assert [path.name for path in pictures] == ["confusion.png", "mistakes.png"][: 3 - outputs]
    if outputs == 1:
        np.testing.assert_allclose(looking.sureness(net, given).sum(axis=1), 1)


def test_labels_that_do_not_exclude_each_other(tmp_path):
    net = minidl.Sequential(minidl.Affine(4, 3, rng=0), minidl.losses.BinaryCrossEntropy())
    rng = np.random.default_rng(0)
    part = minidl.Dataset(rng.standard_normal((9, 4)), rng.integers(0, 2, (9, 3)))
    given = looking.answers(net, part)
    assert given.classes == ("0", "1", "2")
    assert looking.pictures(tmp_path, net, given) == {}
