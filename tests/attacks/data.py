"""Attacks on what reads data."""

import gzip
import os
import pickle
import tarfile
import zipfile

import numpy as np
import scipy.sparse  # noqa: F401 - before memory is traced

from minidl.data import load
from minidl.data.digits import read_digits
from minidl.data.readers.cifar import read_cifar10
from minidl.data.readers.idx import read_idx
from tests.attacks.checking import Attack
from tests.attacks.making import (
    block,
    bomb,
    end,
    entry,
    file,
    folder,
    headed,
    hollow,
    link,
    listening,
    mine,
    npy,
    npz,
    pipe,
    shared,
    sparse,
    tar,
    within,
)
from tests.data.readers import test_cifar


class Call:
    """Pickles as a call of `os.system`, which would leave a file."""

    def __reduce__(self):
        return os.system, ("touch ran",)


HEADER = b"{'descr': '%s', 'fortran_order': False, 'shape': (%s), }"
GIGABYTE = 1 << 30
BATCH = test_cifar.binary(*test_cifar.batch(1))
PICKLED = {"test_batch": test_cifar.pickled(*test_cifar.batch(1))}
BIG = (np.arange(9000) % 251 + 2).astype(np.uint8).reshape(3000, 3)


def flipped(content, place, bit=0):
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def _npz(name, words, members, method=zipfile.ZIP_STORED, **more):
    return Attack(f"npz: {name}", load, file("mine.npz", npz(members, method)), ("mine.npz", *words), **more)


def _raw(name, words, content):
    return Attack(f"npz: {name}", load, file("mine.npz", content), ("mine.npz", *words))


MOVED = npz({"x_train.npy": BIG, "y_train.npy": np.arange(3000) % 4})
NPZ = [
    _npz(
        "a pickle that calls", ["pickled objects are never read"], mine(npy(np.array([[Call()]] * 4, object)))
    ),
    _npz("a header that is code", ["header"], mine(headed(b"__import__('os').system('touch ran')"))),
    _npz("a header that is nested", ["header"], mine(headed(b"(" * 4000))),
    _npz("a header whose text does not end", ["header"], mine(headed(b"{'descr': '''\n"))),
    _npz("a header of 4 GB", ["a header of 4,294,967,295"], mine(headed(b"{", b"", 2, 0xFFFFFFFF))),
    _npz("an array of a terabyte", ["got 4"], mine(headed(HEADER % (b"<f4", b"1099511627776,"), b"\0" * 4))),
    _npz(
        "sizes whose product overflows",
        ["got 4"],
        mine(headed(HEADER % (b"<f4", b"4294967296," * 2), b"\0" * 4)),
    ),
    _npz("negative sizes", ["header"], mine(headed(HEADER % (b"<f4", b"-1,-1,"), b"\0" * 4))),
    _npz("more dimensions than there are", ["array"], mine(headed(HEADER % (b"<f4", b"1," * 70), b"\0" * 4))),
    _npz(
        "characters that are none",
        ["stand for nothing"],
        mine(target_names=headed(HEADER % (b"<U1", b"2,"), b"\0\0\x11\0" * 2)),
    ),
    _npz(
        "halves of characters",
        ["stand for nothing"],
        mine(target_names=headed(HEADER % (b"<U1", b"2,"), b"\0\xd8\0\0" * 2)),
    ),
    _npz("bools of 7", ["stand for nothing"], mine(headed(HEADER % (b"|b1", b"4, 1,"), b"\7" * 4))),
    _npz("a bzip2 member", ["deflated or stored"], mine(), zipfile.ZIP_BZIP2),
    _npz("an LZMA member", ["deflated or stored"], mine(), zipfile.ZIP_LZMA),
    _npz("names that point elsewhere", ["x_train and y_train"], {"../x_train.npy": BIG, "/y_train.npy": BIG}),
    _npz("an index out of range", ["indices below 3", "0 to 7"], sparse(indices=np.array([0, 1, 2, 7]))),
    _npz("a negative index", ["indices below 3"], sparse(indices=np.array([0, 1, 2, -7]))),
    _npz("rows that go back", ["indptr that rises"], sparse(indptr=np.array([0, 3, 1, 2, 4]))),
    _npz("rows that end elsewhere", ["indptr that rises"], sparse(indptr=np.array([0, 1, 2, 3, 1 << 40]))),
    _npz("rows in two dimensions", ["indptr of numbers"], sparse(indptr=np.zeros((5, 2), int))),
    _npz("rows that are missing", ["indptr of 5"], sparse(indptr=np.array([0, 4]))),
    _npz("numbers that are missing", ["data of 4 numbers"], sparse(data=np.ones(2))),
    _npz("a negative shape", ["a shape of two sizes"], sparse(shape=np.array([-4, 3]))),
    _npz("a shape that asks for 8 EB", ["indptr of"], sparse(shape=np.array([(1 << 63) - 1, 3]))),
    _raw("one array", ["a single array"], npy(BIG)),
    _raw(
        "a bit in a header that moves every number",
        ["mine.npz"],
        flipped(MOVED, MOVED.index(b"\x93NUMPY") + 8, 1),
    ),
    _raw("a bit behind the first 4 KB", ["CRC"], flipped(MOVED, MOVED.index(b"\x93NUMPY") + 128 + 8990)),
    _raw("an encrypted member", ["not encrypted"], flipped(MOVED, MOVED.index(b"PK\1\2") + 8)),
    _raw("members that share their bytes", ["begins within another"], shared(300)),
    _raw(
        "a name twice",
        ["every member once"],
        entry(b"x_train.npy", 0, 0) * 2 + end(2, 2 * len(entry(b"x_train.npy", 0, 0)), 0),
    ),
    _raw(
        "a member larger than it can unpack to",
        ["of at most"],
        entry(b"x.npy", 0, 10, 8, 4_000_000_000) + end(1, 51, 0),
    ),
    Attack(
        "npz: a list of members of a gigabyte",
        load,
        hollow("mine.npz", GIGABYTE, end=end(9, GIGABYTE, 0)),
        ("mine.npz", "a list of members of at most"),
    ),
    Attack(
        "npz: four gigabytes of nothing",
        load,
        hollow("mine.npz", 4 * GIGABYTE),
        ("mine.npz", "not a zip file"),
    ),
]

