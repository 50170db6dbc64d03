"""Journals that are damaged, foreign or hostile: never a foreign exception, nor changed content for sound.

A truncated journal, or one whose last line is damaged, gives the rows before; every other damage is a
`CheckpointError`. Whatever it is, the files in ``best`` stay.
"""

import io
import json
import os
import signal
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import Dataset
from minidl.data import Splits
from minidl.errors import CheckpointError, ConfigurationError
from minidl.sweep import Grid, Results, Row, Sweep
from minidl.sweep import lines as journal_lines
from minidl.sweep.journal import JOURNAL, Journal, read_journal
from minidl.sweep.lines import format_of, line_of, read_lines
from minidl.testing.strategies import PROFILES
from tests.deep import DEEP, deep
from tests.sweep.small import build, kept

FLIPS = 5 * PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "dev")]
FORMAT_1 = (Path(__file__).parent / "format1.jsonl").read_bytes()
X = (np.arange(24 * 64) % 17 / 16).astype(np.float32).reshape(24, 64)
DATA = Splits("numbers", Dataset(X, np.arange(24) % 10), Dataset(X[:10], np.arange(10)))
RATES = [0.01, 0.1, 1e9]
ROW = {"trial": 0, "configuration": {}, "rung": 0, "steps": 1, "status": "done", "value": 0.5}


class EnoughError(Exception):
    pass


def sweep_of(*rates):
    return Sweep(build, Grid(hidden=[3], lr=list(rates or RATES)), DATA, steps=2)


def begin(directory):
    """Begin to go on: the rows that are found, before anything is trained."""
    found = []

    def enough(results):
        found.extend(results.rows)
        raise EnoughError

    with pytest.raises(EnoughError):
        sweep_of().run(directory, jobs=1, on_start=enough)
    return found


def contents(directory):
    return {path.name: path.read_bytes() for path in (directory / "best").iterdir()}


def without_checksums(raw):
    """A journal as version 1 of the format had it."""
    lines = [json.loads(line) for line in raw.splitlines()]
    lines = [{name: value for name, value in line.items() if name != "crc32"} for line in lines]
    lines = [{**line, "version": 1} if "version" in line else line for line in lines]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def sealed(line):
    """A hostile line, with the checksum that suits it."""
    return line[:-1] + b', "crc32": "%08x"}' % zlib.crc32(line[:-1])


def rows_in(raw):
    return [row for _, rows in read_lines(io.BytesIO(raw), Path("it")).sections for row in rows]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished sweep's directory, which no test writes to, its journal and its files of the best."""
    directory = tmp_path_factory.mktemp("finished")
    sweep_of().run(directory, jobs=1)
    return (directory / JOURNAL).read_bytes(), contents(directory)


