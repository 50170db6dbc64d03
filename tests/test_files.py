import errno
import json
import math
import os
import re
import shutil
import stat
import subprocess
import sys
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
import minidl.data.npz
import minidl.data.readers.cifar
import minidl.data.readers.idx
import minidl.plots
from minidl.data.digits import BUNDLED
from minidl.errors import ConfigurationError, DataError
from minidl.files import as_path, atomic_write, plain_number, to_json


def test_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_errors_name_the_users_path(tmp_path):
    path = tmp_path / "missing" / "file"
    with pytest.raises(FileNotFoundError, match=str(path)) as caught, atomic_write(path):
        pass
    assert ".tmp" not in str(caught.value)


def test_links_are_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_the_mode_is_that_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    with atomic_write(tmp_path / "file"):
        pass
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_it_is_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")
    before = path.stat().st_ino
    seen = []
    monkeypatch.setattr("os.fsync", lambda descriptor: seen.append(path.read_text()))
    with atomic_write(path) as file:
        file.write(b"new")
    assert seen == ["old", "new"]  # the file, then the directory with the new name
    assert path.stat().st_ino != before  # renamed, not written over


def write(path, content=b"new"):
    with atomic_write(path) as file:
        file.write(content)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_the_mode_is_that_of_the_file_before(tmp_path, mode):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    (tmp_path / "link").symlink_to("file")
    for name in (path, tmp_path / "link"):
        with atomic_write(name) as file:
            file.write(b"new")
            (temporary,) = tmp_path.glob(".*.tmp")
            assert stat.S_IMODE(temporary.stat().st_mode) == mode  # nobody else reads it meanwhile
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()


@pytest.mark.skipif(os.name != "posix", reason="owners are POSIX's")
@pytest.mark.parametrize("allowed", [True, False])
def test_the_owner_is_that_of_the_file_before_where_that_is_allowed(tmp_path, monkeypatch, allowed):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    asked = []

    def chown(file, user, group):
        asked.append((user, group))
        if not allowed:
            raise PermissionError(errno.EPERM, "Operation not permitted", str(file))

    monkeypatch.setattr("os.chown", chown)
    write(path)
    status = path.stat()
    assert asked == [(status.st_uid, status.st_gid), (-1, status.st_gid)][: 1 if allowed else 2]
    assert path.read_bytes() == b"new"