IDX = [
    Attack("idx: a gigabyte in 8 bytes", read_idx, file("idx", b"\0\0\x08\1\x40\0\0\0"), ("at most 8",)),
    Attack("idx: 16 EB", read_idx, file("idx", b"\0\0\x08\2" + b"\xff" * 8), ("sizes that make 1 to",)),
    Attack(
        "idx: gzip of a gigabyte in 40 bytes",
        read_idx,
        file("idx.gz", gzip.compress(b"\0\0\x08\1\x40\0\0\0")),
        ("1073741824 bytes after the header", "at most"),
    ),
    Attack(
        "idx: gzip that goes on and on",
        read_idx,
        file("idx.gz", bomb(b"\0\0\x08\1\0\0\0\1a", bytes(1 << 20), 1000)),
        ("got more",),
    ),
    Attack(
        "idx: gzip whose checksum is wrong",
        read_idx,
        file("idx.gz", flipped(gzip.compress(b"\0\0\x08\1\0\0\0\1a"), -5)),
        ("readable file",),
    ),
]


def _pickle(name, words, content, **more):
    build = within(PICKLED | {"data_batch_1": content})
    return Attack(f"pickle: {name}", read_cifar10, build, ("data_batch_1", *words), **more)


def _tar(name, words, content, **more):
    return Attack(
        f"tar: {name}", read_cifar10, file("cifar.tar.gz", content), ("cifar.tar.gz", *words), **more
    )


def _member(name, words, **fields):
    first, rest = ("data_batch_1.bin", b"", fields), ("test_batch.bin", BATCH, {})
    return _tar(name, words, tar(first, rest))


