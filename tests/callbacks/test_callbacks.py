import copy
import errno
import io
import re
import signal

import numpy as np
import pytest

from minidl import Accuracy, Callback, Dataset, ProgressBar
from minidl.errors import ConfigurationError
from minidl.metrics import TopKAccuracy
from tests.test_console import ENCODINGS, closed, opened


class Log(Callback):
    def __init__(self, name, log, stop_at=None):
        self.name, self.log, self.stop_at = name, log, stop_at

    def on_fit_start(self, trainer):
        self.log.append((self.name, "start", trainer.last_step))

    def on_step_end(self, trainer):
        self.log.append((self.name, "step", trainer.step))
        assert len(trainer.history.steps["loss"]) == trainer.step
        if trainer.step == self.stop_at:
            trainer.stop("enough")

    def on_epoch_end(self, trainer):
        self.log.append((self.name, "epoch", trainer.epoch))
        assert len(trainer.history.epochs["lr"]) == trainer.epoch

    def on_fit_end(self, trainer):
        self.log.append((self.name, "end", trainer.stop_reason))


@pytest.fixture
def dataset(make_batch):
    return Dataset(*make_batch(20))


def test_hooks_come_in_list_order(make_trainer, dataset):
    log = []
    make_trainer(callbacks=[Log("a", log), Log("b", log)]).fit(dataset, epochs=1, batch_size=10)
    events = [("start", 2), ("step", 1), ("step", 2), ("epoch", 1), ("end", None)]
    assert log == [(name, *event) for event in events for name in "ab"]


def test_stop_ends_the_fit_after_the_step(make_trainer, dataset):
    log = []
    trainer = make_trainer(callbacks=[Log("a", log, stop_at=3)])
    trainer.fit(dataset, epochs=9, batch_size=10)
    assert (trainer.step, trainer.stop_reason) == (3, "enough")
    assert log[-1] == ("a", "end", "enough")
    trainer.fit(dataset, epochs=1, batch_size=10)
    assert (trainer.step, trainer.epoch, trainer.stop_reason) == (4, 2, None)


def test_the_end_comes_after_an_error_too(make_trainer, dataset):
    class Failing(Callback):
        def on_step_end(self, trainer):
            raise RuntimeError("no")

    log = []
    trainer = make_trainer(callbacks=[Log("a", log), Failing()])
    with pytest.raises(RuntimeError, match="no"):
        trainer.fit(dataset, epochs=1)
    assert log[-1] == ("a", "end", None)


@pytest.mark.parametrize(
    ("name", "remedy"), [("on_epoch_ends", "did you mean on_epoch_end?"), ("on_gpu", "otherwise")]
)
def test_a_method_that_no_hook_has_is_named(name, remedy, make_trainer):
    kind = type("Misspelt", (Callback,), {name: lambda self, trainer: None})
    expected = f"Misspelt's methods on_... to be hooks: on_fit_start, .*, got {name}; .*{re.escape(remedy)}"
    with pytest.raises(ConfigurationError, match=expected):
        make_trainer(callbacks=[Callback(), kind()])
    kind = type("NoMethod", (Callback,), {"on_gpu": False, "once": lambda self: None})
    make_trainer(callbacks=[kind()])


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Eager(ProgressBar):
    """Drawn at every step, not ten times a second."""

    def on_fit_start(self, trainer):
        super().on_fit_start(trainer)
        self._bar.mininterval = 0


def shown_on(screen, trainer, dataset, monkeypatch, columns=None):
    """What a fit draws on a terminal of so many columns; None where nobody knows."""
    monkeypatch.setattr("sys.stderr", screen)
    if columns is not None:
        # Each version of tqdm asks the system otherwise; the newest leave the last column and row free.
        size = columns - 1, (columns + 3) // 4 - 1
        monkeypatch.setattr("tqdm.std._screen_shape_wrapper", lambda: lambda _: size)
    trainer.fit(dataset, epochs=30, batch_size=10, validation=dataset)
    return re.split(r"[\r\n]+", screen.getvalue())


def test_progress_bar_counts_the_steps(make_trainer, dataset, monkeypatch):
    lines = shown_on(Terminal(), make_trainer(callbacks=[Eager()]), dataset, monkeypatch)
    drawn = " ".join(lines)
    assert re.search(r" [1-9]\d*/60 ", drawn)
    assert re.search(r"loss \d\.\d{3}, train/val accuracy \d+\.\d%/\d+\.\d%", drawn)


@pytest.mark.parametrize(
    ("columns", "accuracy", "top"), [(60, False, False), (80, True, False), (130, True, True)]
)
def test_progress_bar_shows_what_there_is_room_for(
    columns, accuracy, top, make_trainer, dataset, monkeypatch
):
    trainer = make_trainer(callbacks=[Eager()], metrics=[Accuracy(), TopKAccuracy(2)])
    lines = shown_on(Terminal(), trainer, dataset, monkeypatch, columns)
    assert max(map(len, lines)) < columns
    last = next(line for line in reversed(lines) if "loss" in line)
    assert last.endswith("]")
    assert bool(re.search(r"train/val accuracy \d", last)) is accuracy
    assert bool(re.search(r", top 2 accuracy \d", last)) is top


