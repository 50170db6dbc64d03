"""What hostile files are made of."""

import gzip
import io
import os
import socket
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np


def file(name, content):
    """A builder that writes one file; `content` may be a function of the folder."""

    def build(folder):
        path = folder / name
        path.write_bytes(content(folder) if callable(content) else content)
        return path

    return build


def hollow(name, size, start=b"", end=b""):
    """A builder of a file that says it is large and takes no place on the disk."""

    def build(folder):
        path = folder / name
        with path.open("wb") as stream:
            stream.write(start)
            stream.truncate(size)
            stream.seek(0, os.SEEK_END)
            stream.write(end)
        return path

    return build


def pipe(name):
    """A builder of a FIFO, which blocks whoever opens it to read, until somebody writes."""

    def build(folder):
        os.mkfifo(folder / name)
        return folder / name

    return build


def listening(name):
    """A builder of a socket."""

    def build(folder):
        before = Path.cwd()
        os.chdir(folder)  # for the name of a socket is short
        try:
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(name)
        finally:
            os.chdir(before)
        return folder / name

    return build


def link(name, target):
    """A builder of a link, such as to a device that never ends."""

    def build(folder):
        (folder / name).symlink_to(target)
        return folder / name

    return build


def folder(name):
    """A builder of a folder where a file is expected."""

    def build(parent):
        (parent / name).mkdir()
        return parent / name

    return build


def within(contents):
    """A builder of a folder of files, by their names."""

    def build(parent):
        (parent / "data").mkdir()
        for name, content in contents.items():
            content(parent / "data") if callable(content) else (parent / "data" / name).write_bytes(content)
        return parent / "data"

    return build


def npz(members, method=zipfile.ZIP_STORED):
    """A zip of members by their names, as bytes or as arrays."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, member in members.items():
            archive.writestr(name, member if isinstance(member, bytes) else npy(member))
    return out.getvalue()


def npy(array, **options):
    """An array as NumPy writes it, with objects pickled."""
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(array), allow_pickle=True, **options)
    return out.getvalue()


def headed(header, content=b"", version=1, length=None):
    """An array's file of any header, and of any length of it."""
    length = len(header) if length is None else length
    packed = struct.pack("<H" if version == 1 else "<I", length)
    return b"\x93NUMPY" + bytes([version, 0]) + packed + header + content


def mine(x=None, **more):
    """Members that are a data set, of which `x` is the bytes of the first."""
    x = np.ones((4, 2), np.float32) if x is None else x
    return {"x_train.npy": x, "y_train.npy": np.arange(4) % 2} | {
        f"{name}.npy": each for name, each in more.items()
    }


def sparse(**changes):
    """Members that are a data set of a CSR matrix, some of whose parts are other ones."""
    parts = {
        "data": np.ones(4),
        "indices": np.arange(4) % 3,
        "indptr": np.arange(5),
        "shape": np.array([4, 3]),
    }
    parts |= changes
    return {f"x_train_{name}.npy": part for name, part in parts.items()} | {"y_train.npy": np.arange(4) % 2}


def entry(name, offset, size, method=0, claimed=None):
    """A line of a zip's list of members."""
    claimed = size if claimed is None else claimed
    fields = (20, 20, 0, method, 0, 33, 0, size, claimed, len(name), 0, 0, 0, 0, 0, offset)
    return b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", *fields) + name


def end(count, length, offset):
    """What ends a zip."""
    return b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, length, offset, 0)


def shared(count):
    """A zip of many members that are all the same bytes, so that 4 KB unpack to as many megabytes."""
    names = [b"x_%d.npy" % number for number in range(count)]
    body = npz({"x_0.npy": bytes(1 << 20)}, zipfile.ZIP_DEFLATED)
    start = body.index(b"PK\1\2")
    size = struct.unpack("<I", body[start + 20 : start + 24])[0]
    entries = b"".join(entry(name, 0, size, 8, 1 << 20) for name in names)
    return body[:start] + entries + end(count, len(entries), start)


def bomb(start, block, times):
    """What gzip unpacks to `start` and then to so many blocks: members in a row are one file."""
    return gzip.compress(start, 1, mtime=0) + gzip.compress(block, 9, mtime=0) * times


def tar(*members, mode="w:gz", format=tarfile.GNU_FORMAT):
    """An archive of (name, content, fields of the header)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=format) as archive:
        for name, content, fields in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for field, value in fields.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def block(name, size, kind, **fields):
    """A header of a tar's member, without the member."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)
