"""CIFAR-10: the same images from every layout, and no damage or malice gets further than a DataError."""

import contextlib
import gzip
import io
import os
import pickle
import subprocess
import tarfile
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minidl.data.readers import cifar
from minidl.data.readers.cifar import TARGET_NAMES, find_cifar10, read_cifar10
from minidl.data.readers.pickles import read_pickle
from minidl.errors import DataError
from tests.deep import first_only

shared_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
PICKLE_FORMS = ("python2", 0, 1, 2, 3, 4)


def batch(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 3072), np.uint8), rng.integers(0, 10, count).tolist()


def binary(data, labels):
    return b"".join(bytes([label]) + row.tobytes() for row, label in zip(data, labels, strict=True))


def python2(data, labels, *, fortran=False):
    """The pickle as Python 2 wrote the official one: byte strings, and the old name of NumPy's module."""

    def text(value):
        return b"T" + len(value).to_bytes(4, "little") + value

    shape = b"(" + b"".join(b"J" + size.to_bytes(4, "little") for size in data.shape) + b"t"
    dtype = b"cnumpy\ndtype\n" + text(b"u1") + b"K\0K\1\x87R(K\3" + text(b"|") + b"NNNJ\xff\xff\xff\xff"
    dtype += b"J\xff\xff\xff\xffK\0tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85" + text(b"b") + b"\x87R"
    raw = data.tobytes(order="F" if fortran else "C")
    array += b"(K\1" + shape + dtype + (b"\x88" if fortran else b"\x89") + text(raw) + b"tb"
    listed = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\2}(" + text(b"data") + array + text(b"labels") + listed + b"u."


def pickled(data, labels, form="python2"):
    if form == "python2":
        return python2(data, labels)
    return pickle.dumps({b"data": data, "labels": labels, "filenames": ["x.png"] * len(labels)}, form)


def files(counts, layout, form="python2"):
    """Name and content of each file, for so many images in each training batch and, last, the test batch."""
    parts = {f"data_batch_{number}": batch(count, number) for number, count in enumerate(counts[:-1], 1)}
    parts["test_batch"] = batch(counts[-1], 99)
    if layout == "binary":
        meta = {"batches.meta.txt": ("\n".join(TARGET_NAMES) + "\n\n").encode()}
        return {f"{name}.bin": binary(*part) for name, part in parts.items()} | meta
    meta = {"batches.meta": pickle.dumps({"label_names": list(TARGET_NAMES), "num_vis": 3072}, 2)}
    return {name: pickled(*part, form) for name, part in parts.items()} | meta


def write(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def member(name, content=b"", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def archive(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def archived(path, contents, folder="cifar-10-batches-bin/", mode="w:gz"):
    return archive(path, [member(folder + name, content) for name, content in contents.items()], mode)


def refused(path, *words):
    with pytest.raises(DataError) as caught:
        read_cifar10(path)
    message = str(caught.value)
    assert all(word in message for word in [str(path), *words]), message


@shared_folder
@given(
    counts=st.lists(st.integers(1, 4), min_size=2, max_size=12),
    form=st.sampled_from(PICKLE_FORMS),
    order=st.randoms(use_true_random=False),
)
def test_every_layout_gives_the_same_to_the_bit(tmp_path, counts, form, order):
    shuffled = list(files(counts, "python", form).items())
    order.shuffle(shuffled)
    sources = [
        write(tmp_path / "bin", files(counts, "binary")),
        write(tmp_path / "py", files(counts, "python", form)),
        archived(tmp_path / "bin.tar.gz", files(counts, "binary")),
        archived(tmp_path / "py.tar.gz", dict(shuffled), folder="./any/where/"),
        archived(tmp_path / "plain.tar", files(counts, "binary"), mode="w"),
    ]
    parts = [batch(count, number) for number, count in enumerate(counts[:-1], 1)]
    test_pixels, test_labels = batch(counts[-1], 99)
    for source in sources:
        read = read_cifar10(source)
        assert read.train_images.dtype == np.uint8
        assert np.array_equal(
            read.train_images.reshape(-1, 3072), np.concatenate([data for data, _ in parts])
        )
        assert read.train_labels.tolist() == [label for _, labels in parts for label in labels]
        assert read.train_labels.dtype == np.int64
        assert np.array_equal(read.test_images, test_pixels.reshape(-1, 3, 32, 32))
        assert read.test_labels.tolist() == test_labels
        assert read.target_names == TARGET_NAMES


def test_an_array_in_fortran_order(tmp_path):
    data, labels = batch(3)
    contents = files([3, 1], "python") | {"data_batch_1": python2(data, labels, fortran=True)}
    assert np.array_equal(read_cifar10(write(tmp_path, contents)).train_images.reshape(3, -1), data)


def test_names_come_from_the_meta_file_and_are_known_without_it(tmp_path):
    names = [f"class{number}" for number in range(10)]
    contents = files([1, 1], "binary") | {"batches.meta.txt": "\n".join(names).encode()}
    assert read_cifar10(write(tmp_path, contents)).target_names == tuple(names)
    del contents["batches.meta.txt"]
    assert read_cifar10(write(tmp_path, contents)).target_names == TARGET_NAMES
    refused(write(tmp_path, contents | {"batches.meta.txt": b"one\ntwo"}), "ten classes", "2 entries")
    meta = {"batches.meta": pickle.dumps({"label_names": [1] * 10}, 2)}
    refused(write(tmp_path, files([1, 1], "python") | meta), "ten classes")


def test_where_both_layouts_lie_the_binary_one_is_read(tmp_path):
    contents = files([2, 1], "python") | files([3, 1], "binary")
    assert len(read_cifar10(write(tmp_path, contents)).train_labels) == 3


@pytest.mark.parametrize(("layout", "suffix"), [("binary", ".bin"), ("python", "")])
def test_missing_files(tmp_path, layout, suffix):
    contents = files([1, 1, 1, 1], layout)
    for missing in ("data_batch_1", "data_batch_2", "test_batch"):
        rest = {name: content for name, content in contents.items() if name != missing + suffix}
        refused(write(tmp_path / "folder", rest), f"without {missing}{suffix}")
        refused(archived(tmp_path / "file.tar.gz", rest), f"without {missing}{suffix}")
    refused(write(tmp_path / "folder", {}), "no batch")
    refused(tmp_path / "nowhere", "No such file")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "got 0 bytes"),
        (b"\0" * 3072, "got 3072 bytes"),
        (b"\0" * 3074, "multiple of 3073"),
        (b"\0" * 3073 + b"\n" + b"\0" * 3072, "got 10 for image 1"),
    ],
)
def test_binary_refusals(tmp_path, content, words):
    refused(
        write(tmp_path, files([1, 1], "binary") | {"data_batch_1.bin": content}), "data_batch_1.bin", words
    )


@pytest.mark.parametrize("form", [2, 4])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1, 2], "pickled dictionary, got list"),
        ({}, "got nothing"),
        ({"data": batch(2)[0]}, "got data (PickledArray)"),
        ({"data": [1], "labels": [1]}, "data (list)"),
        ({"data": batch(2)[0], "labels": (1, 2)}, "labels (tuple)"),
        ({"data": batch(2)[0], "labels": [1]}, "1 labels"),
        ({"data": batch(2)[0][:, :5].copy(), "labels": [1, 2]}, "(2, 5)"),
        ({"data": batch(0)[0], "labels": []}, ""),
        ({"data": batch(2)[0].astype(np.float32), "labels": [1, 2]}, "uint8, got dtype 'f4'"),
        ({"data": batch(2)[0], "labels": [1, 10]}, "got 10 for image 1"),
        ({"data": batch(2)[0], "labels": [-1, 1]}, "got -1 for image 0"),
        ({"data": batch(2)[0], "labels": [1.0, 2]}, "got float for image 0"),
        ({"data": batch(2)[0], "labels": [True, 2]}, "got bool for image 0"),
        ({"data": batch(2)[0], "labels": [10**5000, 2]}, "got int for image 0"),
        ({1: 2}, "keys are not text"),
    ],
)
def test_pickle_refusals(tmp_path, form, value, words):
    contents = files([1, 1], "python") | {"data_batch_1": pickle.dumps(value, form)}
    refused(write(tmp_path, contents), "data_batch_1", words)


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("form", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("place", ["data", "labels", "alone"])
def test_a_pickle_that_calls_is_refused_by_name_and_not_run(tmp_path, monkeypatch, form, place):
    monkeypatch.setattr(os, "system", lambda command: pytest.fail("ran"))
    ran = tmp_path / "ran"
    bomb = pickle.dumps(Call(subprocess.os.popen, f"touch {ran}"), form)
    assert b"popen" in bomb
    content = b"cos\nsystem\n(S'touch %s'\ntR." % bytes(ran)
    refused(write(tmp_path / "py", files([1, 1], "python") | {"data_batch_1": content}), "names os.system")
    value = Call(exec, f"open({str(ran)!r}, 'w')")
    tree = {"data": batch(1)[0], "labels": [1]}
    content = pickle.dumps(value if place == "alone" else tree | {place: value}, form)
    words = "exec" if form < 5 or place != "labels" else "_frombuffer"
    refused(
        write(tmp_path / "py", files([1, 1], "python") | {"data_batch_1": content}), "the pickle names", words
    )
    assert not ran.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"(S'touch x'\nios\nsystem\n.", "os.system"),
        (b"\x80\4\x8c\2os\x8c\6system\x93.", "os.system"),
        (b"\x80\2cnumpy\nload\n.", "numpy.load"),
        (b"\x80\2cnumpy\nndarray.tofile\n.", "numpy.ndarray.tofile"),
        (b"\x80\2c_codecs\ndecode\n.", "_codecs.decode"),
        (b"\x80\2c_codecs\nencode\nX\1\0\0\0aX\3\0\0\0hex\x86R.", "a call"),
        (b"\x80\2cnumpy\nndarray\n)R.", "a call"),
        (b"\x80\2cnumpy\nndarray\n)\x81.", "NEWOBJ"),
        (b"\x80\2\x82\1.", "EXT1"),
        (b"\x80\2K\1Q.", "BINPERSID"),
        (b"\x80\2cnumpy\nndarray\n}b.", "a state"),
        (b"\x80\2}K\1K\2s.", "not text"),
        (b"\x80\2]K\1K\2s.", "list where a dict"),
        (b"\x80\2\x85.", "an empty stack"),
        (b"\x80\2h\7.", ""),
        (b"\x80\2K\1K\2.", ""),
        (b"\x80\4](h\0h\0\x93.", ""),
        (b"", ""),
        (b".", ""),
        (b"L" + b"9" * 9000 + b"L\n.", ""),
        (b"(" * 100_000, ""),
    ],
)
def test_other_tricks(content, words):
    with pytest.raises(DataError) as caught:
        read_pickle("here", content)
    assert str(caught.value).startswith("here: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\2]r\xff\xff\xff\xff.",  # a memo of 2**32 entries: 64 GB in pickle.Unpickler
        b"\x80\4\x8e" + (2**40).to_bytes(8, "little") + b"abc.",
        b"\x80\2X\xff\xff\xff\x7fabc.",
        b"\x80\2X\xe8\3\0\0"
        + b"a" * 1000
        + b"q\0X\6\0\0\0latin1q\1c_codecs\nencode\nq\2"
        + b"h\2h\0h\1\x86R" * 50_000,
    ],
)
def test_a_small_pickle_takes_little_memory(content):
    tracemalloc.start()
    try:
        with contextlib.suppress(DataError):
            read_pickle("here", content)
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


