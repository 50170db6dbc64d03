import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import CheckpointError, ConfigurationError
from minidl.sweep import Row
from minidl.sweep.journal import Journal, read_journal

HEADER = {"model": "mlp", "seed": 0}
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.builds(
    lambda status, value, **others: Row(
        status=status, value=value if status in ("done", "running", "stopped") else None, **others
    ),
    trial=st.integers(0, 99),
    configuration=st.dictionaries(st.text(), st.text() | NUMBERS | st.lists(NUMBERS)),
    rung=st.integers(0, 3),
    steps=st.integers(0, 10**6),
    status=st.sampled_from(["done", "running", "stopped", "diverged", "failed"]),
    reason=st.none() | st.text(),
    value=st.floats(allow_nan=False, allow_infinity=False),
    train_loss=NUMBERS,
)


@given(ROWS)
def test_a_row_is_one_line(row):
    assert "\n" not in row.to_json()
    assert Row.from_json(row.to_json()) == row


@pytest.fixture
def rows():
    texts = ["plain", "two\nlines", "Ω\r", None]
    return [Row(n, {"lr": n / 10}, 0, 5, "done", text, 0.5) for n, text in enumerate(texts)]


@pytest.fixture
def path(tmp_path, rows):
    with Journal(tmp_path / "deep/journal.jsonl", HEADER) as journal:
        for row in rows:
            journal.append(row)
    return tmp_path / "deep/journal.jsonl"


def test_what_is_appended_is_there_at_once_and_again(path, rows):
    before = path.read_bytes()
    assert read_journal(path)[1] == rows
    with Journal(path, HEADER) as journal:
        assert journal.rows == rows
        journal.append(rows[0])
        assert read_journal(path)[1] == [*rows, rows[0]]
    assert path.read_bytes() == before + before.splitlines(keepends=True)[1]


def test_each_row_is_brought_to_the_disk(path, rows, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes()))
    with Journal(path, HEADER) as journal:
        before = path.read_bytes()
        journal.append(rows[0])
    assert synced == [before + before.splitlines(keepends=True)[1]]


def test_cut_off_anywhere_it_goes_on(path, rows, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)  # some hundreds of them
    whole = path.read_bytes()
    ends = [position + 1 for position, byte in enumerate(whole) if byte == ord("\n")]
    lengths = {*range(0, len(whole), 5), *(end + k for end in ends for k in (-2, -1, 0, 1))}
    for length in sorted(lengths - {len(whole), len(whole) + 1}):
        path.write_bytes(whole[:length])
        left = max(sum(end <= length for end in ends) - 1, 0)
        with Journal(path, HEADER) as journal:
            assert journal.rows == rows[:left]
            for row in rows[left:]:
                journal.append(row)
        assert path.read_bytes() == whole


def test_a_last_line_of_rubbish_is_cut_off(path, rows):
    whole = path.read_bytes()
    for rubbish in (b"\0" * 100 + b"\n", b'{"trial": 1}\n', b"[]\n", b"\xff\n"):
        path.write_bytes(whole + rubbish)
        with Journal(path, HEADER) as journal:
            assert journal.rows == rows
        assert path.read_bytes() == whole


def test_rubbish_elsewhere_is_an_error(path):
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2][:20] + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(CheckpointError, match="journal.jsonl, line 3: expected a row of a sweep"):
        Journal(path, HEADER)
    assert path.read_bytes() == b"".join(lines)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "{}\n", '{"format": "minidl sweep", "version": 3}\n'])
def test_a_foreign_file_is_left_alone(tmp_path, text):
    path = tmp_path / "journal.jsonl"
    path.write_text(text)
    with pytest.raises(CheckpointError, match="line 1: expected the header of a minidl sweep"):
        Journal(path, HEADER)
    assert path.read_text() == text


def test_another_sweeps_journal_is_refused(path):
    whole = path.read_bytes()
    with pytest.raises(ConfigurationError, match="expected seed 0, got seed 1; give another directory, or"):
        Journal(path, HEADER | {"seed": 1})
    assert path.read_bytes() == whole


def test_many_differences_are_counted(tmp_path):
    header = {f"setting {number}": number for number in range(100)}
    Journal(tmp_path / "journal.jsonl", header).close()
    with pytest.raises(
        ConfigurationError, match="setting 5 5, and 94 more, got .*setting 5 6, and 94"
    ) as info:
        Journal(tmp_path / "journal.jsonl", {name: number + 1 for name, number in header.items()})
    assert len(str(info.value)) < 500


def test_a_directory_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file/journal.jsonl", tmp_path / "file/deeper/journal.jsonl"):
        with pytest.raises(
            ConfigurationError, match="Sweep: expected a directory that can be written, got .*file"
        ):
            Journal(path, HEADER)


def test_without_resume_a_journal_with_rows_is_refused(path, tmp_path):
    with pytest.raises(ConfigurationError, match="without a journal, got .*; go on with it"):
        Journal(path, HEADER, resume=False)
    for _ in range(2):
        Journal(tmp_path / "new.jsonl", HEADER, resume=False).close()


def test_only_one_sweep_at_a_time(path):
    pytest.importorskip("fcntl")
    with (
        Journal(path, HEADER),
        pytest.raises(ConfigurationError, match="a journal that no other sweep uses, got .*journal.jsonl"),
    ):
        Journal(path, HEADER)
    Journal(path, HEADER).close()


def test_reading_what_is_none(tmp_path):
    path = tmp_path / "journal.jsonl"
    with pytest.raises(CheckpointError, match="a sweep's journal, got no such file"):
        read_journal(path)
    path.touch()
    with pytest.raises(CheckpointError, match="a sweep's journal, got an empty file"):
        read_journal(path)


def test_the_header_is_the_first_line(path):
    header = json.loads(path.read_text().splitlines()[0])
    del header["crc32"]
    assert header.items() >= HEADER.items()
    assert header == read_journal(path)[0]
