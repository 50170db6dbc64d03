"""Checkpoints: what goes in comes out to the bit, one is always whole, what is wrong is refused."""

import io
import json
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minidl.errors import CheckpointError, StateError
from minidl.storage.checkpoints import (
    load_state,
    previous,
    run_of,
    save_state,
    state_from_bytes,
    state_to_bytes,
)

DTYPES = [*"?bBhHiIqQefd", ">f4", ">i8", ">f8", "U1", "U3", ">U2"]
odd_words = st.text("a.'/\\é\ud800\0 ", max_size=4) | st.sampled_from(
    ["", "..", "a.b", "a/b", "/a", "../a", "a.npy", ".npy", "a'", "0", "dict", "checkpoint.json", "\\"]
)


@st.composite
def any_array(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    size = int(np.prod(shape))
    raw = rng.integers(32, 127, (size, dtype.itemsize // 4)) if dtype.kind == "U" else None
    if raw is not None:
        array = np.array(["".join(map(chr, row)) for row in raw], dtype).reshape(shape)
    else:
        array = rng.integers(0, 2 if dtype.kind == "b" else 256, size * dtype.itemsize, np.uint8)
        array = array.view(dtype).reshape(shape)  # NaN of all kinds among them
    way = draw(st.sampled_from(["plain", "fortran", "every second", "backwards", "transposed"]))
    if way == "fortran":
        return np.asfortranarray(array)
    if way == "every second":
        return np.repeat(array, 2, axis=0)[::2] if array.ndim else array
    return array[::-1] if way == "backwards" and array.ndim else array.T if way == "transposed" else array


numbers = st.none() | st.booleans() | st.integers() | st.integers(-(2**300), 2**300) | st.floats()
trees = st.recursive(
    numbers | odd_words | any_array(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(odd_words, inner, max_size=3)
    ),
    max_leaves=8,
)


def alike(one, another):
    """To the bit, signs of zeros included."""
    if isinstance(one, np.ndarray):
        assert isinstance(another, np.ndarray)
        assert (one.shape, one.dtype) == (another.shape, another.dtype)
        assert one.tobytes() == another.tobytes()
        return
    assert type(one) is type(another)
    if isinstance(one, dict):
        assert list(one) == list(another)
        one, another = list(one.values()), list(another.values())
    if isinstance(one, (list, tuple)):
        assert len(one) == len(another)
        for pair in zip(one, another, strict=True):
            alike(*pair)
    else:
        assert repr(one) == repr(another)


@given(state=st.dictionaries(odd_words, trees, max_size=4), note=st.none() | st.lists(st.integers(0, 9)))
@example(state={"a": {"b": np.ones(1)}, "a.b": np.zeros(2), "a.b'": np.ones(3)}, note=None)
@example(state={"": np.ones(1), ".": {"": np.zeros(2)}, "0": [np.ones(3)]}, note=None)
def test_what_is_saved_is_loaded(state, note, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "run.npz"
    save_state(path, state, "run", note)
    found = load_state(path)
    alike(state, found.state)
    assert found[1:] == ("run", note, "")
    alike(state, state_from_bytes(state_to_bytes(state)))


class Other(dict):
    """What would come back as a plain one."""


def nested(kind, depth):
    made = 0
    for _ in range(depth):
        made = {"a": made} if kind is dict else kind([made])
    return made


ENDLESS = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    "wrong",
    [
        object(), {1}, b"raw", 1j, np.array([object()]), np.array(1j), np.datetime64(1, "s"), {1: 2},
        {None: 1}, max, Other(), np.ma.masked_array([1], [True]), np.array([b"a"]),
        np.zeros(2, [("a", "f4")]),
        np.array([1], "M8[s]"), np.str_("a"), ..., 1 << 9000, -(1 << 9000),
    ],
    ids=lambda thing: type(thing).__name__,
)  # fmt: skip
def test_what_cannot_be_kept_is_named_and_nothing_is_written(wrong, tmp_path):
    with pytest.raises(StateError, match=r"a state of arrays, .* as 'here\.0'"):
        save_state(tmp_path / "run.npz", {"here": [wrong]}, "run")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_how_deep(kind):
    state = {"here": nested(kind, 99)}
    alike(state, state_from_bytes(state_to_bytes(state)))
    for wrong in (nested(kind, 101), nested(kind, 600), ENDLESS):
        with pytest.raises(StateError, match="a state of arrays"):
            state_to_bytes({"here": wrong})


def test_what_is_too_large_to_be_read_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr("minidl.storage.manifest.MAX_MANIFEST_BYTES", 10_000)
    monkeypatch.setattr("minidl.storage.manifest.MAX_JSON_BYTES", 10_000)
    monkeypatch.setattr("minidl.storage.manifest.MAX_DIRECTORY_BYTES", 1_000)
    for wrong in (["x"] * 1_000, "x" * 10_000, [np.ones(1)] * 10):
        with pytest.raises(
            CheckpointError, match="save: expected a description of .* keep numbers in arrays"
        ):
            save_state(tmp_path / "run.npz", {"here": wrong}, "run")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a" * 70_000, "\ud800", "a\0b", "/etc/passwd", "../a", "a\\b", ""])
def test_whatever_a_key_is_its_array_has_a_plain_name(name):
    state = {name: np.arange(3), name + "x": [np.arange(4)], name + " ": {name: np.arange(5)}}
    raw = state_to_bytes(state)
    alike(state, state_from_bytes(raw))
    members = zipfile.ZipFile(io.BytesIO(raw)).namelist()
    assert len(members) == 4
    assert all(re.fullmatch(r"[\w.' -]{0,250}", member, re.ASCII) for member in members)
    with np.load(io.BytesIO(raw)) as found:
        assert sorted(found[name].size for name in found if name != "checkpoint.json") == [3, 4, 5]


# ---------------------------------------------------------------- generations


def number_in(path):
    return int(load_state(path).state["number"])


def save(path, number, run="run"):
    save_state(path, {"number": np.array(number)}, run)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_which_generation_is_kept(tmp_path):
    path = tmp_path / "run.npz"
    save(path, 1)
    assert names(tmp_path) == ["run.npz"]
    for number in (2, 3):
        save(path, number)
        assert (number_in(path), number_in(previous(path))) == (number, number - 1)
    assert names(tmp_path) == ["run.npz", "run.previous.npz"]
    save(path, 9, "another")
    assert names(tmp_path) == ["run.npz"]
    assert (number_in(path), run_of(path)) == (9, "another")


def test_a_file_of_the_users_stays(tmp_path):
    path = tmp_path / "run.npz"
    previous(path).write_text("mine")
    for number in (1, 2):
        save(path, number)
    assert (number_in(path), previous(path).read_text()) == (2, "mine")
    path.write_text("of another kind")  # it was given as the path to write to
    save(path, 3)
    assert (number_in(path), previous(path).read_text()) == (3, "mine")


def test_behind_a_symbolic_link(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    path = tmp_path / "run.npz"
    path.symlink_to(there / "real.npz")
    for number in (1, 2):
        save(path, number)
    assert path.is_symlink()
    assert names(there) == ["real.npz", "real.previous.npz"]
    path.write_bytes(b"")
    found = load_state(path)
    assert found.state["number"] == 1
    assert "real.previous.npz" in found.fallback


@pytest.mark.parametrize("error", [PermissionError, NotImplementedError])
def test_a_file_system_without_links(tmp_path, monkeypatch, error):
    path = tmp_path / "run.npz"
    save(path, 1)
    replace = os.replace

    def link(*names, **options):
        raise OSError(error.__name__) if error is NotImplementedError else error

    def looked_at(source, target):
        replace(source, target)
        assert number_in(path) in (number, number - 1)

    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(Path, "replace", lambda source, target: looked_at(source, target) or Path(target))
    for number in (2, 3, 4):
        save(path, number)
        assert (number_in(path), number_in(previous(path))) == (number, number - 1)
    assert names(tmp_path) == ["run.npz", "run.previous.npz"]


def test_another_writer_that_takes_the_link_for_a_stray(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    save(path, 1)
    save(path, 2)
    link = os.link

    def taken(source, target):
        link(source, target)
        Path(target).unlink()

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", taken)
        patch.setattr("minidl.storage.checkpoints.write_manifest", lambda *arguments: None)
        save(path, 3)  # of which only what comes before and after the writing is looked at
    assert (number_in(previous(path)), path.read_bytes()) == (1, b"")


def test_what_is_damaged_falls_back_saying_so(tmp_path):
    path = tmp_path / "run.npz"
    save(path, 1)
    save(path, 2)
    whole = path.read_bytes()
    for damaged in (b"", whole[:-1], b"PK", None):
        path.unlink() if damaged is None else path.write_bytes(damaged)
        found = load_state(path)
        assert found.state["number"] == 1
        assert found.fallback.endswith(f"gone back to {previous(path)}, the one before")
        assert str(path) in found.fallback
    previous(path).write_bytes(whole[:50])
    path.write_bytes(b"no zip")
    with pytest.raises(CheckpointError, match=r"run\.npz: .*; and the one before: .*run\.previous\.npz: "):
        load_state(path)
    previous(path).unlink()
    with pytest.raises(CheckpointError, match=r"run\.npz: "):
        load_state(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        load_state(path)


def test_a_directory_and_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(CheckpointError, match=f"{name}: expected a readable file"):
            load_state(tmp_path / name)
    with pytest.raises(OSError, match="folder"):
        save(tmp_path / "folder", 1)
    assert names(tmp_path / "folder") == []


# ---------------------------------------------------------------- what was changed


def changed(raw, change):
    """A checkpoint with another manifest or other arrays, the sums of the zip's members right."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    content = json.loads(members["checkpoint.json"])
    change(content, members)
    members["checkpoint.json"] = json.dumps(content).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name), member)
    return file.getvalue()


def small():
    return state_to_bytes({"a": np.arange(3.0), "b": {"c": np.arange(3.0, 6.0)}, "d": (1, float("nan"))})


def test_the_helper_changes_nothing_by_itself():
    alike(state_from_bytes(small()), state_from_bytes(changed(small(), lambda content, members: None)))


def swap(content, members):
    members["a.npy"], members["b.c.npy"] = members["b.c.npy"], members["a.npy"]


def several(content, members):
    members["more.npy"] = members.pop("a.npy")
    content["arrays"]["b.c"]["shape"] = [1, 3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (swap, "a of another sha256, b.c of another sha256"),
        (several, "a that is missing, more that the manifest does not know, b.c of another shape"),
        (lambda content, members: content["arrays"]["a"].update(dtype="<f4"), "a of another dtype"),
        (lambda content, members: content["arrays"]["a"].update(sha256="0" * 64), "a of another sha256"),
        (lambda content, members: content["arrays"]["a"].update(shape=[4]), "a of another shape"),
        (lambda content, members: content["arrays"].update(a=3), "a of another shape"),
        (lambda content, members: content.pop("arrays"), "a list of its arrays"),
        (lambda content, members: members.pop("a.npy"), "a that is missing"),
        (lambda content, members: content.update(version=2), "version 1 at most, got 2; a newer minidl"),
        (lambda content, members: content.update(version=True), "version 1, got True"),
        (lambda content, members: content.update(format="minidl net"), "format 'minidl checkpoint'"),
        (lambda content, members: content.update(state={"array": "a"}), "a state and the run"),
        (lambda content, members: content.update(state={"array": "z"}), "by their kind"),
        (lambda content, members: content.update(state={"array": ["a"]}), "by their kind"),
        (lambda content, members: content.update(state={"float": 1}), "by their kind"),
        (lambda content, members: content.update(state={"float": []}), "by their kind"),
        (lambda content, members: content.update(state={"dict": {}, "tuple": []}), "by their kind"),
        (lambda content, members: content.update(run=None), "a state and the run"),
    ],
)
def test_what_was_changed_is_told(change, words):
    with pytest.raises(CheckpointError) as caught:
        state_from_bytes(changed(small(), change))
    assert words in str(caught.value)


def test_a_newer_one_is_no_reason_to_go_back(tmp_path):
    path = tmp_path / "run.npz"
    save(path, 1)
    save(path, 2)
    path.write_bytes(changed(path.read_bytes(), lambda content, members: content.update(version=2)))
    with pytest.raises(CheckpointError, match="a newer minidl wrote it: update minidl"):
        load_state(path)


def test_every_truncation():
    raw = small()
    for length in range(len(raw)):
        with pytest.raises(CheckpointError):
            state_from_bytes(raw[:length])


odd_json = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "a", "nan", "array", "dict"]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["array", "dict", "float", "tuple", "a"]), inner, max_size=2),
    max_leaves=6,
)  # fmt: skip


@given(
    where=st.sampled_from(
        ["format", "version", "run", "note", "state", "arrays", "arrays.a", "state.dict", "state.dict.a"]
    ),
    value=odd_json,
)
def test_fields_of_odd_types(where, value):
    def change(content, members):
        *path, last = where.split(".")
        for name in path:
            content = content[name]
        content[last] = value

    try:
        found = state_from_bytes(changed(small(), change))
    except CheckpointError:
        return
    assert isinstance(found, dict)
