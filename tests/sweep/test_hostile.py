"""Journals that nobody's minidl wrote: what is no journal, and lines of odd types with the right checksum."""

import json
import os
import zlib
from pathlib import Path

import pytest

from minidl import SGD, Trainer
from minidl.callbacks import Callback
from minidl.data import Splits
from minidl.errors import CheckpointError, ConfigurationError
from minidl.metrics import Accuracy
from minidl.sweep import Grid, Results, Row, Sweep
from minidl.sweep import lines as journal_lines
from minidl.sweep.journal import JOURNAL, Journal, read_journal
from minidl.sweep.lines import format_of, line_of
from tests.sweep.small import build, rows_in, sweep_of

ROW = {"trial": 0, "configuration": {}, "rung": 0, "steps": 1, "status": "done", "value": 0.5}


def sealed(line):
    """A hostile line, with the checksum that suits it."""
    return line[:-1] + b', "crc32": "%08x"}' % zlib.crc32(line[:-1])


@pytest.mark.parametrize("raw", [b"my notes", b"{", b'{"format": "minidl net"', b"\0" * 99, b"1,2\n3,4\n"])
def test_what_is_no_journal_is_left_alone(tmp_path, raw):
    path = tmp_path / JOURNAL
    path.write_bytes(raw)
    if raw == b"{":  # a journal's first byte
        Journal(path, {}).close()
        return
    with pytest.raises(CheckpointError, match="line 1: expected the header of a minidl sweep, got b"):
        Journal(path, {})
    assert path.read_bytes() == raw


NESTED = "[" * 5_000 + "]" * 5_000
BAD_ROWS = [
    ("trial", "-1"), ("trial", "true"), ("trial", "1.0"), ("trial", '"0"'), ("trial", "null"),
    ("trial", "[0]"), ("trial", str(1 << 60)), ("trial", "9" * 5000), ("rung", "-1"), ("rung", "{}"),
    ("steps", "0.5"), ("steps", '"many"'), ("configuration", "null"), ("configuration", "[]"),
    ("configuration", '"lr"'), ("configuration", '{"lr": NaN}'), ("configuration", '{"lr": 1e999}'),
    ("configuration", '{"lr": 1, "lr": 2}'), ("configuration", f'{{"lr": 1{"0" * 400}}}'),
    ("configuration", f'{{"lr": {NESTED}}}'), ("configuration", '{"lr": "\\ud800"}'),
    ("metrics", '{"\\ud800": 1}'), ("status", '["done"]'), ("status", '"Done"'), ("status", "null"),
    ("status", "{}"), ("reason", "3"), ("reason", "[]"), ("value", '"0.5"'), ("value", "true"),
    ("value", "[]"), ("value", "NaN"), ("value", "-Infinity"), ("value", "null"),
    ("value", f"1{'0' * 400}"), ("train_loss", '"low"'), ("validation_loss", "{}"),
    ("train_accuracy", "[1]"), ("validation_accuracy", "false"), ("curve", "null"), ("curve", "[]"),
    ("curve", '{"step": 3}'), ("curve", '{"step": ["1"]}'), ("curve", '{"step": [1, 2], "lr": [1]}'),
    ("metrics", "[]"), ("metrics", '{"r2": "1"}'), ("metrics", "null"), ("extra", "1"), ("self", "1"),
]  # fmt: skip


@pytest.mark.parametrize("version", [1, 2])
def test_rows_of_odd_types_are_refused(tmp_path, version):
    path = tmp_path / JOURNAL
    for name, text in BAD_ROWS:
        line = json.dumps(ROW | {name: "HERE"}).replace('"HERE"', text).encode()
        with pytest.raises(CheckpointError, match="Row: expected "):
            Row.from_json(line.decode())
        if version == 2:
            line = sealed(line)
        # A row behind it: it is not the last line.
        raw = line_of(format_of(version), version) + line + b"\n" + line_of(ROW, version)
        with pytest.raises(CheckpointError, match="it, line 2: expected .*, got "):
            rows_in(raw)
    assert Row.from_json(json.dumps(ROW | {"reason": "\udcff"})).reason == r"\udcff"  # of version 1
    path.write_bytes(raw)
    for read in (lambda: read_journal(path), lambda: Journal(path, {})):
        with pytest.raises(CheckpointError, match=f"{JOURNAL}, line 2: expected .*, got "):
            read()


