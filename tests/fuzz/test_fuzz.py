"""Mutated files for every reader, as many as the profile says: only minidl's own errors come out."""

import os
import random

import pytest
from hypothesis import settings

from minidl.errors import MinidlError
from tests.fuzz import mutation
from tests.fuzz.mutation import mutate
from tests.fuzz.readers import READERS
from tests.fuzz.running import Folder, inputs, is_accepted

COUNT = settings().max_examples * 5
SEED = int.from_bytes(os.urandom(4)) if COUNT > 1000 else 0  # ever new ones in the nightly profile


@pytest.mark.parametrize("reader", READERS)
def test_only_minidls_own_errors_come_out(reader):
    row = READERS[reader]
    with Folder() as folder:
        assert all(is_accepted(reader, row.wrap(seed), folder) for seed in row.seeds())
        for content in inputs(reader, SEED, COUNT):
            try:
                is_accepted(reader, content, folder)
            except Exception as error:
                raise AssertionError(f"seed {SEED}: {content!r}") from error


def test_inputs_come_again_and_are_not_all_alike():
    first, again, other = (list(inputs("idx", seed, 50)) for seed in (1, 1, 2))
    assert first == again != other
    assert len(set(first)) > 40


@pytest.mark.parametrize("reader", [name for name in READERS if name.endswith("-structure")])
def test_most_changes_of_what_a_file_says_get_past_its_checksums(reader):
    row, stopped, count = READERS[reader], 0, 40
    with Folder() as folder:
        for content in inputs(reader, 0, count):
            (folder / row.name).write_bytes(content)
            try:
                row.read(folder / row.name)
            except MinidlError as error:
                stopped += any(word in str(error) for word in ("sha256", "SHA-256", "CRC", "checksum"))
    assert stopped < count / 2


def test_every_change_changes_something():
    for change in mutation.CHANGES:
        made = set()
        for seed in range(30):
            data = bytearray(range(50))
            change(data, [b"another one"], random.Random(seed))
            made.add(bytes(data))
            for short in (bytearray(), bytearray(b"a")):
                change(short, [b"another one"], random.Random(seed))
        assert len(made - {bytes(range(50))}) > 10
    assert mutate(b"", [b""], random.Random(0)) is not None
