"""Changes of what a file says, not of its bytes: its checksums are right again afterwards, in most cases."""

import io
import json
import zipfile
import zlib

import numpy as np

from minidl.storage.manifest import digest
from tests.fuzz.mutation import mutate

PLAIN = [None, True, False, 0, 1, -1, 2, 3, 400, 1 << 31, 1 << 53, 1 << 63, -(1 << 64), 10**30, 10**400]
PLAIN += [
    0.5,
    -0.0,
    1e308,
    5e-324,
    "",
    "x",
    "nan",
    "0",
    "\ud800",
    "a" * 300,
    "../../x",
    [],
    {},
    [[]],
    [0] * 99,
]
PLAIN += [{"array": "rng"}, {"float": "nan"}, {"float": "inf"}, {"tuple": []}, {"dict": {}}, {"dtype": "<f8"}]
PLAIN += [{"slice": [0, None, -1]}, {"function": "zeros"}, {"call": "normal", "arguments": {"std": 1.0}}]
PLAIN += [{"module": "Affine", "arguments": {"in_features": 3, "out_features": 10**9}}]
WORDS = [
    "Affine",
    "ReLU",
    "Dropout",
    "Layer",
    "Module",
    "dataclass",
    "custom Affine",
    "eval",
    "bool",
    "float16",
]
DTYPES = ["f4", "f8", "f2", "i8", "u1", "?", "<U3", ">f8", ">i2"]


def _copied(tree):
    return json.loads(json.dumps(tree))  # which nesting does not end as soon as it ends copy.deepcopy


def changed(tree, rng):
    """A copy of what JSON says, with one to three changes."""
    root = [_copied(tree)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(root))
        if not places:
            break
        holder, key = rng.choice(places)
        rng.choice(CHANGES)(holder, key, places, rng)
    return root[0] if root else None


def _places(node):
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from _places(node[key])


def _replace(holder, key, places, rng):
    value = holder[key]
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or rng.random() < 0.5:
        holder[key] = _copied(rng.choice(PLAIN))
    elif isinstance(value, str):
        holder[key] = rng.choice((rng.choice(WORDS), value[:-1], value + "'", value * 2))
    else:
        holder[key] = rng.choice((value + 1, value - 1, -value, value * 1000, float(value % (1 << 60))))


def _delete(holder, key, places, rng):
    del holder[key]


def _add(holder, key, places, rng):
    value = _copied(rng.choice(PLAIN))
    if isinstance(holder, list):
        holder.insert(key, value)
    else:
        holder[rng.choice(("x", "array", "tuple", "version", f"{key}'", ""))] = value


def _rename(holder, key, places, rng):
    if isinstance(holder, dict):
        other = rng.choice(places)[1]
        holder[other if isinstance(other, str) else "x"] = holder.pop(key)


def _copy(holder, key, places, rng):
    other, place = rng.choice(places)
    if place in other if isinstance(other, dict) else place < len(other):  # it may be gone
        holder[key] = _copied(other[place])


def _again(holder, key, places, rng):
    if isinstance(holder, list):
        holder[key:key] = [_copied(holder[key]) for _ in range(rng.choice((1, 3, 50)))]


def _wrap(holder, key, places, rng):
    kind = rng.choice(("dict", "tuple", "list", "array", "float"))
    for _ in range(rng.choice((1, 1, 2, 30, 100))):
        holder[key] = [holder[key]] if kind == "list" else {kind: holder[key]}


CHANGES = (_replace, _replace, _replace, _delete, _add, _rename, _copy, _again, _wrap)


