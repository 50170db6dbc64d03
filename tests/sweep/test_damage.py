"""Journals that are damaged, foreign or hostile: never a foreign exception, nor changed content for sound.

A truncated journal, or one whose last line is damaged, gives the rows before; every other damage is a
`CheckpointError`. Whatever it is, the files in ``best`` stay.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl.errors import CheckpointError, ConfigurationError
from minidl.sweep import Results
from minidl.sweep import lines as journal_lines
from minidl.sweep.journal import JOURNAL, Journal, read_journal
from minidl.sweep.lines import format_of, line_of
from minidl.testing.strategies import PROFILES
from tests.deep import DEEP
from tests.sweep.small import RATES, kept, rows_in, sweep_of

FLIPS = 5 * PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "dev")]
FORMAT_1 = (Path(__file__).parent / "format1.jsonl").read_bytes()


class EnoughError(Exception):
    pass


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
    for raw, line in flipped(whole, max(FLIPS, 200)):
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
    cuts = [whole[:length] for length in np.random.default_rng(1).integers(len(whole), size=FLIPS // 10)]
    for raw in (*cuts, *(raw for raw, _ in flipped(whole, FLIPS // 10))):
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
    whole_lines = raw[: raw.rindex(b"\n", 0, -1) + 1]
    path.write_bytes(raw[:-30])
    news = []
    sweep_of().run(tmp_path, jobs=1, on_result=lambda row, _: news.append(row.trial))
    sweep_of(*RATES, 0.5).run(tmp_path, jobs=1, extend=True)
    assert news == [2]
    whole = path.read_bytes()
    assert whole.startswith(whole_lines)
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


def test_rows_of_another_space_are_refused(copy):
    lines = without_checksums((copy / JOURNAL).read_bytes()).splitlines(keepends=True)
    for old, new, message in (
        (b'"lr": 0.01', b'"lr": 0.03', "expected trial 0 with {'hidden': 3, 'lr': 0.01}, got trial 0 with"),
        (b'"trial": 0', b'"trial": 7', "expected no trial beyond its space, got trial 7 with"),
    ):
        (copy / JOURNAL).write_bytes(b"".join([lines[0], lines[1].replace(old, new), *lines[2:]]))
        with pytest.raises(CheckpointError, match=message):
            sweep_of().run(copy, jobs=1)


def test_a_journal_that_is_mostly_a_hole_is_not_read_to_its_end(copy, monkeypatch):
    monkeypatch.setattr(journal_lines, "LONGEST", 1 << 16)
    whole = (copy / JOURNAL).read_bytes()
    with (copy / JOURNAL).open("ab") as file:
        file.truncate(1 << 40)
    with pytest.raises(CheckpointError, match="line 5: expected a line of at most 65,536 bytes, got"):
        begin(copy)
    with (copy / JOURNAL).open("rb") as file:
        assert file.read(len(whole)) == whole