def test_a_link_to_nothing_stays_and_gets_its_target(tmp_path):
    (tmp_path / "link").symlink_to("target")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_links_that_go_round_are_refused(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match=str(tmp_path / "a")):
        write(tmp_path / "a")
    assert (tmp_path / "a").is_symlink()


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / ("n" * 255)
    write(path)
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_written_to(tmp_path, make_net):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(RuntimeError), atomic_write(pipe) as file:
        file.write(b"half")
        raise RuntimeError
    write(pipe)
    assert os.read(reader, 100) == b"new"  # nothing of what was broken off
    net = make_net()
    minidl.save(net, pipe)  # wants to seek in its file
    (tmp_path / "net.npz").write_bytes(os.read(reader, 1 << 16))
    assert minidl.load(tmp_path / "net.npz").parameters.values.tobytes() == net.parameters.values.tobytes()
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "net.npz"}


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no /dev/stdout here")
@pytest.mark.parametrize("redirection", [">", ">>", "|"])
def test_standard_output_is_written_to_wherever_it_goes(tmp_path, redirection):
    program = """
import sys
from minidl.files import atomic_write

print("before", flush=True)
with atomic_write(sys.argv[1]) as file:
    file.write(b"new\\n")
print("after")
"""
    (tmp_path / "link").symlink_to("/dev/stdout")
    out = tmp_path / "out"
    for name in ("/dev/stdout", "/proc/self/fd/1", "/dev/fd/1", tmp_path / "link"):
        if not Path(name).exists():
            continue
        out.write_text("old\n")
        inode = out.stat().st_ino
        with out.open("a" if redirection == ">>" else "w") as file:
            stdout = subprocess.PIPE if redirection == "|" else file
            command = [sys.executable, "-c", program, name]
            done = subprocess.run(command, stdout=stdout, check=True, text=True)
        text = done.stdout if redirection == "|" else out.read_text()
        assert text == ("old\n" if redirection == ">>" else "") + "before\nnew\nafter\n"
        assert out.stat().st_ino == inode
    assert (tmp_path / "link").is_symlink()


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="there is no /dev/null here")
def test_devices_are_written_to(monkeypatch):
    # A test that fails must not cost the machine its device.
    monkeypatch.setattr("os.replace", lambda *names: pytest.fail(f"renames {names}"))
    write("/dev/null")
    assert Path("/dev/null").is_char_device()


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(OSError, match=str(tmp_path)):
        write(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(params=["open", "fsync of directories", "fsync"])
def no_sync_of_directories(request, monkeypatch):
    """Windows opens no directory, some file systems sync none, and some nothing at all."""
    opened = set()
    real_open, real_fsync = os.open, os.fsync

    def open_(path, *args, **options):
        directory = Path(path).is_dir()
        if directory and request.param == "open":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        descriptor = real_open(path, *args, **options)
        (opened.add if directory else opened.discard)(descriptor)
        return descriptor

    def fsync(descriptor):
        if descriptor in opened or request.param == "fsync":
            raise OSError(errno.EINVAL, "Invalid argument")
        real_fsync(descriptor)

    monkeypatch.setattr("os.open", open_)
    monkeypatch.setattr("os.fsync", fsync)


def test_where_no_directory_is_synced_the_rename_counts(tmp_path, no_sync_of_directories):
    for content in (b"one", b"two"):
        write(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 1


def test_where_no_directory_is_synced_a_journal_is_kept(tmp_path, no_sync_of_directories):
    pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")
    from minidl.sweep import Row
    from minidl.sweep.journal import Journal, read_journal

    for trial in range(2):
        with Journal(tmp_path / "journal.jsonl", {}) as journal:
            journal.append(Row(trial, {}, 0, 1, "diverged"))
    assert [row.trial for row in read_journal(tmp_path / "journal.jsonl")[1]] == [0, 1]


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_is_told_of(tmp_path, monkeypatch, number):
    (tmp_path / "file").write_bytes(b"old")

    def fsync(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(OSError, match=str(tmp_path / "file")) as caught:
        write(tmp_path / "file")
    assert caught.value.errno == number
    assert (tmp_path / "file").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


STRAY = ".minidl-0123456789abcdef.tmp"
needs_locks = pytest.mark.skipif(find_spec("fcntl") is None, reason="strays cannot be told here")


@needs_locks
def test_what_killed_writers_left_is_removed_by_the_next_save(tmp_path):
    for name in (STRAY, STRAY.replace("0", "f")):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / STRAY).chmod(0o400)  # the mode of what it was to replace
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / STRAY).write_bytes(b"half")
    write(tmp_path / "file")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "elsewhere"}
    write(tmp_path / "elsewhere" / "file")
    assert {path.name for path in (tmp_path / "elsewhere").iterdir()} == {"file"}


def test_what_is_not_ours_stays(tmp_path):
    names = [STRAY[:-5] + ".tmp", f"a{STRAY}", f"{STRAY}~", STRAY.replace("a", "A"), STRAY.replace("a", "g")]
    names += [STRAY.replace(".tmp", ".npz"), STRAY.replace("minidl", "other"), f"{STRAY}\n"]
    for name in names:
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / STRAY.replace("0", "1")).mkdir()
    (tmp_path / STRAY.replace("0", "2")).symlink_to(names[0])
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / STRAY.replace("0", "3"))
    before = {path.name for path in tmp_path.iterdir()}
    write(tmp_path / "file")
    assert {path.name for path in tmp_path.iterdir()} == before | {"file"}


def test_a_living_writers_file_stays(tmp_path):
    """The lock is the opened file's, not the process's: a writer in this process is as one in another."""
    with atomic_write(tmp_path / "slow") as file:
        file.write(b"half")
        file.flush()
        for name in ("quick", "slow"):
            write(tmp_path / name)
        file.write(b", whole")
    assert (tmp_path / "slow").read_bytes() == b"half, whole"
    assert {path.name for path in tmp_path.iterdir()} == {"quick", "slow"}