@pytest.fixture
def copy(finished, tmp_path, monkeypatch):
    """A copy of it."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # some hundreds of them
    journal, best = finished
    (tmp_path / "best").mkdir()
    for name, content in best.items():
        (tmp_path / "best" / name).write_bytes(content)
    (tmp_path / JOURNAL).write_bytes(journal)
    return tmp_path


def flipped(raw, count):
    """So many copies with one bit changed, and the lines that it is in."""
    rng = np.random.default_rng(0)
    for position in rng.integers(8 * len(raw), size=count):
        changed = bytearray(raw)
        changed[position // 8] ^= 1 << position % 8
        yield bytes(changed), raw[: position // 8].count(b"\n")


def test_a_journal_cut_off_anywhere_holds_the_rows_before(finished):
    whole, _ = finished
    rows = rows_in(whole)
    for raw, expected in ((whole, rows), (FORMAT_1, rows_in(FORMAT_1))):
        for length in range(0, len(raw), 1 if DEEP else 11):
            *lines, _ = raw[:length].split(b"\n")
            assert rows_in(raw[:length]) == expected[: sum(line.startswith(b'{"trial"') for line in lines)]


def test_a_bit_changed_anywhere_is_never_taken_for_sound(finished):
    whole, _ = finished
    rows = rows_in(whole)
    for raw, line in flipped(whole, 4 * FLIPS):
        try:
            found = rows_in(raw)
        except CheckpointError:
            continue
        # In the last line, or at the end of the one before, which makes one of both.
        assert line >= len(rows) - 1
        assert found == rows[: line - 1]


def test_whatever_the_damage_the_best_stays(copy):
    whole, best = (copy / JOURNAL).read_bytes(), contents(copy)
    rows = rows_in(whole)
    cuts = [whole[:length] for length in np.random.default_rng(1).integers(len(whole), size=FLIPS // 5)]
    for raw in (*cuts, *(raw for raw, _ in flipped(whole, FLIPS // 5))):
        (copy / JOURNAL).write_bytes(raw)
        try:
            found = begin(copy)
        except CheckpointError:
            assert (copy / JOURNAL).read_bytes() == raw
        else:
            assert found == rows[: len(found)] != rows
        assert contents(copy) == best


def test_going_on_leaves_what_is_not_ours(copy):
    best = contents(copy)
    (copy / "elsewhere.npz").write_bytes(b"mine")
    names = ("notes.txt", "999.npz", "1.json", "0001.npz", "001.npz.bak", "a001.npz", ".001.npz.tmp")
    for name in names:
        (copy / "best" / name).write_bytes(b"mine")
    (copy / "best/002.json").mkdir()
    (copy / "best/002.npz").symlink_to(copy / "elsewhere.npz")
    # Ours: of another trial that is done, and what a killed process has half-written.
    ours = ("001.npz", "001.json", ".minidl-0123456789abcdef.tmp")
    for name in ours:
        (copy / "best" / name).write_bytes(b"ours")
    assert sorted(best) == ["000.json", "000.npz"]
    sweep_of().run(copy, jobs=1)
    assert kept(copy) == sorted([*best, *names, "002.json", "002.npz"])
    assert {name: content for name in best if (content := (copy / "best" / name).read_bytes())} == best


@pytest.mark.parametrize("version", [1, 2])
def test_a_value_changed_in_the_journal_costs_no_net(copy, version):
    whole, best = (copy / JOURNAL).read_bytes(), contents(copy)
    lines = (without_checksums(whole) if version == 1 else whole).splitlines(keepends=True)
    assert b'"value": 0.1' in lines[2]
    lines[2] = lines[2].replace(b'"value": 0.1', b'"value": 1.1')
    (copy / JOURNAL).write_bytes(b"".join(lines))
    if version == 1:  # which nothing tells
        assert begin(copy)[1].value == 1.1
    else:
        with pytest.raises(
            CheckpointError, match="line 3: expected .* unchanged .* another checksum; restore"
        ):
            begin(copy)
    assert contents(copy) == best


def test_while_none_is_done_the_files_stay(copy):
    best = contents(copy)
    lines = (copy / JOURNAL).read_bytes().splitlines(keepends=True)
    (copy / JOURNAL).write_bytes(lines[0])
    assert begin(copy) == []
    assert contents(copy) == best


def test_another_sweep_changes_nothing_of_a_journal_that_is_cut_off(copy):
    raw = (copy / JOURNAL).read_bytes()[:-9]
    (copy / JOURNAL).write_bytes(raw)
    with pytest.raises(ConfigurationError, match="expected trials 3"):
        sweep_of(0.5).run(copy, jobs=1)
    assert (copy / JOURNAL).read_bytes() == raw


def test_a_journal_of_version_1_is_read_and_gone_on_with(tmp_path):
    # Written before the lines had checksums, by a sweep that was extended.
    raw = FORMAT_1.replace(b'"minidl": "0.1.0"', f'"minidl": "{minidl.__version__}"'.encode())
    path = tmp_path / JOURNAL
    path.write_bytes(raw)
    assert [row.configuration["lr"] for row in Results.load(tmp_path).rows] == RATES
    assert [row.trial for row in begin(tmp_path)] == [0, 1, 2]
    assert path.read_bytes() == raw
    path.write_bytes(raw[:-30])
    news = []
    sweep_of().run(tmp_path, jobs=1, on_result=lambda row, _: news.append(row.trial))
    sweep_of(*RATES, 0.5).run(tmp_path, jobs=1, extend=True)
    assert news == [2]
    whole = path.read_bytes()
    assert whole.startswith(raw[:-30])
    assert b"crc32" not in whole
    assert whole.count(b'"version": 1') == 3
    assert [row.trial for row in Results.load(tmp_path).rows] == [0, 1, 2, 3]


def test_a_newer_format_is_refused(tmp_path):
    path = tmp_path / JOURNAL
    message = "line {}: expected .* of version 1 to 2, got version {}; read it with the newer minidl"
    header = line_of(format_of(2), 2)
    for raw, line, version in (
        (b'{"format": "minidl sweep", "version": 3, "else": []}\n', 1, 3),
        (b'{"format": "minidl sweep", "version": 10, "cut', 1, 10),
        (header + b'{"format": "minidl sweep", "version": 3}\n', 2, 3),
    ):
        path.write_bytes(raw)
        for read in (lambda: read_journal(path), lambda: Journal(path, {})):
            with pytest.raises(CheckpointError, match=message.format(line, version)):
                read()
        assert path.read_bytes() == raw
    for raw in (line_of(format_of(1), 1) + header, header + line_of(format_of(1), 1)):
        path.write_bytes(raw)
        with pytest.raises(CheckpointError, match="line 2: expected version ., as in the first line, got"):
            Journal(path, {})
    path.write_bytes(header.replace(b": 2", b": 1"))
    with pytest.raises(CheckpointError, match="without a checksum, since version 1 has none, got one with"):
        Journal(path, {})


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
    ("trial", "[0]"),
    ("trial", str(1 << 60)), ("trial", "9" * 5000), ("rung", "-1"), ("rung", "{}"), ("steps", "0.5"),
    ("steps", '"many"'), ("configuration", "null"), ("configuration", "[]"), ("configuration", '"lr"'),
    ("configuration", '{"lr": NaN}'), ("configuration", '{"lr": 1e999}'),
    ("configuration", '{"lr": 1, "lr": 2}'), ("configuration", f'{{"lr": 1{"0" * 400}}}'),
    ("configuration", f'{{"lr": {NESTED}}}'), ("configuration", '{"lr": "\\ud800"}'), ("status", '["done"]'),
    ("status", '"Done"'), ("status", "null"), ("status", "{}"), ("reason", "3"), ("reason", "[]"),
    ("value", '"0.5"'), ("value", "true"), ("value", "[]"), ("value", "NaN"), ("value", "-Infinity"),
    ("value", "null"), ("value", f"1{'0' * 400}"), ("train_loss", '"low"'), ("validation_loss", "{}"),
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


def test_rows_of_another_space_are_refused(copy):
    lines = without_checksums((copy / JOURNAL).read_bytes()).splitlines(keepends=True)
    for old, new, message in (
        (b'"lr": 0.01', b'"lr": 0.03', "expected trial 0 with {'hidden': 3, 'lr': 0.01}, got trial 0 with"),
        (b'"trial": 0', b'"trial": 7', "expected no trial beyond its space, got trial 7 with"),
    ):
        (copy / JOURNAL).write_bytes(b"".join([lines[0], lines[1].replace(old, new), *lines[2:]]))
        with pytest.raises(CheckpointError, match=message):
            sweep_of().run(copy, jobs=1)


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


def test_a_journal_that_is_mostly_a_hole_is_not_read_to_its_end(copy, monkeypatch):
    monkeypatch.setattr(journal_lines, "LONGEST", 1 << 16)
    whole = (copy / JOURNAL).read_bytes()
    with (copy / JOURNAL).open("ab") as file:
        file.truncate(1 << 40)
    with pytest.raises(CheckpointError, match="line 5: expected a line of at most 65,536 bytes, got"):
        begin(copy)
    with (copy / JOURNAL).open("rb") as file:
        assert file.read(len(whole)) == whole


def test_a_second_sweep_in_one_directory_is_refused(copy):
    pytest.importorskip("fcntl")
    before = (copy / JOURNAL).read_bytes()

    def second(results):
        for sweep in (sweep_of(), sweep_of(0.5)):
            with pytest.raises(ConfigurationError, match="a journal that no other sweep uses, got .*jsonl"):
                sweep.run(copy, jobs=1)
        assert Results.load(copy).rows == results.rows  # reading is free

    sweep_of().run(copy, jobs=1, on_start=second)
    assert (copy / JOURNAL).read_bytes() == before
    assert len(begin(copy)) == 3  # the lock is gone


def test_a_forked_process_does_not_keep_the_lock(tmp_path):
    pytest.importorskip("fcntl")
    journal = Journal(tmp_path / JOURNAL, {})
    held = os.dup(journal._file)  # as a process has it that was forked just now
    journal.close()
    journal = Journal(tmp_path / JOURNAL, {})
    os.close(held)
    (begun, begin), (until, end) = os.pipe(), os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there may be threads; the child needs none
        child = os.fork()
    if child == 0:
        os.close(end)
        os.write(begin, b"1")
        os.read(until, 1)
        os._exit(0)
    try:
        os.read(begun, 1)
        with pytest.raises(ConfigurationError, match="no other sweep uses"):  # it does not free it either
            Journal(tmp_path / JOURNAL, {})
        os.close(journal._file)  # as the system does for a process that is killed
        journal._file = None
        Journal(tmp_path / JOURNAL, {}).close()
    finally:
        os.close(end)
        os.waitpid(child, 0)
        for pipe in (begun, begin, until):
            os.close(pipe)


@deep
def test_a_killed_process_does_not_keep_the_lock(tmp_path):
    pytest.importorskip("fcntl")
    code = (
        "import sys, time, pathlib; from minidl.sweep.journal import Journal\n"
        "with Journal(pathlib.Path(sys.argv[1]), {}): print(flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / JOURNAL)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(ConfigurationError, match="no other sweep uses"):
            Journal(tmp_path / JOURNAL, {})
        process.send_signal(signal.SIGKILL)
    Journal(tmp_path / JOURNAL, {}).close()
