"""Attacks on what reads histories, the directories of runs, and journals of sweeps."""

import contextlib
import io
import json
import zlib
from importlib.util import find_spec

import minidl
from minidl.cli import main, run_file
from minidl.cli.locking import LOCK
from minidl.errors import CheckpointError
from minidl.storage.checkpoints import save_state
from minidl.training import columns
from tests.attacks.checking import Attack
from tests.attacks.making import file, folder, hollow, link, pipe
from tests.attacks.nets import described, net_file, trainer

STEPS = {"loss": [0.5, 0.25], "lr": [0.1, 0.1]}
EPOCHS = {"step": [2], "train_loss": [0.5], "validation_loss": [None], "lr": [0.1], "seconds": [1.5]}
HISTORY = {"steps": STEPS, "epochs": EPOCHS, "unfinished": None, "kept_epoch": None}
HOLES = "a byte of zeros"
NESTED = "[" * 20_000


def _sealed(**changes):
    return json.dumps(columns.sealed(HISTORY | changes))


def _history(name, words, text, **more):
    raw = text if isinstance(text, bytes) else text.encode()
    return Attack(f"history: {name}", minidl.History.load, file("h.json", raw), ("h.json", *words), **more)


HISTORIES = [
    _history("another hash", ["sha256"], _sealed().replace("0.25", "0.2")),
    _history("a hash that is a list", ["sha256"], json.dumps(HISTORY | {"sha256": [1]})),
    _history("brackets", ["nested"], NESTED),
    _history("numbers that are words", ["'nan'"], _sealed(steps=STEPS | {"loss": ["nan", 1.0]})),
    _history("columns of different lengths", ["lengths"], _sealed(steps=STEPS | {"loss": [1.0]})),
    _history("columns in columns", ["column"], _sealed(steps=STEPS | {"loss": [[1], [2]]})),
    _history(
        "steps that go back",
        ["rise"],
        _sealed(epochs={name: each * 2 for name, each in EPOCHS.items()} | {"step": [5, 3]}),
    ),
    _history("steps below 0", ["rise"], _sealed(epochs=EPOCHS | {"step": [-5]})),
    _history("a part that there is not", ["part"], _sealed(__class__=[])),
    _history("no columns", ["columns"], _sealed(epochs=[])),
    _history("an epoch that was kept and never was", ["kept_epoch"], _sealed(kept_epoch=10**30)),
    _history("infinity", ["JSON"], _sealed().replace("0.25", "Infinity")),
    _history("1e999", ["JSON"], _sealed().replace("0.25", "1e999")),
    _history("a number of a million digits", ["JSON"], _sealed().replace("0.25", "9" * 1_000_000)),
    _history("a key twice", ["twice"], _sealed()[:-1] + ', "steps": {}}'),
    _history("a byte-order mark", ["JSON"], "\ufeff" + _sealed()),
    _history("UTF-16", [HOLES], _sealed().encode("utf-16")),
    Attack(
        "history: four gigabytes of nothing",
        minidl.History.load,
        hollow("h.json", 1 << 32, b"{"),
        ("h.json", HOLES),
    ),
    *(
        Attack(f"history: {what}", minidl.History.load, build("h.json"), ("h.json",), error=OSError)
        for what, build in (
            ("a pipe", pipe),
            ("a device without end", lambda name: link(name, "/dev/zero")),
            ("a folder", folder),
            ("a link to itself", lambda name: link(name, name)),
        )
    ),
]


def _command(*words):
    """A command that says in one line what is wrong with a directory, and ends with code 2."""

    def read(path):
        told, out = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(out):
            code = main([word.replace("DIR", str(path)) for word in words])
        if code == 2:
            raise CheckpointError(told.getvalue())

    return read