@needs_locks
def test_a_file_that_is_taken_for_a_stray_before_it_is_locked_is_made_anew(tmp_path, monkeypatch):
    import minidl.temporaries

    lock, created = minidl.temporaries._lock, []

    def slow_lock(descriptor, *, wait):
        if wait:
            created.extend(tmp_path.glob(".*.tmp"))
            if len(created) == 1:
                minidl.temporaries.remove_strays(tmp_path)
        lock(descriptor, wait=wait)

    monkeypatch.setattr("minidl.temporaries._lock", slow_lock)
    write(tmp_path / "file")
    assert len(set(created)) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"new"


@needs_locks
@pytest.mark.parametrize("function", ["fcntl.flock", "os.scandir"])
def test_where_files_cannot_be_locked_or_listed_strays_stay(tmp_path, monkeypatch, function):
    (tmp_path / STRAY).write_bytes(b"half")

    def refuse(*arguments):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    with monkeypatch.context() as patch:
        patch.setattr(function, refuse)
        write(tmp_path / "file")
    assert {path.name for path in tmp_path.iterdir()} == {"file", STRAY}
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.skipif(os.name != "posix" or not os.getuid(), reason="root may write everywhere")
def test_a_directory_that_may_only_be_read(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError) as caught:
            write(tmp_path / "file")
    finally:
        tmp_path.chmod(0o700)
    assert caught.value.filename == str(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_directory_without_room_for_another_file(tmp_path, monkeypatch, number):
    """As a directory or a whole disk answers that may only be read."""
    (tmp_path / "file").write_bytes(b"old")

    def refuse(path, flags, *mode):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        write(tmp_path / "file")
    assert (caught.value.errno, caught.value.filename) == (number, str(tmp_path / "file"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_that_is_open_elsewhere_on_windows(tmp_path, monkeypatch):
    def replace(source, target):
        raise PermissionError(errno.EACCES, "Access is denied", str(source), None, str(target))

    monkeypatch.setattr("os.replace", replace)
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(PermissionError, match=r"is it open in another program.*file'$"):
        write(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_errors_of_what_makes_the_content_stay_what_they_are(tmp_path):
    for error in (OSError("no such font"), FileNotFoundError(errno.ENOENT, "No such file", "font.ttf")):
        with pytest.raises(type(error)) as caught, atomic_write(tmp_path / "file"):
            raise error
        assert caught.value is error
    assert list(tmp_path.iterdir()) == []


def test_paths_of_users(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert as_path("here", "~/net.npz") == as_path("here", Path("~/net.npz")) == tmp_path / "net.npz"
    assert as_path("here", "a/~/b") == Path("a/~/b")
    assert as_path("here", "~$nobody-at-all/b") == Path("~$nobody-at-all/b")
    write("~/file")
    assert (tmp_path / "file").read_bytes() == b"new"
    for wrong in (None, 3, "", b"bytes", ["a"], "a\0b", np.zeros(2), True):
        with pytest.raises(ConfigurationError, match="here: expected a path, such as"):
            as_path("here", wrong)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The home directory, and nothing of it where the tests run."""
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    yield tmp_path / "home"
    assert list((tmp_path / "here").iterdir()) == []


def test_home_in_paths_of_nets_and_histories(home, make_net, make_trainer, make_batch):
    minidl.save(make_net(), "~/net.npz")
    assert minidl.load(Path("~/net.npz")).parameters.count == make_net().parameters.count
    history = make_trainer().fit(minidl.Dataset(*make_batch(20)), epochs=2)
    history.save("~/history.json")
    assert minidl.History.load("~/history.json").steps == history.steps
    assert {path.name for path in home.iterdir()} == {"net.npz", "history.json"}


def test_home_in_paths_of_data(home, monkeypatch):
    digits = minidl.data.load("digits")
    arrays = {"x_train": digits.train.features, "y_train": digits.train.targets}
    (home / "data").mkdir()
    np.savez(home / "data" / "own.npz", **arrays)
    shutil.copy(BUNDLED, home / "data")
    assert minidl.data.load("~/data/own.npz").name == "own"
    assert minidl.data.load("own.npz", "~/data").name == "own"
    assert minidl.data.npz.read_npz("~/data/own.npz").name == "own"
    assert len(minidl.data.load("digits", Path("~/data")).train) == len(digits.train)
    with pytest.raises(DataError, match=re.escape(str(home / "none"))):
        minidl.data.load("mnist", "~/none")
    for read in (minidl.data.readers.cifar.read_cifar10, minidl.data.readers.idx.read_idx):
        with pytest.raises(DataError, match=re.escape(str(home / "data"))):
            read("~/data")


def test_home_in_paths_of_pictures(home, make_trainer, make_batch):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")
    history = make_trainer().fit(minidl.Dataset(*make_batch(20)), epochs=2)
    history.plot("~/history.png")
    minidl.plots.plot_weights(np.ones((4, 2)), (2, 2), "~/weights.png")
    assert {path.name for path in home.glob("*.png")} == {"history.png", "weights.png"}


def test_home_in_paths_of_sweeps(home, digits):
    pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")
    from minidl.sweep import Grid, Results, Sweep

    Sweep("mlp", Grid(hidden=[4], lr=[0.1], reg=[0.1]), digits, steps=5).run("~/run", jobs=1)
    results = Results.load("~/run")
    results.save_csv("~/run/results.csv")
    assert results.best_net().parameters.count == 4 * 65 + 50
    files = {"journal.jsonl", "best", "results.csv"}
    with suppress(ImportError):
        import matplotlib  # noqa: F401

        from minidl.sweep.pictures import plot_curves, plot_heat_map

        plot_heat_map(results, "~/run/map.svg")
        plot_curves(results, "~/run/curves.svg")
        files |= {"map.svg", "curves.svg"}
    assert {path.name for path in (home / "run").iterdir()} == files


def test_home_in_paths_of_studies(home):
    pytest.importorskip("optuna", reason="Optuna is not installed: pip install 'minidl[tune]'")
    from minidl.sweep.tune import open_study

    open_study("~/study.journal")
    assert (home / "study.journal").is_file()


class Half(float):
    """A number of a user's own."""


NUMBERS = st.one_of(
    st.floats(),
    st.integers(),
    st.floats(width=32).map(np.float32),
    st.floats(width=16).map(np.float16),
    st.floats().map(np.float64),
    st.floats().map(np.longdouble),
    st.integers(-(2**63), 2**63 - 1).map(np.int64),
    st.floats().map(np.array),
    st.floats().map(Half),
    st.fractions(),
    st.decimals(allow_nan=False),
    st.sampled_from([Decimal("nan"), Fraction(10**400), -Fraction(10**400), 10**400]),
)


def strict(text):
    """What a parser reads that takes JSON only."""

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def as_read(number):
    """What of a number comes back."""
    try:
        number = number if isinstance(number, int) else float(number)
        return number if math.isfinite(number) else None
    except OverflowError:
        return number if isinstance(number, int) else None


@given(numbers=st.lists(NUMBERS, max_size=5))
def test_json_is_json_for_numbers_of_every_kind(numbers):
    read = strict(to_json({"a": numbers, "b": {"c": tuple(numbers)}}))
    expected = [int(number) if isinstance(number, np.integer) else as_read(number) for number in numbers]
    assert read == {"a": expected, "b": {"c": expected}}


@given(number=NUMBERS)
def test_plain_numbers(number):
    plain = plain_number(number)
    assert type(plain) in (int, float)
    assert as_read(plain) == (int(number) if isinstance(number, np.integer) else as_read(number))


def test_json_of_arrays_and_of_what_is_no_number():
    assert strict(to_json([np.array([[1, 2]]), np.array([np.nan, 1]), np.bool_(True), None, "a", True])) == [
        [[1, 2]], [None, 1.0], True, None, "a", True
    ]  # fmt: skip
    with pytest.raises(TypeError):
        to_json([object()])