WITHOUT = ["without data_batch_1.bin"]
PACK = (1 << 20) * b"]"
CIFAR = [
    _pickle("a call", ["names", "nothing was run"], pickle.dumps({"data": Call(), "labels": [1]}, 2)),
    _pickle("a call in the old form", ["names os.system"], b"(S'touch ran'\nios\nsystem\n."),
    _pickle("a memo of 64 GB", ["data_batch_1"], b"\x80\2]r\xff\xff\xff\xff."),
    _pickle("a million lists", ["more than 524,288 opcodes"], b"\x80\2" + PACK + b".", slow=True),
    _pickle(
        "a text that takes four bytes a letter",
        ["a text of more"],
        b"\x80\2X" + (3_000_004).to_bytes(4, "little") + b"a" * 3_000_000 + "😀".encode() + b".",
    ),
    _pickle(
        "a text that is longer than the file", ["data_batch_1"], b"\x80\4\x8d" + b"\xff" * 7 + b"\x7fabc."
    ),
    _pickle(
        "lists that double forty times",
        ["labels (tuple)"],
        b"\x80\2}X\6\0\0\0labels]" + b"q\0h\0\x86" * 40 + b"s.",
    ),
    _pickle("a number of a million digits", ["whole pickle"], b"L" + b"9" * 1_000_000 + b"L\n."),
    _pickle("an extension", ["EXT1"], b"\x80\2\x82\1."),
    Attack(
        "cifar: a batch of a gigabyte of nothing",
        read_cifar10,
        within({"a": lambda data: hollow("data_batch_1.bin", GIGABYTE)(data), "test_batch.bin": BATCH}),
        ("data_batch_1.bin", "at most 67108864 bytes"),
    ),
    Attack(
        "cifar: a batch that is a pipe",
        read_cifar10,
        within({"a": lambda data: pipe("data_batch_1.bin")(data), "test_batch.bin": BATCH}),
        tuple(WITHOUT),
    ),
    Attack(
        "cifar: labels that are none",
        read_cifar10,
        within({"data_batch_1.bin": b"\xc8" + BATCH[1:], "test_batch.bin": BATCH}),
        ("got 200 for image 0",),
    ),
    _member("a link to a file of the user", WITHOUT, type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    _member("a hard link", WITHOUT, type=tarfile.LNKTYPE, linkname="../secret"),
    _member("a member that is a device", WITHOUT, type=tarfile.CHRTYPE, devmajor=1, devminor=5),
    _member("a member that is a pipe", WITHOUT, type=tarfile.FIFOTYPE),
    _tar(
        "names that point elsewhere",
        WITHOUT,
        tar(("../../evil", b"evil", {}), ("/tmp/evil", b"", {}), ("../data_batch_2.bin", BATCH, {})),
    ),
    _tar("a batch twice", ["each batch once"], tar(*[("a/data_batch_1.bin", BATCH, {})] * 2)),
    _tar(
        "a million members", ["headers of"], bomb(b"", block("a", 0, tarfile.REGTYPE) * 2048, 500), slow=True
    ),
    _tar(
        "a record of a gigabyte",
        ["headers of"],
        bomb(block("a", GIGABYTE, tarfile.XHDTYPE), bytes(1 << 20), 1024),
    ),
    _tar(
        "a name of a gigabyte",
        ["headers of"],
        bomb(block("a", GIGABYTE, tarfile.GNUTYPE_LONGNAME), b"a" * (1 << 20), 1024),
    ),
    _tar(
        "a batch of a terabyte",
        ["at most 67108864"],
        gzip.compress(block("data_batch_1.bin", 1 << 40, tarfile.REGTYPE) + bytes(1024)),
    ),
    _tar(
        "what unpacks to a gigabyte",
        ["at most 536,870,912 bytes unpacked"],
        bomb(block("a", GIGABYTE, tarfile.REGTYPE), bytes(1 << 20), 1024),
        slow=True,
    ),
    _tar(
        "a batch with holes",
        ["no batch"],
        bomb(block("data_batch_1.bin", 512, tarfile.GNUTYPE_SPARSE), bytes(512), 9),
    ),
]


def _csv(name, words, content, **more):
    return Attack(f"csv: {name}", load, file("mine.csv", content), ("mine.csv", *words), **more)


ROWS = b"a,b,c\n" + b"1,2,x\n3,4,y\n" * 120
LONG = "a row of more than 1,048,576 characters"
CSV = [
    Attack(
        "csv: a line of a gigabyte", load, hollow("mine.csv", GIGABYTE, b"a,b\n1,2\n"), ("mine.csv", LONG)
    ),
    _csv("seventy thousand columns", ["at most 65,536 columns, got 70,000"], b"1," * 69_999 + b"1\n"),
    _csv("a long row among short ones", [LONG], ROWS + b"1," * 600_000 + b"1\n"),
    _csv("a cell of a hundred megabytes", [LONG], bomb(ROWS + b"1,2,", b"x" * (1 << 20), 100)),
    _csv(
        "a quote that is not closed",
        ["quote that is not closed"],
        ROWS + b'1,2,"x\n' + b"3,4,y\n" * 30_000,
        slow=True,
    ),
    _csv(
        "one row on a million lines", [LONG], ROWS + (b'"' + b"x" * 60 + b'\n",') * 17_000 + b"\n", slow=True
    ),
    _csv("a name of a hundred kilobytes", ["expected"], b"a" * 100_000 + b",b\nx,y\n"),
    _csv(
        "sixty million characters of words",
        ["characters of them"],
        ROWS + b"".join(b"1,2,%d%s\n" % (n, b"x" * 100_000) for n in range(200)),
        slow=True,
    ),
    _csv("text that is none", ["text in UTF-8"], ROWS + b"1,2,\xff\n"),
    _csv("half a character", ["text in UTF-8"], ROWS + b"1,2,\xed\xa0\x80\n"),
    _csv("zeros", ["expected"], bytes(500)),
    _csv("gzip that is cut off", ["readable file"], gzip.compress(os.urandom(99).hex().encode())[:-9]),
    _csv("gzip whose checksum is wrong", ["readable file"], flipped(gzip.compress(ROWS), -5)),
    Attack(
        "digits: what unpacks to a gigabyte",
        read_digits,
        file("digits.csv.gz", bomb(b"", b"1," * (1 << 19), 1024)),
        ("digits.csv.gz", "at most 1,048,576"),
    ),
]

NO_FILES = [
    Attack(f"{kind}: {what}", read, build(name), (name, *words))
    for kind, read, name in (
        ("npz", load, "mine.npz"),
        ("csv", load, "mine.csv"),
        ("csv.gz", load, "mine.csv.gz"),
        ("idx", read_idx, "idx.gz"),
        ("tar", read_cifar10, "cifar.tar.gz"),
        ("digits", read_digits, "digits.csv.gz"),
    )
    for what, build, words in (
        ("a pipe", pipe, ["not a regular file"]),
        ("a socket", listening, []),
        ("a device without end", lambda name: link(name, "/dev/zero"), ["not a regular file"]),
        ("a link to itself", lambda name: link(name, name), []),
        ("a folder", folder, []),
    )
]

ATTACKS = [*NPZ, *IDX, *CIFAR, *CSV, *NO_FILES]