def test_depth_and_shared_structure_are_harmless(tmp_path):
    deep = b"\x80\2}X\6\0\0\0labels" + b"]" * 50_000 + b"a" * 49_999 + b"sX\4\0\0\0data" + b"Ns."
    doubled = b"\x80\2}X\6\0\0\0labels](K\1" + b"2\x86" * 200 + b"es."
    shared = b"\x80\2}X\4\0\0\0dataK\1" + b"q\0h\0\x86" * 200 + b"s."
    for content in (deep, doubled, shared):
        refused(write(tmp_path, files([1, 1], "python") | {"data_batch_1": content}), "data_batch_1")


@pytest.mark.parametrize("form", first_only("python2", 0, 2, 4))
def test_truncated_and_flipped_pickles(tmp_path, form):
    whole = pickled(*batch(2), form)
    rest = {name: content for name, content in files([2, 1], "python").items() if name != "data_batch_1"}
    write(tmp_path, rest)
    path = tmp_path / "data_batch_1"
    ends = [*range(180), *range(len(whole) - 100, len(whole))]
    for length in ends[::3]:
        path.write_bytes(whole[:length])
        refused(tmp_path)
    for position in ends:
        for bits in (0xFF, 0x01):
            damaged = bytearray(whole)
            damaged[position] ^= bits
            path.write_bytes(damaged)
            try:
                read_cifar10(tmp_path)
            except DataError as error:
                assert "data_batch_1" in str(error)