EVALUATE, SHOW, PREDICT = (_command(*words) for words in (
    ("evaluate", "DIR"), ("show", "DIR"), ("predict", "DIR", "digits", "--out", "-"),
))  # fmt: skip
RESUME = _command("train", "--resume", "--out", "DIR")
RUN = {"data": "digits", "data_dir": None, "seed": 0, "dtype": "float32", "settings": {"lr": 0.1}}
NET, WHOLE = net_file(), net_file(*described(trainer().net))


def directory(members, content=b""):
    """A builder of a run's directory: files by name as bytes, or as builders."""

    def build(parent):
        made = parent / "run"
        made.mkdir()
        for name, member in members.items():
            member(made) if callable(member) else (made / name).write_bytes(member)
        return made

    return build


def _run_file(**changes):
    run = RUN | changes
    return json.dumps(run_file.sealed(run) if "files" in run else run).encode()


def _run(name, words, members, *, read=EVALUATE, **more):
    if isinstance(members, bytes):
        members = {"run.json": members, "net.npz": NET}
    locked = ("null", *more.pop("locked", ()))  # the console's
    return Attack(f"run: {name}", read, directory(members), tuple(words), locked=locked, **more)


NOWHERE = {"net.npz": "0" * 64, "history.json": "0" * 64}
CHECKPOINTS = "checkpoint.npz", "checkpoint.previous.npz"


def _kept(name, note, inputs=3, run="r"):
    def build(parent):
        save_state(parent / name, trainer(inputs).state_dict(), run, note)

    return build


def _resumed(name, words, members):
    return _run(name, words, members, read=RESUME, locked=(LOCK,))