def _changed_array(array, rng):
    kind = rng.randrange(7)
    with np.errstate(all="ignore"):
        if kind == 0:
            return array.astype(rng.choice(DTYPES))
        if kind == 1:
            return array.reshape(rng.choice(((-1,), (1, *array.shape), array.shape[::-1])))
        if kind == 2:
            return array.reshape(-1)[: rng.randrange(array.size + 1)]
        if kind == 3 and array.dtype.kind in "fiub":
            number = rng.choice((0, 1, 100, 255) if array.dtype.kind in "ub" else (-1, 127, 0, 3))
            return np.full_like(array, number if array.dtype.kind != "f" else rng.choice((np.nan, 1e30, -1)))
        if kind == 4 and array.size and array.dtype.kind in "fiub":
            array = array.copy()
            array.flat[rng.randrange(array.size)] = rng.choice((0, 1, 100))
            return array
        if kind == 5:
            return np.concatenate([array, array]) if array.ndim else array
    return array


def changed_archive(content, others, rng):
    """An archive with other texts and arrays; most of the time its manifest says what they are now."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        raw = {name: archive.read(name) for name in archive.namelist()}
    name = next(iter(raw))
    tree = json.loads(raw.pop(name))
    texts = {key: raw.pop(key) for key in list(raw) if not key.endswith(".npy")}
    arrays = {key[:-4]: np.load(io.BytesIO(member)) for key, member in raw.items()}
    listed = tree.pop("arrays", {})
    what = rng.randrange(4)
    if what != 1 or not arrays:
        tree = changed(tree, rng)
    if what in (1, 2) and arrays:
        key = rng.choice(list(arrays))
        arrays[key] = np.asarray(_changed_array(arrays[key], rng))
        if rng.random() < 0.1:
            arrays[rng.choice((f"{key}'", "x"))] = arrays.pop(key)
    if rng.random() < 0.9:
        listed = {
            key: {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": digest(array)}
            for key, array in arrays.items()
        }
    elif rng.random() < 0.5:
        listed = changed(listed, rng)
    if isinstance(tree, dict):
        tree["arrays"] = listed
    return packed(name, json.dumps(tree).encode(), texts, arrays)


def packed(name, manifest, texts, arrays):
    """The archive, with the checksums of its members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for member, text in {name: manifest, **texts}.items():
            archive.writestr(zipfile.ZipInfo(member), text)
        for key, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{key}.npy"), "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return file.getvalue()


def changed_object(seal):
    """A mutation of an object of JSON that has a seal, which `seal` renews in most cases."""

    def change(content, others, rng):
        tree = changed(json.loads(content), rng)
        return json.dumps(seal(tree) if isinstance(tree, dict) and rng.random() < 0.9 else tree).encode()

    return change


def sealed_line(body):
    """A line of a journal: what stands in it, and the checksum that suits it."""
    return body[:-1] + b', "crc32": "%08x"}' % zlib.crc32(body[:-1])


def changed_journal(content, others, rng):
    """A journal in which one line says something else; two may also be exchanged, or stand there twice."""
    lines = content.splitlines()
    place, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    kind = rng.randrange(8)
    if kind == 0:
        lines[place], lines[other] = lines[other], lines[place]
    elif kind == 1:
        lines.insert(place, lines[other])
    else:
        tree = json.loads(lines[place])
        is_sealed = tree.pop("crc32", None) is not None
        body = json.dumps(changed(tree, rng)).encode()
        lines[place] = sealed_line(body) if is_sealed and rng.random() < 0.9 else body
    return b"\n".join(lines) + b"\n" * (rng.random() < 0.9)


def changed_text_of_archive(content, others, rng):
    """An archive whose manifest has other bytes, such as a key twice, with the right CRC."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        raw = {name: archive.read(name) for name in archive.namelist()}
    name = next(iter(raw))
    raw[name] = mutate(raw[name], [raw[name]], rng)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for member, each in raw.items():
            archive.writestr(zipfile.ZipInfo(member), each)
    return file.getvalue()


def changed_text_of_journal(content, others, rng):
    """A journal of which one line has other bytes, with the right checksum."""
    lines = content.splitlines()
    place = rng.randrange(len(lines))
    body = lines[place].rpartition(b', "crc32"')[0] + b"}"
    lines[place] = sealed_line(mutate(body, [body], rng) or b"}")
    return b"\n".join(lines) + b"\n"