@shared_folder
@given(content=st.binary(max_size=60))
def test_any_bytes_as_a_pickle(content):
    try:
        read_pickle("here", b"\x80\2" + content + b".")
    except DataError as error:
        assert str(error).startswith("here: ")


def test_truncated_and_flipped_archives(tmp_path):
    path = archived(tmp_path / "file.tar.gz", files([2, 1], "binary"))
    original = read_cifar10(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        refused(path)
    for position in [*range(60), *range(60, len(whole), 101), *range(len(whole) - 12, len(whole))]:
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert np.array_equal(read_cifar10(path).train_images, original.train_images)
        except DataError as error:
            assert str(path) in str(error)


def test_a_flipped_pixel_is_caught_by_the_checksum(tmp_path):
    path = tmp_path / "file.tar.gz"
    plain = archived(tmp_path / "file.tar", files([2, 1], "binary"), mode="w").read_bytes()
    plain = plain.ljust(1 << 20, b"\0")  # so that tarfile itself stops before gzip's checksum
    stored = bytearray(gzip.compress(plain, compresslevel=0))
    path.write_bytes(stored)
    read_cifar10(path)
    stored[5000] ^= 1
    path.write_bytes(stored)
    refused(path, "CRC")


def test_plain_archives_with_flipped_headers(tmp_path):
    whole = archived(tmp_path / "file.tar", files([1, 1], "binary"), mode="w").read_bytes()
    path = tmp_path / "flipped.tar"
    for position in range(0, 512, 3):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        refused(path)


def test_names_that_point_elsewhere_write_nothing(tmp_path):
    contents = files([1, 1], "binary")
    members = [member("../../" + name, content) for name, content in contents.items()]
    members += [member("../evil", b"evil"), member("/tmp/../etc/batch", b"evil")]
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    path = archive(folder / "file.tar.gz", members)
    before = sorted(tmp_path.rglob("*"))
    assert len(read_cifar10(path).train_labels) == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE],
)
def test_only_regular_members_are_read(tmp_path, kind):
    contents = files([1, 1], "binary")
    secret = tmp_path / "secret"
    secret.write_bytes(contents.pop("data_batch_1.bin"))
    members = [member(name, content) for name, content in contents.items()]
    members.append(member("data_batch_1.bin", type=kind, linkname=str(secret)))
    refused(archive(tmp_path / "file.tar.gz", members), "without data_batch_1.bin")


