import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.cli import run_directory
from minidl.data import Dataset, Splits
from minidl.errors import ConfigurationError
from minidl.recipes import SETTINGS, Settings, build_trainer, settings_for
from minidl.recipes.augment import augmentation
from minidl.recipes.defaults import GENERAL
from minidl.recipes.names import ACTIVATIONS, LABEL_LOSSES, NORMS, NUMBER_LOSSES, OPTIMIZERS, SCHEDULES
from minidl.recipes.settings import KEYS, configuration_of


def test_what_is_given_comes_before_the_data_sets_own_and_that_before_the_models():
    settings = settings_for("digits", {"lr": 0.5}, 1000)
    assert (settings["lr"], settings["epochs"], settings["momentum"]) == (0.5, 60, 0.9)
    assert settings["reg"] == 5 / 1000
    assert settings_for("mine", {}, 1000)["epochs"] == 40
    assert settings_for("digits", {"steps": 3}, 1000).keys() >= {"steps"}
    assert "epochs" not in settings_for("digits", {"steps": 3}, 1000)


@pytest.mark.parametrize(("data", "model"), [*SETTINGS, *(("mine", model) for model in GENERAL)])
def test_every_default_is_one_that_can_be_given(data, model):
    settings = settings_for(data, {"model": model}, 100)
    assert settings == settings_for("another", settings, 100)
    assert settings["model"] == model


def test_another_optimizer_has_a_rate_of_its_own():
    rates = {name: settings_for("digits", {"optimizer": name}, 10).get("lr") for name in OPTIMIZERS}
    assert rates == {
        "sgd": 0.05, "adam": 0.001, "adamw": 0.001, "rmsprop": 0.001, "adagrad": 0.02, "lbfgs": None,
    }  # fmt: skip
    assert settings_for("digits", {"optimizer": "rmsprop"}, 10)["momentum"] == 0
    assert settings_for("digits", {"optimizer": "adamw"}, 10)["reg"] == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": "dense"}, "model to be one of 'mlp', 'conv', 'resnet', 'table', got 'dense'"),
        ({"colour": 1}, "settings among model, hidden, .*, got colour"),
        ({"loss": "mse"}, "loss for labels to be one of 'softmax', 'hinge', got 'mse'"),
        ({"optimizer": "adam", "momentum": 0.5}, "momentum: expected optimizer sgd or rmsprop beside it"),
        ({"schedule": "cosine", "lr_decay": 0.5}, "lr_decay: expected schedule step beside it, got cosine"),
        ({"optimizer": "lbfgs", "lr": 0.5}, "lr: expected optimizer sgd, .* or adagrad beside it, got lbfgs"),
        ({"optimizer": "lbfgs", "lr_decay": 0.5}, "lr_decay: expected .* got no schedule"),
        ({"model": "resnet", "hidden": [5]}, "hidden: expected model mlp, conv or table beside it"),
        ({"loss": "hinge", "label_smoothing": 0.1}, "label_smoothing: expected loss softmax beside it"),
    ],
)  # fmt: skip
def test_settings_that_do_not_go_together(given, message):
    with pytest.raises(ConfigurationError, match=message):
        settings_for("digits", given, 100)


def test_what_has_no_meaning_is_left_out_of_a_trial():
    settings = settings_for("digits", {"optimizer": "adam", "momentum": 0.5}, 100, strict=False)
    assert "momentum" not in settings
    assert "weight_decay" not in settings


def test_a_configuration_holds_what_is_not_plain():
    assert list(configuration_of(settings_for("digits", {}, 100))) == [
        "hidden", "lr", "reg", "momentum", "lr_decay", "batch_size", "first_scale",
    ]  # fmt: skip
    made = configuration_of(settings_for("digits", {"dropout": 0.2, "norm": "batch"}, 100))
    assert (made["dropout"], made["norm"]) == (0.2, "batch")
    assert configuration_of(settings_for("digits", {}, 100), ["dropout"])["dropout"] == 0
    assert {*KEYS} == {field.name for field in dataclasses.fields(Settings)} - {"epochs", "prior"} | {"reg"}


def one_of(names):
    return st.sampled_from(list(names))


GIVEN = {
    "hidden": st.lists(st.integers(1, 4), max_size=2),
    "activation": one_of(ACTIVATIONS),
    "norm": one_of(["none", *NORMS]),
    "dropout": st.floats(0, 0.9),
    "label_smoothing": st.floats(0, 0.5),
    "optimizer": one_of(set(OPTIMIZERS) - {"lbfgs"}),
    "lr": st.floats(1e-6, 1e-2),
    "momentum": st.floats(0, 0.9),
    "weight_decay": st.floats(0, 0.1),
    "reg": st.floats(0, 0.1),
    "schedule": one_of(SCHEDULES),
    "lr_decay": st.floats(0.1, 1),
    "warmup": st.integers(0, 5),
    "batch_size": st.integers(2, 12),
    "augment": one_of(["none", "noise", "mixup:0.4", "noise:0.01,mixup"]),
    "early_stopping": st.integers(0, 3),
    "clip_norm": st.floats(0, 10),
}


@given(st.fixed_dictionaries({}, optional=GIVEN), st.booleans(), st.data(), st.integers(0, 2**32))
def test_drawn_settings_train_and_come_back_from_a_run(tmp_path_factory, given, has_labels, data, seed):
    """What run.json holds makes the same net, to the bit."""
    named = pytest.importorskip("minidl.sweep.named", reason="needs the extra sweep")
    rng = np.random.default_rng(seed)
    x, labels = rng.standard_normal((24, 3)), np.arange(24) % 3
    targets = labels if has_labels else 50 + 9 * rng.standard_normal(24)
    part = Dataset(x.astype(np.float32), targets)
    splits = Splits("drawn", part, part)
    given["loss"] = data.draw(one_of(LABEL_LOSSES if has_labels else NUMBER_LOSSES))
    settings = settings_for("drawn", given | {"steps": 2}, 24, has_labels=has_labels, strict=False)

    def trained(settings):
        rng = np.random.default_rng(seed)
        net = named.NamedModel.of("mlp", splits, np.float32, [])(configuration_of(settings), splits, rng)
        trainer = build_trainer(net, settings, 24, rng=rng)
        transform = augmentation(settings.get("augment", "none"))
        trainer.fit(part, steps=2, batch_size=settings["batch_size"], validation=part, transform=transform)
        return net.parameters.values

    directory = tmp_path_factory.mktemp("run")
    run_directory.write_run(directory, {"data": "drawn", "settings": settings})
    again = run_directory.read_run(directory)["settings"]
    assert again == settings
    values = trained(settings)
    assert np.isfinite(values).all()
    assert np.array_equal(trained(again), values)