@pytest.mark.parametrize("columns", [0, 1])  # as new and old versions of tqdm have it
def test_progress_bar_is_drawn_where_the_terminal_does_not_know_its_size(
    columns, make_trainer, dataset, monkeypatch
):
    lines = shown_on(Terminal(), make_trainer(callbacks=[Eager()]), dataset, monkeypatch, columns)
    assert any("train/val accuracy" in line for line in lines)
    assert max(map(len, lines)) == 79


def test_progress_bar_leaves_a_line_an_epoch(make_trainer, dataset, monkeypatch):
    trainer = make_trainer(callbacks=[ProgressBar(each_epoch=True)], metrics=[Accuracy(), TopKAccuracy(2)])
    lines = shown_on(Terminal(), trainer, dataset, monkeypatch, columns=60)
    lines = [line for line in lines if line.startswith("epoch ")]
    assert len(lines) == 30
    epochs = trainer.history.epochs
    numbers = [
        f"{part} {epochs[f'train_{name}'][4]:{form}}/{epochs[f'validation_{name}'][4]:{form}}"
        for part, name, form in [
            ("loss", "loss", ".4g"),
            ("accuracy", "accuracy", ".1%"),
            ("top 2 accuracy", "top_2_accuracy", ".1%"),
        ]
    ]
    assert lines[4] == f"epoch 5: train/val {', '.join(numbers)}"


def test_progress_bar_is_silent_where_there_is_no_terminal(make_trainer, dataset, capsys):
    make_trainer(callbacks=[ProgressBar(each_epoch=True)]).fit(dataset, epochs=1)
    assert capsys.readouterr() == ("", "")


class Gone(Terminal):
    """A terminal that was closed: writing to it fails as it does there."""

    def write(self, text):
        raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("stream", [None, closed(io.StringIO()), closed(opened("ascii")), Gone()])
def test_progress_bar_is_silent_where_there_is_no_console(stream, make_trainer, dataset, monkeypatch, capfd):
    monkeypatch.setattr("sys.stderr", stream)
    make_trainer(callbacks=[ProgressBar(each_epoch=True)]).fit(dataset, epochs=1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_progress_bar_needs_no_character_that_is_lacking(encoding, make_trainer, dataset, monkeypatch):
    monkeypatch.setattr("sys.stderr", screen := opened(encoding, terminal=True))
    make_trainer(callbacks=[ProgressBar()]).fit(dataset, epochs=1)
    assert "0/1 [00:00<" in screen.buffer.getvalue().decode(encoding)


def test_progress_bar_that_was_shown_can_be_copied(make_trainer, dataset, monkeypatch):
    monkeypatch.setattr("sys.stderr", opened("utf-8", terminal=True))  # a file: nothing copies it
    trainer = make_trainer(callbacks=[ProgressBar()])
    trainer.fit(dataset, epochs=1)
    copied = copy.deepcopy(trainer)
    for each in (trainer, copied):
        each.fit(dataset, epochs=1)
    assert np.array_equal(trainer.net.parameters.values, copied.net.parameters.values)


class Breaks(Callback):
    """Breaks a fit off after a step, once."""

    def __init__(self, step, kind):
        self.step, self.kind = step, kind

    def on_step_end(self, trainer):
        if trainer.step == self.step:
            self.step = None
            if self.kind is KeyboardInterrupt:
                signal.raise_signal(signal.SIGINT)
            else:
                raise self.kind


class Counts(ProgressBar):
    """Keeps where the bar stood at each fit's end, and of how many steps."""

    def __init__(self):
        super().__init__()
        self.ends = []

    def on_fit_end(self, trainer):
        self.ends.append((self._bar.n, self._bar.total))
        super().on_fit_end(trainer)


@pytest.mark.parametrize("kind", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("order", [1, -1], ids=["before the bar", "after it"])
@pytest.mark.parametrize("step", [3, 4], ids=["within an epoch", "at its end"])
def test_progress_bar_counts_no_step_twice_after_a_break(
    kind, order, step, make_trainer, dataset, monkeypatch
):
    monkeypatch.setattr("sys.stderr", Terminal())
    counts = Counts()
    trainer = make_trainer(callbacks=[Breaks(step, kind), counts][::order])
    with pytest.raises(kind):
        trainer.fit(dataset, epochs=9, batch_size=10)
    trainer.fit(dataset, steps=6, batch_size=10)
    trainer.fit(dataset, steps=5, batch_size=10)
    assert counts.ends[0][0] in (step - 1, step)
    assert counts.ends[1:] == [(6, 6), (5, 5)]