def test_a_batch_may_come_only_once(tmp_path):
    members = [
        member(f"{folder}/{name}", c) for folder in "ab" for name, c in files([1, 1], "binary").items()
    ]
    refused(archive(tmp_path / "file.tar.gz", members), "each batch once")


def test_sizes_are_bounded(tmp_path, monkeypatch):
    contents = files([2, 1], "binary")
    path = archived(tmp_path / "file.tar.gz", {"padding": b"\0" * 500_000} | contents)
    folder = write(tmp_path / "folder", contents)
    read_cifar10(path)
    monkeypatch.setattr(cifar, "MAX_ARCHIVE_BYTES", 400_000)
    refused(path, "400,000 bytes unpacked")
    monkeypatch.undo()
    monkeypatch.setattr(cifar, "MAX_FILE_BYTES", 6_000)
    refused(path, "data_batch_1.bin", "at most 6000 bytes, got 6146")
    refused(folder, "data_batch_1.bin", "at most 6000 bytes, got 6146")


def test_other_archives_and_files(tmp_path):
    path = tmp_path / "file.tar.gz"
    for content in (b"", b"text", gzip.compress(b"text"), b"PK\3\4" + bytes(500)):
        path.write_bytes(content)
        refused(path)
    refused(archive(path, [member("cifar-100-binary/train.bin", bytes(3074))]), "no batch")


def test_memory_stays_near_one_copy(tmp_path):
    folder = write(tmp_path, files([1500] * 5 + [100], "python", "python2"))
    tracemalloc.start()
    try:
        size = read_cifar10(folder).train_images.nbytes
        # Two copies, for the joined array counts whole at once; its pages really come one by one.
        assert tracemalloc.get_traced_memory()[1] < 2.2 * size
        assert tracemalloc.get_traced_memory()[0] < 1.2 * size
    finally:
        tracemalloc.stop()


def test_find(tmp_path):
    assert find_cifar10(tmp_path) is None
    assert find_cifar10(tmp_path / "nowhere") is None
    contents = files([1, 1], "binary")
    tar = archived(tmp_path / "cifar-10-python.tar.gz", contents)
    assert find_cifar10(tmp_path) == find_cifar10(tar) == tar
    folder = write(tmp_path / "cifar-10-batches-py", files([1, 1], "python"))
    assert find_cifar10(tmp_path) == find_cifar10(folder) == folder
    folder = write(tmp_path / "cifar-10-batches-bin", contents)
    assert find_cifar10(tmp_path) == folder