HEADER = {
    "trials": 1, "steps": 2, "objective": "validation_accuracy", "keys": {"lr": ["[1]", 5]}, "halving": None,
    "data": {"name": "d", "train": {"features": [[1], "float32", 5], "targets": [[1], "int64", 5]},
             "validation": None},
}  # fmt: skip
BAD_HEADERS = [
    ("trials", "3"), ("trials", -1), ("trials", True), ("trials", [1]), ("steps", "2"), ("steps", 1.5),
    ("epochs", {}), ("objective", 3), ("objective", ["validation_loss"]), ("minidl", 1), ("model", []),
    ("configurations", {}), ("keys", []), ("keys", {"lr": "[1]"}), ("keys", {"lr": []}),
    ("keys", {"lr": ["[1]", "5"]}), ("keys", {"lr": [[1], 5]}), ("data", []), ("data", {"name": "d"}),
    ("data", {"name": 1, "train": None, "validation": None}),
    ("data", {"name": "d", "train": {}, "validation": None}),
    ("data", {"name": "d", "train": {"features": [1, 2], "targets": [[1], "int64", 5]}, "validation": None}),
    ("data", {"name": "d", "train": [[1], "float32", 5], "validation": 3}), ("halving", 3),
    ("sampler", "tpe"),
]  # fmt: skip


@pytest.mark.parametrize("version", [1, 2])
def test_headers_of_odd_types_are_refused(tmp_path, version):
    path = tmp_path / JOURNAL
    for name, value in (*BAD_HEADERS, (None, None)):
        line = json.dumps(format_of(version) | HEADER | ({name: value} if name else {})).encode()
        path.write_bytes((sealed(line) if version == 2 else line) + b"\n")
        if name is None:
            assert read_journal(path)[0].items() >= HEADER.items()
            continue
        for read in (lambda: read_journal(path), lambda: Journal(path, HEADER, extend=True)):
            with pytest.raises(CheckpointError, match=f"{JOURNAL}, line 1: expected {name} to be .*, got "):
                read()


def test_a_header_that_is_no_json_is_refused(tmp_path):
    path = tmp_path / JOURNAL
    for text in (
        "}",
        ', "steps": NaN}',
        ', "steps": 1, "steps": 2}',
        f', "keys": {NESTED}}}',
        ', "steps": 1e999}',
    ):
        path.write_bytes(sealed(b'{"format": "minidl sweep", "version": 2' + text.encode()) + b"\n" * 2)
        if text == "}":
            continue
        with pytest.raises(CheckpointError, match="line 1: expected the header of a minidl sweep, got b"):
            read_journal(path)


def test_what_could_not_be_read_again_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_lines, "LONGEST", 1 << 16)
    path = tmp_path / JOURNAL
    with Journal(path, {}) as journal:
        before = path.read_bytes()
        for row in (
            Row(-1, {}, 0, 1, "diverged"),
            Row(0, {}, 0, 1, "done"),
            Row(0, {}, 0, 1, "diverged", reason=3),
            Row(0, {"file": "\udc80"}, 0, 1, "diverged"),
            Row(0, {"text": "a" * (1 << 16)}, 0, 1, "diverged"),
        ):
            with pytest.raises(CheckpointError, match="Sweep: expected "):
                journal.append(row)
        assert path.read_bytes() == before
        assert journal.rows == []


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / JOURNAL)
    with pytest.raises(ConfigurationError, match="expected a journal that is a regular file, got .*jsonl"):
        sweep_of().run(tmp_path, jobs=1)
    with pytest.raises(CheckpointError, match="expected a sweep's journal, got not a regular file"):
        Results.load(tmp_path)
    (tmp_path / "folder" / JOURNAL).mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="expected a directory that can be written"):
        sweep_of().run(tmp_path / "folder", jobs=1)
    with pytest.raises(CheckpointError, match="expected a sweep's journal, got"):
        Results.load(tmp_path / "folder")


def test_what_trials_give_can_be_read_again(tmp_path):
    half = "\udcff"  # as in the name of a file that is no UTF-8

    class Always(Accuracy):
        name = "always"

        def compute(self):
            return True

    class Ending(Callback):
        def on_step_end(self, trainer):
            trainer.stop(Path(half))

    def build_odd(configuration, data, rng):
        if configuration["lr"] > 0.1:
            raise OSError(f"cannot read {half}.csv")
        optimizer = SGD(configuration["lr"])
        return Trainer(
            build(configuration, data, rng), optimizer, metrics=[Always()], callbacks=[Ending()], rng=0
        )

    sweep = sweep_of(0.1, 1.0)
    data = Splits(f"{half}.csv", sweep.setup.data.train, sweep.setup.data.validation)
    space = Grid(hidden=[3], lr=[0.1, 1.0])
    odd = Sweep(build_odd, space, data, steps=2, objective="validation_always")
    rows = odd.run(tmp_path, jobs=1).rows
    assert (rows[0].reason, rows[0].value) == (r"\udcff", 1), rows
    assert rows[1].reason.startswith(r"OSError: cannot read \udcff.csv")
    assert odd.run(tmp_path, jobs=1).rows == rows == Results.load(tmp_path).rows
    for values in ({half: [1]}, {"lr": [half]}, {"lr": [[0.1, half]]}, {"lr": [10**400]}):
        with pytest.raises(ConfigurationError, match="Grid: expected (texts that a file can hold|finite)"):
            Grid(**values)
