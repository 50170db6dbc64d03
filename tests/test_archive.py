"""A zip of arrays: whole, within bounds, or refused."""

import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minidl import archive
from minidl.archive import Archive, write_archive
from minidl.errors import CheckpointError, DataError

DTYPES = ["f2", "f4", ">f8", "i1", ">i4", "u8", "?", "U3", ">U2", "S4", "c8"]
KINDS = "fiubUSc"


def packed(save=np.savez, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def written(texts=(), **arrays):
    file = io.BytesIO()
    write_archive(file, dict(texts), arrays)
    return file.getvalue()


def read(content, *, is_packed=True, kinds=KINDS):
    with Archive(content, "here", DataError, packed=is_packed) as opened:
        return {name: opened.array(name, kinds) for name in opened.arrays}


def refused(content, *words, **options):
    with pytest.raises(DataError) as caught:
        read(content, **options)
    assert all(word in str(caught.value) for word in ("here: expected", *words)), caught.value


def with_member(member, name="x.npy", method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as opened:
        opened.writestr(name, member)
    return file.getvalue()


def npy(header, content=b"", version=1):
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + content


@given(
    st.sampled_from(DTYPES),
    hnp.array_shapes(min_dims=0, max_side=3),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_what_numpy_writes_is_read(dtype, shape, fortran, seed):
    values = np.random.default_rng(seed).integers(0, 100, shape)
    array = np.asarray(values.astype(dtype), order="F" if fortran else "C")
    for content in (packed(x=array), packed(np.savez_compressed, x=array), written(x=array)):
        found = read(content)["x"]
        np.testing.assert_array_equal(found, array, strict=True)
        assert found.flags.writeable
    assert written(x=array) == written(x=array)


def test_empty_arrays_and_texts():
    content = written({"a.json": b"{}"}, x=np.empty((3, 0), np.float32))
    with Archive(content, "here", CheckpointError) as opened:
        assert (opened.arrays, opened.texts, opened.size) == (["x"], ["a.json"], len(content))
        assert opened.text("a.json", 2) == b"{}"
        assert opened.array("x").shape == (3, 0)
        for call in (
            lambda: opened.text("a.json", 1),
            lambda: opened.text("b", 9),
            lambda: opened.array("y"),
        ):
            with pytest.raises(CheckpointError, match="here: expected"):
                call()


@pytest.mark.parametrize(
    "header",
    [
        b"{'shape': (2,), 'fortran_order': False, 'descr': '<i2'}",
        b'{ "descr":"<i2","fortran_order" : False ,"shape":( 2 ,) , }\n',
        b"{'descr': '<i2', 'fortran_order': False, 'shape': (2L,), }   ",
    ],
)
def test_headers_of_other_programs(header):
    for version in (1, 2, 3):
        assert read(with_member(npy(header, b"\1\0\2\0", version)))["x"].tolist() == [1, 2]


HEADER = b"{'descr': '%s', 'fortran_order': False, 'shape': (%s), }"


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (b"", "NumPy"),
        (b"\x93NUMPY\4\0", "NumPy"),
        (npy(b"(" * 4000), "header"),
        (npy(b"x" * 5000), "a header of 5,000 bytes"),
        (npy(b"{'descr': '<f4',", b"\0" * 4), "header"),
        (npy(b"'''", b"\0" * 4), "header"),
        (npy(HEADER % (b"<f4", b"2,")), "8 bytes, got 0"),
        (npy(HEADER % (b"<f4", b"-1,-1,"), b"\0" * 4), "header"),
        (npy(HEADER % (b"<f4", b"9" * 3000 + b","), b"\0" * 4), "bytes, got 4"),
        (npy(HEADER % (b"<f4", b"2,"), b"\0" * 9), "8 bytes, got 9"),
        (npy(HEADER % (b"<f3", b"1,"), b"\0" * 3), "whole array"),
        (npy(HEADER % (b"<f4", b"1," * 70), b"\0" * 4), "whole array"),
        (npy(HEADER % (b"|O", b"1,"), b"\0" * 8), "pickled objects are never read"),
        (npy(HEADER % (b"<M8[ns]", b"1,"), b"\0" * 8), "of numbers"),
        (npy(HEADER % (b"<U0", b"1,")), "of numbers"),
        (npy(HEADER % (b"<U1", b"1,"), b"\0\0\x11\0"), "stand for nothing"),
        (npy(HEADER % (b">U1", b"1,"), b"\0\0\xd8\0"), "stand for nothing"),
        (npy(HEADER % (b"|b1", b"1,"), b"\2"), "stand for nothing"),
        (npy(b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", b"\0" * 4), "one dtype"),
    ],
)
def test_members_that_are_no_arrays(member, words):
    refused(with_member(member), words)
    refused(with_member(member, method=zipfile.ZIP_DEFLATED), words)


def flipped(content, place, bit=0):
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def test_a_flipped_bit_never_moves_the_numbers():
    """NumPy stops where the array ends; a member above 4 KB is then never compared with its checksum."""
    array = (np.arange(9000) % 251 + 2).astype(np.uint8)
    content = packed(x=array)
    header = content.index(b"\x93NUMPY")
    places = [*range(header, header + 128), *range(header + 2000, header + 2010), header + 128 + 8999]
    assert all(array_or_refusal(flipped(content, place, bit)) is None for place in places for bit in range(8))


def array_or_refusal(content):
    try:
        return read(content)
    except DataError:
        return None


def test_methods_encryption_and_names():
    member = npy(HEADER % (b"|u1", b"2,"), b"\1\2")
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        refused(with_member(member, method=method), "deflated or stored")
    refused(with_member(member, method=zipfile.ZIP_DEFLATED), "not compressed", is_packed=False)
    content = with_member(member)
    refused(flipped(content, content.rindex(b"PK\1\2") + 8), "not encrypted")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened, pytest.warns(UserWarning, match="Duplicate"):
        opened.writestr("x.npy", member)
        opened.writestr("x.npy", member)
    refused(file.getvalue(), "every member once")
    refused(npy(HEADER % (b"|u1", b"2,"), b"\1\2"), "a single array")
    assert read(with_member(member, name="größe.npy"))["größe"].tolist() == [1, 2]


def directory(count, length, offset=0):
    return b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, length, offset, 0)


def directory64(count, length, at, offset=0):
    record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, length, offset)
    return record + b"PK\6\7" + struct.pack("<IQI", 0, at, 1)


def test_a_list_of_members_is_bounded_wherever_it_is_said(monkeypatch):
    entry = b"PK\1\2" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"a"
    entries = entry * 100
    monkeypatch.setattr(archive, "MAX_DIRECTORY_BYTES", 1000)
    for end in (
        directory(100, len(entries)),
        directory64(100, len(entries), len(entries)) + directory(1, 47),  # which zipfile believes
        directory64(100, len(entries), len(entries)) + directory(0xFFFF, 0xFFFFFFFF),
    ):
        refused(entries + end, "at most 1,000 bytes")
    refused(entries + directory64(1, 47, 7) + directory(1, 47), "at two places")


def test_members_that_share_bytes():
    content = bytearray(with_member(npy(HEADER % (b"|u1", b"2,"), b"\1\2")))
    start = content.rindex(b"PK\1\2")
    entry = content[start : content.rindex(b"PK\5\6")]
    second = bytearray(entry)
    second[46] ^= 1
    refused(bytes(content[:start] + entry + second + directory(2, 2 * len(entry), start)), "begins within")
    refused(bytes(content[:start] + entry + directory(2, len(entry), start)), "2 members, got 1")


@pytest.mark.parametrize("claimed", [1 << 31, 3000])
def test_sizes_that_a_member_cannot_have(claimed):
    content = bytearray(with_member(npy(HEADER % (b"|u1", b"2,"), b"\1\2"), method=zipfile.ZIP_DEFLATED))
    place = content.rindex(b"PK\1\2") + 24
    content[place : place + 4] = struct.pack("<I", claimed)
    refused(bytes(content))


def test_all_members_together_are_bounded(monkeypatch):
    content = packed(np.savez_compressed, x=np.zeros(5000), y=np.zeros(5000))
    read(content)
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 50_000)
    refused(content, "members that the file holds")
    read(packed(x=np.zeros(5000), y=np.zeros(5000)))  # which the file holds


def test_regular_files_only(tmp_path):
    with pytest.raises(FileNotFoundError):
        Archive(tmp_path / "none", "here", DataError)
    with pytest.raises(DataError, match="here: expected a readable file"):
        Archive(tmp_path, "here", DataError)


def test_a_wrong_checksum_of_a_text():
    content = bytearray(written({"a.json": b"{}" * 10}))
    content[content.index(b"{}")] ^= 1
    with Archive(bytes(content), "here", DataError) as opened, pytest.raises(DataError, match="CRC"):
        opened.text("a.json", 100)
