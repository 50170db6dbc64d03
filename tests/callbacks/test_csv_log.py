import copy
import csv

import pytest

from minidl import Callback
from minidl.callbacks import CSVLog
from minidl.errors import ConfigurationError, DataError
from tests.callbacks.runs import data, trainer_with

DATA = data()


def fit(trainer, epochs=1, **options):
    trainer.fit(DATA, epochs=epochs, batch_size=10, **options)
    return trainer


def check(path, trainer):
    """The file is the history, number for number."""
    text = path.read_text()
    assert text.endswith("\n")
    names, *rows = csv.reader(text.splitlines())
    columns = trainer.history.epochs
    assert names == list(columns)
    assert len(rows) == trainer.epoch
    for name, cells in zip(names, zip(*rows, strict=True), strict=False):
        assert [float(cell) if cell else None for cell in cells] == columns[name], name


class Look(Callback):
    """Reads the file after each epoch."""

    def __init__(self, path):
        self.path, self.looks = path, 0

    def on_epoch_end(self, trainer):
        check(self.path, trainer)
        self.looks += 1


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.csv"


def test_every_epoch_is_there_at_once_over_several_fits(path):
    look = Look(path)
    trainer = trainer_with(CSVLog(path), look)
    fit(trainer, 2)
    fit(trainer, 1, validation=DATA)
    trainer.fit(DATA, steps=1, batch_size=10)
    fit(trainer, 2)
    assert look.looks == trainer.epoch == 5


def test_a_column_that_comes_later(path):
    class New(Callback):
        def on_epoch_end(self, trainer):
            if trainer.epoch == 2:
                trainer.history.epochs["norm"] = [None, 1.5]
            elif trainer.epoch > 2:
                trainer.history.epochs["norm"][-1] = 2.5

    fit(trainer_with(New(), CSVLog(path), look := Look(path)), 4)
    assert look.looks == 4


class Harm(Callback):
    """Does it before the third epoch."""

    def __init__(self, path, harm):
        self.path, self.harm = path, harm

    def on_epoch_start(self, trainer):
        if trainer.epoch == 2:
            content = self.path.read_bytes()
            self.path.unlink()
            if self.harm != "gone":
                self.path.write_bytes(content[:-5] if self.harm == "cut" else content + b"half a r")


@pytest.mark.parametrize("parts", [[3], [2, 1]])
@pytest.mark.parametrize("harm", ["cut", "gone", "longer"])
def test_it_mends_its_file(harm, parts, path):
    trainer = trainer_with(Harm(path, harm), CSVLog(path), look := Look(path))
    for epochs in parts:
        fit(trainer, epochs)
    assert look.looks == 3


def test_a_copied_trainer_goes_on_in_the_file(path):
    trainer = fit(trainer_with(CSVLog(path)), 2)
    check(path, fit(copy.deepcopy(trainer)))


def test_a_new_log_goes_on_in_what_a_run_has_begun(path):
    """As in a process that has read the run's state."""
    trainer = fit(trainer_with(CSVLog(path)), 2)
    path.write_bytes(path.read_bytes()[:-9])  # the process was killed while it wrote
    trainer.callbacks = [CSVLog(path)]
    check(path, fit(trainer))


def test_the_log_of_another_run_is_not_lost(path):
    log = CSVLog(path)
    fit(trainer_with(log, seed=1), 3)
    before = path.read_bytes()
    for each in (log, CSVLog(path)):
        with pytest.raises(DataError, match=r"log.csv.*overwrite=True"):
            fit(trainer_with(each))
    assert path.read_bytes() == before
    check(path, fit(trainer_with(CSVLog(path, overwrite=True))))


def test_what_cannot_be_written_is_said_before_the_first_step(tmp_path):
    trainer = trainer_with(CSVLog(tmp_path / "nowhere" / "log.csv"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        fit(trainer)
    assert trainer.step == 0
    with pytest.raises(ConfigurationError, match="CSVLog"):
        CSVLog("")