RUNS = [
    _run("an empty directory", ["run.json"], {}),
    _run("another net than it was sealed with", ["net.npz", "SHA-256"], _run_file(files=NOWHERE)),
    _run(
        "another hash of itself",
        ["run.json", "SHA-256"],
        _run_file(files=NOWHERE).replace(b"digits", b"../../x"),
    ),
    _run("hashes that are none", ["'files'"], json.dumps(RUN | {"files": {"net.npz": "x"}}).encode()),
    _run(
        "files that lie elsewhere",
        ["net.npz"],
        {"run.json": _run_file(files={"../../net.npz": "0" * 64, "/etc/passwd": "0" * 64})},
    ),
    _run(
        "a net that is a link to a device",
        ["net.npz", "not a regular file"],
        {"run.json": _run_file(files=NOWHERE), "net": link("net.npz", "/dev/zero")},
    ),
    _run(
        "a net that is a pipe",
        ["net.npz", "not a regular file"],
        {"run.json": _run_file(files=NOWHERE), "net": pipe("net.npz")},
    ),
    _run(
        "a net that is a pipe, of an older version",
        ["net.npz", "not a regular file"],
        {"run.json": _run_file(), "net": pipe("net.npz")},
    ),
    _run("a net that is a folder", ["net.npz"], {"run.json": _run_file(), "net": folder("net.npz")}),
    _run("a net that is no whole net", ["net.npz", "a whole net"], _run_file()),
    _run("run.json that is a pipe", ["not a regular file"], {"run": pipe("run.json")}),
    _run("run.json that is a device", ["not a regular file"], {"run": link("run.json", "/dev/zero")}),
    _run("run.json that is a folder", ["run.json"], {"run": folder("run.json")}),
    _run("run.json of four gigabytes of nothing", [HOLES], {"run": hollow("run.json", 1 << 32, b"{")}),
    _run("brackets", ["nested"], NESTED.encode()),
    _run("a list", ["run.json"], b"[]"),
    _run("no data", ["'data'"], _run_file(data="")),
    _run(
        "data that are a device",
        ["not a regular file"],
        {
            "run.json": _run_file(data="/dev/zero", data_dir="/dev"),
            "net.npz": WHOLE,
            "d": link("d.csv", "/dev/zero"),
        },
        read=_command("evaluate", "DIR", "d.csv", "--data-dir", "DIR"),
    ),
    *(
        _run(
            f"{what}: data that are a link to itself",
            ["d.csv"],
            {
                "run.json": _run_file(),
                "net.npz": WHOLE,
                "history.json": _sealed().encode(),
                "d": link("d.csv", "d.csv"),
            },
            read=_command(*words, "d.csv", "--data-dir", "DIR"),
            locked=(LOCK,),
        )
        for what, words in (
            ("evaluate", ("evaluate", "DIR")),
            ("predict", ("predict", "DIR")),
            ("train", ("train", "--steps", "1", "--out", "DIR/out")),
        )
    ),
    _run("data with a byte of zeros", ["'data'"], _run_file(data="a\0b")),
    _run("a key that there is not", ["nothing but"], _run_file(callback="os.system")),
    _run("results of other columns", ["'results'"], _run_file(results={"a": {"samples": 1}, "b": {}})),
    _run("seconds of 400 digits", ["'seconds'"], _run_file(seconds=10**400)),
    _run("a seed that is true", ["'seed'"], _run_file(seed=True)),
    _run(
        "to predict from: categories that are none",
        ["'categories'"],
        _run_file(categories={"a": "x"}),
        read=PREDICT,
    ),
    _run(
        "to show: a history that is a pipe",
        ["history.json", "not a regular file"],
        {"run.json": _run_file(files=NOWHERE), "net.npz": NET, "h": pipe("history.json")}
        | {"run.json": _run_file()},
        read=SHOW,
    ),
    _resumed("to go on with: no checkpoint", ["checkpoint.npz"], {"run.json": _run_file()}),
    _resumed("to go on with: a checkpoint of nothing", ["checkpoint.npz"], {"checkpoint.npz": bytes(99)}),
    _resumed("to go on with: without a note", ["checkpoint.npz, note"], {"c": _kept(CHECKPOINTS[0], None)}),
    _resumed(
        "to go on with: a note that is a list", ["checkpoint.npz, note"], {"c": _kept(CHECKPOINTS[0], [1])}
    ),
    _resumed(
        "to go on with: data elsewhere",
        ["checkpoint.npz, note"],
        {"c": _kept(CHECKPOINTS[0], RUN | {"data": "../" * 99 + "x\0.csv"})},
    ),
    _resumed(
        "to go on with: settings that are none",
        ["epochs"],
        {"c": _kept(CHECKPOINTS[0], RUN | {"settings": {"epochs": "x", "hidden": "os.system"}})},
    ),
    _resumed(
        "to go on with: a checkpoint of another net",
        ["checkpoint"],
        {"c": _kept(CHECKPOINTS[0], RUN | {"settings": {"epochs": 1}}, 7)},
    ),
    _resumed(
        "to go on with: damaged, and the one before of another run",
        ["checkpoint"],
        {"checkpoint.npz": b"PK", "c": _kept(CHECKPOINTS[1], RUN | {"settings": {"epochs": 1}}, 7, "o")},
    ),
    _resumed(
        "to go on with: a lock that is a folder", [LOCK], {"c": _kept(CHECKPOINTS[0], RUN), "l": folder(LOCK)}
    ),
]

HEADER = {
    "format": "minidl sweep", "version": 2, "minidl": "1.0", "model": "m", "trials": 1, "steps": 2,
    "objective": "validation_accuracy",
}  # fmt: skip
ROW = {"trial": 0, "configuration": {"lr": 0.1}, "rung": 0, "steps": 2, "status": "done", "value": 0.5}


