import math

import pytest

from minidl.errors import ConfigurationError
from minidl.recipes import build_trainer


def test_the_classic_training_is_what_its_settings_say(make_net):
    settings = {"lr": 0.2, "momentum": 0.5, "lr_decay": 0.9, "reg": 0.01, "hidden": (3,)}
    trainer = build_trainer(make_net(), settings, 100, rng=0)
    assert repr(trainer.optimizer) == "SGD(lr=0.2, momentum=0.5, nesterov=False)"
    assert trainer.scheduler.factor(2, 0) == pytest.approx(0.81)
    assert trainer.regularizer.strength == 0.01
    assert trainer.callbacks == []
    trainer = build_trainer(make_net(), {"lr": 0.2}, 100)
    assert (trainer.optimizer.momentum, trainer.regularizer.strength) == (0.0, 0.0)
    assert trainer.scheduler.factor(1, 0) == 0.95


@pytest.mark.parametrize(
    ("settings", "optimizer"),
    [
        ({"optimizer": "adam", "momentum": 0.5}, "Adam(lr=0.2, betas=(0.9, 0.999), eps=1e-08)"),
        ({"optimizer": "rmsprop", "momentum": 0.5}, "RMSprop(lr=0.2, alpha=0.99, eps=1e-08, momentum=0.5)"),
        ({"optimizer": "adamw"}, "AdamW(lr=0.2, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)"),
        ({"optimizer": "adamw", "weight_decay": 0.3},
         "AdamW(lr=0.2, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.3)"),
    ],
)  # fmt: skip
def test_optimizers_get_what_is_theirs(settings, optimizer, make_net):
    assert repr(build_trainer(make_net(), {"lr": 0.2, **settings}, 100).optimizer) == optimizer


def test_lbfgs_has_neither_rate_nor_schedule_nor_clipping(make_net):
    trainer = build_trainer(make_net(), {"optimizer": "lbfgs", "clip_norm": 1.0, "warmup": 5}, 100)
    assert repr(trainer.scheduler) == "Constant(1)"
    assert trainer.callbacks == []


@pytest.mark.parametrize(("length", "steps"), [({"epochs": 3, "batch_size": 40}, 9), ({"steps": 7}, 7)])
@pytest.mark.parametrize("schedule", ["cosine", "polynomial", "onecycle"])
def test_schedules_end_with_the_training(schedule, length, steps, make_net):
    scheduler = build_trainer(make_net(), {"lr": 1, "schedule": schedule, **length}, 100).scheduler
    assert scheduler.steps == steps
    with pytest.raises(
        ConfigurationError, match=f"epochs or steps, with which the schedule '{schedule}' ends"
    ):
        build_trainer(make_net(), {"lr": 1, "schedule": schedule}, 100)


def test_a_warmup_comes_before_the_schedule(make_net):
    settings = {"lr": 1, "schedule": "cosine", "steps": 100, "warmup": 10}
    scheduler = build_trainer(make_net(), settings, 100).scheduler
    factors = [scheduler.factor(0, step) for step in range(100)]
    assert factors[:10] == sorted(factors[:10])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[50] == pytest.approx((1 + math.cos(math.pi / 2)) / 2)


def test_callbacks_by_name(make_net):
    def kinds(**settings):
        made = build_trainer(make_net(), {"lr": 1, "epochs": 4, "batch_size": 50, **settings}, 100).callbacks
        return [(type(callback).__name__, callback) for callback in made]

    (name, clip), (other, stop) = kinds(clip_norm=2.0, early_stopping=3)
    assert (name, clip.max_norm, other, stop.patience) == ("ClipNorm", 2.0, "EarlyStopping", 3)
    ((name, swa),) = kinds(average="swa")
    assert (name, swa.decay, swa.start) == ("Average", None, 2)
    ((name, ema),) = kinds(average="ema", steps=1000)
    assert (name, ema.decay) == ("Average", 0.99)
    with pytest.raises(ConfigurationError, match="one net to take in the end"):
        kinds(average="swa", early_stopping=2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "expected lr, the learning rate, got none"),
        ({"lr": 0.1, "optimizer": "nadam"}, "optimizer to be one of 'sgd', .*'lbfgs', got 'nadam'"),
        ({"lr": 0.1, "schedule": "sine"}, "schedule to be one of 'step', .*'constant', got 'sine'"),
        ({"lr": 0.1, "average": "mean"}, "average to be one of 'none', 'ema', 'swa', got 'mean'"),
        ({"lr": 0.1, "warmup": -1}, "warmup to be a whole number >= 0, got -1"),
        ({"lr": 0.1, "early_stopping": 1.5}, "early_stopping to be a whole number >= 0, got 1.5"),
    ],
)
def test_what_is_no_setting_is_refused(settings, message, make_net):
    with pytest.raises(ConfigurationError, match=message):
        build_trainer(make_net(), settings, 100)
