"""The IDX reader: every shape comes back, every damage is refused."""

import gzip
import math
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minidl.data.readers.idx import read_idx
from minidl.errors import DataError

shared_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def idx_bytes(array, code=8):
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@shared_folder
@given(array=hnp.arrays(np.uint8, hnp.array_shapes(max_dims=4, max_side=5)), zipped=st.booleans())
def test_round_trip(tmp_path, array, zipped):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(idx_bytes(array)) if zipped else idx_bytes(array))
    read = read_idx(path, ndim=array.ndim)
    assert read.dtype == np.uint8
    assert np.array_equal(read, array)


def test_content_tells_gzip_not_the_name(tmp_path):
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    (tmp_path / "plain.gz").write_bytes(idx_bytes(array))
    (tmp_path / "zipped").write_bytes(gzip.compress(idx_bytes(array)))
    assert np.array_equal(read_idx(tmp_path / "plain.gz"), read_idx(str(tmp_path / "zipped")))


def test_larger_than_a_chunk(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (3, 1 << 20), np.uint8)
    (tmp_path / "file").write_bytes(idx_bytes(array))
    assert np.array_equal(read_idx(tmp_path / "file"), array)


def refused(path, words="", **options):
    with pytest.raises(DataError) as caught:
        read_idx(path, **options)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize("zipped", [False, True])
def test_every_truncation_is_refused(tmp_path, zipped):
    whole = idx_bytes(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
    whole = gzip.compress(whole) if zipped else whole
    for length in range(len(whole)):
        (tmp_path / "file").write_bytes(whole[:length])
        refused(tmp_path / "file")


def test_every_flipped_byte_is_refused_or_read(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    whole = gzip.compress(idx_bytes(array), mtime=0)
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        (tmp_path / "file").write_bytes(damaged)
        try:
            assert np.array_equal(read_idx(tmp_path / "file"), array)  # gzip's header holds a time and more
        except DataError as error:
            assert str(tmp_path / "file") in str(error)


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (b"", {}, "got bytes none"),
        (b"PK\x03\x04 a zip", {}, "50 4b 03 04"),
        (idx_bytes(np.zeros(3, np.uint8), code=0x0D), {}, "float32"),
        (idx_bytes(np.zeros(3, np.uint8), code=0x07), {}, "IDX header"),
        (idx_bytes(np.zeros(3, np.uint8)) + b"\0", {}, "got more"),
        (gzip.compress(idx_bytes(np.zeros(3, np.uint8)) + b"\0", mtime=0), {}, "got more"),
        (gzip.compress(idx_bytes(np.zeros(3, np.uint8)), mtime=0) + b"rest", {}, "readable"),
        (bytes([0, 0, 8, 0]), {}, "IDX header"),
        (bytes([0, 0, 8, 255]), {}, "IDX header"),
        (bytes([0, 0, 8, 2, 0, 0, 0]), {}, "3 bytes of them"),
        (idx_bytes(np.zeros((0, 3), np.uint8)), {}, "(0, 3)"),
        (
            idx_bytes(np.zeros(3, np.uint8)),
            {"ndim": 3},
            "is the labels file in the place of the images file?",
        ),
        (
            idx_bytes(np.zeros((1, 1, 1), np.uint8)),
            {"ndim": 1},
            "is the images file in the place of the labels",
        ),
        (idx_bytes(np.zeros((1, 1), np.uint8)), {"ndim": 3}, "expected 3 dimensions, got 2"),
    ],
)
def test_refusals(tmp_path, content, options, words):
    (tmp_path / "file").write_bytes(content)
    refused(tmp_path / "file", words, **options)


@pytest.mark.parametrize("sizes", [(2**32 - 1,) * 3, (2**31 + 1,), (2**16, 2**16), (2**32 - 1,) * 8])
def test_absurd_sizes_are_refused_before_anything_is_allocated(tmp_path, sizes):
    assert math.prod(sizes) > 2**31
    (tmp_path / "file").write_bytes(bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes))
    tracemalloc.start()
    try:
        refused(tmp_path / "file", "2147483648")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_missing_file_and_directory(tmp_path):
    refused(tmp_path / "none", "No such file")
    refused(tmp_path, "check the path")