def line(content):
    """A line with the checksum that suits it."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return body[:-1] + b', "crc32": "%08x"}\n' % zlib.crc32(body[:-1])


def _load(path):
    from minidl.sweep import Results

    return Results.load(path)


def _go_on(path):
    from tests.sweep.small import sweep_of

    return sweep_of().run(path, jobs=1)


SWEEP = _command("sweep", "digits", "--resume", "--steps", "2", "--jobs", "1", "--out", "DIR")
JOURNAL = "journal.jsonl"


def _journal(name, words, *lines, **more):
    content = b"".join(each if isinstance(each, bytes) else line(each) for each in lines)
    return [
        Attack(
            f"journal: {name}{how}",
            read,
            directory({JOURNAL: content}),
            (JOURNAL, *words),
            locked=locked,
            **more,
        )
        for how, read, locked in (("", _load, ()), (", to go on with", _go_on, (JOURNAL,)))
    ]


def _bad_row(name, words, **changes):
    return _journal(name, ["line 2", *words], HEADER, ROW | changes, ROW)


JOURNALS = [
    *_bad_row("a trial below 0", ["trial"], trial=-1),
    *_bad_row("a trial of thirty digits", ["trial"], trial=10**30),
    *_bad_row("a trial that is true", ["trial"], trial=True),
    *_bad_row("a value of 400 digits", ["value"], value=10**400),
    *_bad_row("a fate that there is not", ["status"], status="__class__"),
    *_bad_row("a configuration that is a list", ["configuration"], configuration=[1]),
    *_bad_row("half a character", ["configuration"], configuration={"a": "\ud800"}),
    *_bad_row("a curve of columns of two lengths", ["curve"], curve={"step": [1], "loss": []}),
    *_bad_row("a field that there is not", ["__init__"], __init__=1),
    *_journal("a row of brackets", ["line 2"], HEADER, line(b'{"trial": ' + NESTED.encode() + b"}"), ROW),
    *_journal("a row with a key twice", ["line 2"], HEADER, line(b'{"trial": 0, "trial": 1}'), ROW),
    *_journal("a row of NaN", ["line 2"], HEADER, line(b'{"trial": NaN}'), ROW),
    *_journal("a row that says its checksum twice", ["line 2"], HEADER, line(line(ROW)[:-1]), ROW),
    *_journal("another checksum", ["line 2"], HEADER, line(ROW).replace(b"0.5", b"0.6"), ROW),
    *_journal("no header", ["line 1"], ROW, ROW),
    *_journal("a newer format", ["newer minidl"], HEADER | {"version": 3}),
    *_journal("a version of thirty digits", ["line 1"], HEADER | {"version": 10**30}),
    *_journal("a header of another version in its midst", ["line 2"], HEADER, HEADER | {"version": 1}, ROW),
    *_journal("trials that are true", ["trials"], HEADER | {"trials": True}),
    *_journal("a byte-order mark", ["line 1"], b"\xef\xbb\xbf" + line(HEADER)),
    *_journal("UTF-16", ["line 1"], line(HEADER).decode().encode("utf-16")),
    Attack(
        "journal: a line of a gigabyte of nothing",
        _load,
        directory({"j": hollow(JOURNAL, 1 << 30, line(HEADER))}),
        (JOURNAL, "a line of at most"),
    ),
    *(
        Attack(f"journal: {what}{how}", read, directory({"j": build(JOURNAL)}), (JOURNAL,), locked=locked)
        for how, read, locked in (("", _load, ()), (", to go on with", _go_on, (JOURNAL,)))
        for what, build in (
            ("a pipe", pipe),
            ("a device without end", lambda name: link(name, "/dev/zero")),
            ("a folder", folder),
            ("a link to itself", lambda name: link(name, name)),
        )
    ),
    Attack(
        "journal: of another sweep, for the command",
        SWEEP,
        directory({JOURNAL: line(HEADER) + line(ROW)}),
        (),
        locked=(JOURNAL, LOCK, "null", "run"),
    ),
    Attack(
        "journal: damaged, for the command",
        SWEEP,
        directory({JOURNAL: line(HEADER) + b"x\n" + line(ROW)}),
        (JOURNAL, "line 2"),
        locked=(JOURNAL, LOCK, "null", "run"),
    ),
]
if not (find_spec("joblib") and find_spec("cloudpickle")):
    JOURNALS = []

ATTACKS = [*HISTORIES, *RUNS, *JOURNALS]
