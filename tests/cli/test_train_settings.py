"""``minidl train`` with other nets and trainings than the classic one."""

import json

import numpy as np
import pytest

import minidl
from minidl import L2, SGD, Affine, Flatten, ReLU, Sequential, SoftmaxCrossEntropy, Standardize, StepDecay
from tests.cli.calling import call, refused


def run_of(directory):
    return json.loads((directory / "run.json").read_text())


@pytest.fixture
def numbers_file(tmp_path):
    """A price that follows from four measurements, in cents."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 4))
    y = 1e6 + 1e5 * (x[:, 0] - 2 * x[:, 1] + 0.1 * rng.standard_normal(200))
    np.savez(tmp_path / "prices.npz", x_train=x[:150], y_train=y[:150], x_test=x[150:], y_test=y[150:])
    return "prices.npz"


@pytest.fixture
def houses(tmp_path):
    """The same as a table, in which a word says most."""
    rng = np.random.default_rng(0)
    lines = ["size,town,price"]
    for _ in range(150):
        size, town = rng.uniform(30, 200), rng.choice(["Bonn", "Ulm", "Rom"])
        lines.append(f"{size:.1f},{town},{size * {'Bonn': 3000, 'Ulm': 2000, 'Rom': 9000}[town]:.0f}")
    (tmp_path / "houses.csv").write_text("\n".join(lines) + "\n")
    return "houses.csv"


def test_without_options_it_is_the_classic_training_to_the_bit(digits):
    assert call("train --steps 45 --quiet --out run") == 0
    rng = np.random.default_rng(0)
    net = Sequential(
        Standardize.fit(digits.train.features, shared_scale=True),
        Flatten(),
        Affine(64, 100, rng=rng),
        ReLU(),
        Affine(100, 10, rng=rng),
        SoftmaxCrossEntropy(digits.train.target_names),
    )
    options = {"scheduler": StepDecay(0.95), "regularizer": L2(5 / len(digits.train)), "rng": rng}
    trainer = minidl.Trainer(net, SGD(0.05, momentum=0.9), **options)
    trainer.fit(digits.train, steps=45, batch_size=32, validation=digits.validation)
    trained = minidl.load("run/net.npz")
    assert np.array_equal(trained.parameters.values, net.parameters.values)
    assert list(trained.parameters) == list(net.parameters)


def test_every_setting_is_followed(tmp_path, digits):
    line = (
        "train digits --hidden 6 --activation tanh --norm layer --dropout 0.1 --label-smoothing 0.2 "
        "--class-weights balanced "
        "--optimizer adamw --weight-decay 0.3 --lr 0.004 --schedule polynomial --warmup 5 --clip-norm 1 "
        "--average ema --augment crop:1,noise --batch-size 50 --steps 20 --reg 0"
    )
    assert call(f"{line} --out run --quiet") == 0
    settings = run_of(tmp_path / "run")["settings"]
    assert settings.items() >= {
        "model": "mlp", "hidden": [6], "activation": "tanh", "norm": "layer", "dropout": 0.1,
        "label_smoothing": 0.2, "class_weights": "balanced", "optimizer": "adamw", "weight_decay": 0.3,
        "lr": 0.004, "warmup": 5, "schedule": "polynomial", "clip_norm": 1, "average": "ema",
        "augment": "crop:1,noise", "steps": 20,
    }.items()  # fmt: skip
    net = minidl.load("run/net.npz")
    kinds = [type(layer).__name__ for layer in net]
    assert kinds == ["Standardize", "Flatten", "Affine", "LayerNorm", "Tanh", "Dropout", "Affine"]
    assert net.head.label_smoothing == 0.2
    assert net.head.class_weights == digits.train.balanced_weights()
    rates = minidl.History.load("run/history.json").steps["lr"]
    np.testing.assert_allclose(rates[5:], 0.004 * (1 - np.arange(5, 20) / 20), rtol=1e-6)
    assert rates[0] == pytest.approx(0.0004)


@pytest.mark.parametrize(("model", "layer"), [("conv", "MaxPool2d"), ("resnet", "GlobalAvgPool2d")])
def test_nets_for_images(model, layer, tmp_path, capsys):
    assert call(f"train digits --model {model} --channels 4 --steps 3 --out run") == 0
    assert f"net: {model}, " in capsys.readouterr().out
    net = minidl.load("run/net.npz")
    assert layer in [type(part).__name__ for part in net]
    assert run_of(tmp_path / "run")["settings"]["channels"] == [4]
    assert model == "resnet" or call("evaluate run") == 0


@pytest.mark.parametrize(
    "options", ["--lr 0.02", "--optimizer sgd --lr 0.02 --momentum 0.5", "--loss l1 --lr 0.02 --model table"]
)
def test_numbers_are_predicted_in_their_own_unit(options, numbers_file, tmp_path, capsys):
    assert call(f"train {numbers_file} --hidden 20 --epochs 40 {options} --out run") == 0
    assert "4 → 20 → 1" in capsys.readouterr().out or "table" in options
    results = run_of(tmp_path / "run")["results"]["test"]
    assert results["r2"] > 0.9
    data = minidl.data.load(numbers_file).test
    predicted = minidl.load("run/net.npz").predict(data.features)
    assert predicted.shape == data.targets.shape
    assert np.abs(predicted - data.targets).mean() < 0.3 * data.targets.std()


def test_a_table_with_words_gets_a_net_for_tables(houses, tmp_path):
    assert call(f"train {houses} --target price --epochs 40 --lr 0.01 --out run --quiet") == 0
    run = run_of(tmp_path / "run")
    assert run["settings"]["model"] == "table"
    assert run["results"]["validation"]["r2"] > 0.9


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_a_table_with_words_is_for_no_other_net(command, houses, capsys, tmp_path):
    words = "model mlp: expected features that are numbers, got columns of categories (town); take the model"
    refused(f"{command} {houses} --target price --model mlp --epochs 1 --out run", words, capsys)
    assert not (tmp_path / "run").exists()


def test_early_stopping_keeps_the_best_net(tmp_path, capsys):
    line = "train digits --hidden 8 --optimizer adam --lr 0.1 --epochs 50 --early-stopping 2 --out run"
    assert call(line) == 0
    assert (
        "stopped early: EarlyStopping: validation_loss has not improved for 2 epochs"
        in capsys.readouterr().out
    )
    losses = minidl.History.load("run/history.json").epochs["validation_loss"]
    assert len(losses) == np.argmin(losses) + 3 < 50
    assert run_of(tmp_path / "run")["results"]["validation"]["loss"] == pytest.approx(min(losses))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "--optimizer adam --momentum 0.5",
            "momentum: expected optimizer sgd or rmsprop beside it, got adam",
        ),
        ("--schedule cosine --lr-decay 0.9", "lr_decay: expected schedule step beside it, got cosine"),
        ("--optimizer lbfgs --augment noise", "augment: expected optimizer sgd, adam,"),
        (
            "--loss hinge --class-weights balanced",
            "class_weights: expected loss softmax beside it, got hinge",
        ),
        ("--optimizer nadam", "invalid choice: 'nadam'"),
        ("--model resnet --hidden 5", "hidden: expected model mlp, conv or table beside it, got resnet"),
        ("--loss mse", "loss for labels to be one of 'softmax', 'hinge', got 'mse'"),
        ("--augment rotate", "names among flip, crop, erase, noise, mixup, joined by commas, got 'rotate'"),
        ("--early-stopping 3 --average swa", "one net to take in the end"),
        ("--dropout 1.5", "dropout to be a finite number >= 0 and <= 1, got 1.5"),
        ("--activation sin", "invalid choice: 'sin'"),
        ("--warmup -1", "warmup to be a whole number >= 0, got -1"),
        ("--optimizer adam sgd", "expected one value, got adam sgd; minidl sweep --optimizer takes several"),
    ],
)
def test_what_does_not_go_together_gives_one_line(options, message, capsys, tmp_path):
    assert not refused(f"train digits --steps 3 {options} --out run", message, capsys)
    assert not (tmp_path / "run/net.npz").exists()


def test_numbers_are_not_for_nets_of_images(numbers_file, capsys):
    refused(f"train {numbers_file} --model conv", "model conv: expected targets that are labels", capsys)


@pytest.mark.parametrize("command", ["train", "sweep"])
def test_the_help_begins_with_examples(command, capsys):
    with pytest.raises(SystemExit):
        call(f"{command} --help")
    out = capsys.readouterr().out
    titles = [
        "examples:",
        "data:",
        "net:",
        "training:",
        *(["search:"] if command == "sweep" else []),
        "output:",
    ]
    places = [out.index(f"\n{title}\n") for title in titles]
    assert places == sorted(places)
    assert "(sgd)" in out
