"""Files that are damaged, foreign, missing or in the way; searches and recipes of what there is not."""

import gzip
import io
import json
import re
import struct
import zipfile
from pathlib import Path

import joblib  # noqa: F401 - its import changes the process, once
import numpy as np

import minidl
from minidl import Affine, Sequential, SoftmaxCrossEntropy, recipes
from minidl.data import Splits
from minidl.data.readers.cifar import read_cifar10
from minidl.data.readers.idx import read_idx
from minidl.data.readers.mnist import read_mnist
from minidl.errors import (
    CheckpointError,
    ConfigurationError,
    DataError,
    ShapeError,
    StructureError,
)
from minidl.layers import ReLU
from minidl.storage.manifest import NewerError
from minidl.sweep import Grid, Halving, Random, Results, Sweep
from minidl.training import History
from tests.bad_input.table import row
from tests.data.readers.test_cifar import batch, binary
from tests.data.readers.test_idx import idx_bytes
from tests.public_calls import LABELS, X, affine, call, dataset, fitted, net, sweep, trainer

PIXELS = np.arange(24, dtype=np.uint8).reshape(6, 2, 2)


class Custom(ReLU):
    """A layer that no file knows by itself."""


def write(name, content):
    """A file of text or bytes; returns its name."""
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def load(name, content=None, **options):
    """To load a data set from a file of this content."""
    if content is not None:
        write(name, content)
    return call(minidl.data.load, name, **options)


def table(content, **options):
    return load("table.csv", content, **options)


def npz(**arrays):
    np.savez("data.npz", **arrays)
    return call(minidl.data.load, "data.npz")


def saved(what=None):
    """The bytes of a net's file."""
    minidl.save(what or net(), "whole.npz")
    return Path("whole.npz").read_bytes()


def described(**changes):
    """To load a net whose description was changed."""
    stored = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved())) as before, zipfile.ZipFile(stored, "w") as archive:
        for name in before.namelist():
            content = before.read(name)
            if name == "description.json":
                content = json.dumps({**json.loads(content), **changes})
            archive.writestr(name, content)
    return call(minidl.load, write("net.npz", stored.getvalue()))


def idx(content, ndim=None):
    return call(read_idx, write("images", content), ndim=ndim)


def pair(images, labels):
    """The four files of MNIST, those of the training part of these bytes."""
    named = [write("images", images), write("labels", labels)]
    named += [write("test-images", idx_bytes(PIXELS)), write("test-labels", idx_bytes(PIXELS[:, 0, 0] % 10))]
    paths = [*map(Path, named)]
    list(map(str, paths))  # a path keeps its own text once it was asked for it
    return call(read_mnist, paths, tuple("0123456789"))


def cifar(content):
    """A directory of CIFAR-10 whose first batch is this."""
    Path("cifar").mkdir()
    write("cifar/test_batch.bin", binary(*batch(2)))
    write("cifar/data_batch_1.bin", content)
    return call(read_cifar10, "cifar")


def history(content):
    return call(History.load, write("history.json", content))


def recorded(part, instead):
    """To load a history whose file was changed in one part."""
    fitted().save("whole")
    text = re.sub(', "sha256": "[0-9a-f]{64}"', "", Path("whole").read_text())  # which would say it first
    assert part in text
    return history(text.replace(part, instead))


def to_save(what, path="new.npz"):
    return call(minidl.save, what, path)


def searched(space=None, **options):
    return call(
        Sweep,
        "mlp",
        space or Grid(hidden=[2], lr=[0.1]),
        Splits("four", dataset(), dataset()),
        **{"steps": 1, **options},
    )


def settings(**given):
    return call(recipes.settings_for, "mine.csv", given, 10)


ROWS = {
    # ---------------------------------------------------------------- names of data sets
    "a data set that is misspelled": row(
        lambda: load("mnits"),
        DataError,
        "load('mnits'): expected one of digits, … 'mnits'; did you mean 'mnist'?",
    ),
    "a data set in another format": row(
        lambda: load("data.npy"), DataError, "load('data.npy'): … ends in .npz … np.savez"
    ),
    "a number for a data set": row(
        lambda: call(minidl.data.load, 7), DataError, "load: expected a data set's name … 7"
    ),
    "a directory that is not there": row(
        lambda: call(minidl.data.load, "mnist", directory="nowhere"),
        DataError,
        "'nowhere' … no such directory … get them from",
    ),
    "a directory without the data set": row(
        lambda: (Path("empty").mkdir(), call(minidl.data.load, "cifar10", directory="empty"))[1],
        DataError,
        "load('cifar10') … in 'empty' … holds nothing",
    ),
    "a target column of what is no table": row(
        lambda: load("digits", target="y"), DataError, "load('digits') … target column of a .csv file … 'y'"
    ),
    "categories of what is no table": row(
        lambda: load("data.npz", categories=["a"]), DataError, "load('data.npz') … categories … ['a']"
    ),
    # ---------------------------------------------------------------- tables
    "a table that is not there": row(lambda: load("none.csv"), DataError, "none.csv … No such file"),
    "a table that is a directory": row(
        lambda: (Path("table.csv").mkdir(), load("table.csv"))[1], DataError, "table.csv … directory"
    ),
    "an empty table": row(
        lambda: table(""), DataError, "csv file 'table.csv': expected a row a sample, got a file without rows"
    ),
    "a header and no rows": row(
        lambda: table("a,b,y\n"),
        DataError,
        "csv file 'table.csv': expected a row or more below the header, got none",
    ),
    "a ragged row": row(
        lambda: table("a,y\n1,cat\n2,dog,3\n3,cat\n4,dog\n"),
        DataError,
        "'table.csv', line 3: expected 2 cells … got 3",
    ),
    "a missing number": row(
        lambda: table("a,y\n1,cat\n,dog\n3,cat\n4,dog\n"),
        DataError,
        "'table.csv', line 3, column 'a': expected a number, got a missing value … 1 of 4 rows",
    ),
    "a missing class": row(
        lambda: table("a,y\n1,cat\n2,\n3,cat\n4,dog\n"),
        DataError,
        "'table.csv', line 3, column 'y': … a missing value",
    ),
    "a word among numbers": row(
        lambda: table("a,y\n" + "".join(f"{n},cat\n{n}.5,dog\n" for n in range(40)) + "twelve,dog\n"),
        DataError,
        "'table.csv', line 82, column 'a': … a number … 'twelve'",
    ),
    "an infinite number": row(
        lambda: table("a,y\n1,cat\ninf,dog\n3,cat\n4,dog\n"),
        DataError,
        "line 3, column 'a': … at most 3.4e+38, got 'inf'; … infinite",
    ),
    "a single class": row(
        lambda: table("a,y\n1,cat\n2,cat\n3,cat\n"),
        DataError,
        "'table.csv', column 'y': … two classes or more … 1 in 3 rows",
    ),
    "a class for each row": row(
        lambda: table("a,y\n" + "".join(f"{n},cat{n}\n" for n in range(30))),
        DataError,
        "'table.csv', column 'y': … several rows each … 30 in 30 rows",
    ),
    "one number in all rows": row(
        lambda: table("a,y\n1,2.5\n2,2.5\n3,2.5\n", task="numbers"),
        DataError,
        "column 'y': … numbers that differ … 2.5",
    ),
    "words to predict as numbers": row(
        lambda: table("a,y\n1,cat\n2,dog\n3,cat\n4,dog\n", task="numbers"),
        DataError,
        "line 2, column 'y': … number … 'cat'",
    ),
    "a task that there is not": row(
        lambda: table("a,y\n1,cat\n2,dog\n", task="clusters"),
        DataError,
        "'table.csv': … task … 'classes' … 'clusters'",
    ),
    "a text for a category": row(
        lambda: table("a,b,y\n" + "".join(f"{n},text {n},{n % 2}\n" for n in range(50))),
        DataError,
        "'table.csv', column 'b': … categories that come back … drop the column 'b'",
    ),
    "a target that no column has": row(
        lambda: table("a,y\n1,cat\n2,dog\n", target="z"),
        DataError,
        "'table.csv': … a target column 'z' … columns a, y",
    ),
    "a column to drop that there is not": row(
        lambda: table("a,y\n1,cat\n2,dog\n", drop=["z"]), DataError, "'table.csv': … column … 'z' … a, y"
    ),
    "all columns dropped": row(lambda: table("a,y\n1,cat\n2,dog\n", drop=["a"]), DataError, "'table.csv'"),
    "two columns of one name": row(
        lambda: table("a,a,y\n1,2,cat\n2,3,dog\n3,4,cat\n4,5,dog\n", target="a"),
        DataError,
        "'table.csv': … 'a'",
    ),
    "a table in another encoding": row(
        lambda: table("a,y\n1,Käse\n2,Brot\n".encode("latin-1")), DataError, "'table.csv' … UTF-8"
    ),
    "a table that is binary": row(lambda: table(bytes(range(256))), DataError, "'table.csv'"),
    "a gzipped table, cut off": row(
        lambda: load("table.csv.gz", gzip.compress(b"a,y\n" + b"1,cat\n2,dog\n" * 500)[:-20]),
        DataError,
        "'table.csv.gz'",
    ),
    # ---------------------------------------------------------------- arrays of one's own
    "arrays that are not there": row(
        lambda: load("none.npz"), DataError, "npz file 'none.npz': … no such file"
    ),
    "no targets": row(
        lambda: npz(x_train=X),
        DataError,
        "npz file 'data.npz': expected arrays x_train and y_train … got x_train; … pairs",
    ),
    "arrays of other names": row(
        lambda: npz(images=X, labels=LABELS),
        DataError,
        "'data.npz': expected arrays x_train … got images, labels",
    ),
    "a name that is misspelled": row(
        lambda: npz(x_train=X, y_train=LABELS, x_tset=X), DataError, "'data.npz': expected arrays … x_tset"
    ),
    "arrays of objects": row(
        lambda: npz(x_train=X, y_train=np.array(["cat", None, 3, {}], object)),
        DataError,
        "npz file 'data.npz': expected … bject",
    ),
    "arrays of other lengths": row(
        lambda: npz(x_train=X, y_train=LABELS[:3]), DataError, "'data.npz' … 4 targets … got 3"
    ),
    "NaN in an array": row(
        lambda: npz(x_train=X * np.float32(np.nan), y_train=LABELS),
        DataError,
        "'data.npz' … finite features … nan in sample 0",
    ),
    "parts of other widths": row(
        lambda: npz(x_train=X, y_train=LABELS, x_test=X[:, :2], y_test=LABELS),
        DataError,
        "'data.npz' … test samples of shape (3,) … (2,)",
    ),
    "names for fewer classes": row(
        lambda: npz(x_train=X, y_train=LABELS, target_names=np.array(["a"])),
        DataError,
        "'data.npz' … 0 to 0 (target_names)",
    ),
    "names that are no words": row(
        lambda: npz(x_train=X, y_train=LABELS, target_names=np.array([1, 2])),
        DataError,
        "'data.npz' … target_names",
    ),
    "arrays that are cut off": row(
        lambda: (npz(x_train=X, y_train=LABELS), load("data.npz", Path("data.npz").read_bytes()[:-80]))[1],
        DataError,
        "npz file 'data.npz'",
    ),
    "arrays that are no archive": row(
        lambda: load("data.npz", b"not a zip file"), DataError, "npz file 'data.npz'"
    ),
    "arrays in a pickle": row(lambda: load("data.npz", b"\x80\x04}q\x00."), DataError, "npz file 'data.npz'"),
    "data saved under another kind of name": row(
        lambda: call(minidl.data.save, Splits("four", dataset()), "data.csv"),
        DataError,
        "save … .npz … data.csv",
    ),
    "a data set saved for its parts": row(
        lambda: call(minidl.data.save, dataset(), "data.npz"),
        ConfigurationError,
        "save … splits … Splits … Dataset(4 samples",
    ),
    # ---------------------------------------------------------------- MNIST and its kin
    "images of another kind": row(
        lambda: idx(b"\x89PNG\r\n\x1a\n"), DataError, "IDX file 'images': … header … 89 50 4e 47"
    ),
    "an empty file": row(lambda: idx(b""), DataError, "IDX file 'images': … header … none"),
    "images that are cut off": row(
        lambda: idx(idx_bytes(PIXELS)[:-5]), DataError, "'images': expected 24 bytes … got 19"
    ),
    "images longer than they say": row(
        lambda: idx(idx_bytes(PIXELS) + b"\0"), DataError, "'images': expected 24 bytes … more"
    ),
    "a header that is cut off": row(
        lambda: idx(idx_bytes(PIXELS)[:9]), DataError, "'images': expected 3 sizes … 5 bytes"
    ),
    "images of floats": row(
        lambda: idx(idx_bytes(PIXELS.astype(">f4"), 0x0D)),
        DataError,
        "'images': expected elements of uint8, got float32",
    ),
    "images of more than memory": row(
        lambda: idx(bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 2**10, 2**10)),
        DataError,
        "'images': … 2147483648",
    ),
    "images gzipped and damaged": row(
        lambda: idx(gzip.compress(idx_bytes(PIXELS))[:-4] + b"\1\2\3\4"), DataError, "IDX file 'images'"
    ),
    "labels in the place of images": row(
        lambda: pair(idx_bytes(PIXELS[:, 0, 0]), idx_bytes(PIXELS)),
        DataError,
        "'images': expected 3 dimensions, got 1; … labels file",
    ),
    "fewer labels than images": row(
        lambda: pair(idx_bytes(PIXELS), idx_bytes(PIXELS[:4, 0, 0])),
        DataError,
        "'images' and 'labels': … 6 targets … got 4",
    ),
    "a label beyond the digits": row(
        lambda: pair(idx_bytes(PIXELS), idx_bytes(PIXELS[:, 0, 0] + 1)),
        DataError,
        "'images' and 'labels': … 0 to 9 … label",
    ),
    # ---------------------------------------------------------------- CIFAR-10
    "a label of 10": row(
        lambda: cifar(binary(batch(2)[0], [3, 10])),
        DataError,
        "'cifar', file data_batch_1.bin: … 0 to 9 … 10",
    ),
    "records that are cut off": row(
        lambda: cifar(binary(*batch(2))[:-7]), DataError, "'cifar', file data_batch_1.bin: … 3073 … 6139"
    ),
    "an archive that is none": row(
        lambda: call(read_cifar10, write("cifar-10-binary.tar.gz", b"not an archive")),
        DataError,
        "'cifar-10-binary.tar.gz'",
    ),
    # ---------------------------------------------------------------- nets
    "a net that is cut off": row(
        lambda: call(minidl.load, write("net.npz", saved()[:-100])),
        CheckpointError,
        "net.npz: expected a whole .npz file",
    ),
    "a net that is foreign": row(
        lambda: call(minidl.load, write("net.npz", b"a note")),
        CheckpointError,
        "net.npz: expected a whole .npz file",
    ),
    "arrays for a net": row(
        lambda: (npz(x_train=X, y_train=LABELS), call(minidl.load, "data.npz"))[1],
        CheckpointError,
        "data.npz: expected a member description.json, got x_train.npy, y_train.npy",
    ),
    "a directory for a net": row(
        lambda: (Path("net").mkdir(), call(minidl.load, "net"))[1],
        CheckpointError,
        "net: expected a readable file … a directory, where a file is wanted",
    ),
    "a net of a newer format": row(
        lambda: described(version=99), NewerError, "net.npz: … version … got 99; … update minidl"
    ),
    "a net of another format": row(
        lambda: described(format="onnx"), CheckpointError, "net.npz: … 'minidl net' … 'onnx'"
    ),
    "a net whose description lists other parameters": row(
        lambda: described(parameters={}), CheckpointError, "net.npz: … affine0.weight"
    ),
    "a class that nobody named": row(
        lambda: call(
            minidl.load, write("net.npz", saved(Sequential(affine(), Custom(), SoftmaxCrossEntropy())))
        ),
        CheckpointError,
        "net.npz: … Custom … custom=",
    ),
    "a class where a list is meant": row(
        lambda: call(minidl.load, write("net.npz", saved()), custom=Custom),
        ConfigurationError,
        "load: … custom … [Custom]",
    ),
    "a number for a path": row(lambda: call(minidl.load, 7), ConfigurationError, "load: expected a path … 7"),
    "a lambda in a net": row(
        lambda: to_save(Sequential(Affine(3, 2, initializer=lambda *made: np.ones(made[1], made[2])))),
        CheckpointError,
        "save: … named functions … lambda … initializer … def instead of lambda",
    ),
    "a Trainer for a net": row(
        lambda: to_save(trainer()), StructureError, "save: expected a net … Trainer … trainer.net"
    ),
    "a class for a net": row(lambda: to_save(Affine), StructureError, "save: expected a net … Affine"),
    "nowhere to save to": row(
        lambda: to_save(net(), ""), ConfigurationError, "file to write: expected a path … ''"
    ),
    # ---------------------------------------------------------------- what the system says of a path
    "a net that is not there": row(
        lambda: call(minidl.load, "none.npz"), FileNotFoundError, "No such file … 'none.npz'"
    ),
    "a history that is not there": row(
        lambda: call(History.load, "none.json"), FileNotFoundError, "No such file … 'none.json'"
    ),
    "a directory to save into that is not there": row(
        lambda: to_save(net(), "nowhere/new.npz"),
        FileNotFoundError,
        "No such file or directory: 'nowhere/new.npz'",
    ),
    "a net to save over a directory": row(
        lambda: (Path("net").mkdir(), to_save(net(), "net"))[1], IsADirectoryError, "Is a directory: 'net'"
    ),
    "a net to save below a file": row(
        lambda: (write("taken", "a note"), to_save(net(), "taken/new.npz"))[1],
        NotADirectoryError,
        "Not a directory: 'taken/new.npz'",
    ),
    "a history to save below a file": row(
        lambda: (write("taken", "a note"), call(fitted().save, "taken/new.json"))[1],
        NotADirectoryError,
        "Not a directory: 'taken/new.json'",
    ),
    # ---------------------------------------------------------------- histories
    "a history that is cut off": row(
        lambda: (fitted().save("whole"), history(Path("whole").read_bytes()[:-9]))[1],
        CheckpointError,
        "history.json: expected JSON as minidl writes it",
    ),
    "a history of something else": row(
        lambda: history("[1, 2]"), CheckpointError, "history.json: … History.save"
    ),
    "a history without its columns": row(
        lambda: history('{"steps": {"loss": [1.0]}, "epochs": {}}'),
        CheckpointError,
        "history.json: … a column 'lr'",
    ),
    "a history of words": row(
        lambda: recorded('"loss": [1.0, 1.0]', '"loss": [1.0, "1.5"]'),
        CheckpointError,
        "history.json: … '1.5' in the column 'loss'",
    ),
    "a history of lists": row(
        lambda: recorded('"loss": [1.0, 1.0]', '"loss": [1.0, [1.5]]'),
        CheckpointError,
        "history.json: … [1.5] in the column 'loss'",
    ),
    "a history nested too deep": row(
        lambda: history("[" * 5_000), CheckpointError, "history.json: expected JSON … 5,000 deep"
    ),
    "a history of uneven columns": row(
        lambda: recorded('"lr": [0.1, 0.1]', '"lr": [0.1]'),
        CheckpointError,
        "history.json: … columns of different lengths",
    ),
    # ---------------------------------------------------------------- searches
    "a space of nothing": row(
        lambda: call(Grid), ConfigurationError, "Grid: expected a name with its values … none"
    ),
    "a name without values": row(
        lambda: call(Grid, lr=[]), ConfigurationError, "Grid: … a value or more for 'lr' … none"
    ),
    "a value that is not in a list": row(
        lambda: call(Grid, lr=0.1), ConfigurationError, "Grid: … 'lr' … 0.1 … lr=[...]"
    ),
    "values without their names": row(
        lambda: call(Grid, {"lr": [0.1]}), ConfigurationError, "Grid: … {'lr': [0.1]} … Grid(**values)"
    ),
    "a value of NaN": row(
        lambda: call(Grid, lr=[float("nan")]), ConfigurationError, "Grid: … finite values for 'lr', got nan"
    ),
    "no draws": row(lambda: call(Random, 0, lr=[0.1]), ConfigurationError, "Random: … count … >= 1 … 0"),
    "an objective that there is not": row(
        lambda: searched(objective="validation_beauty"),
        ConfigurationError,
        "Sweep: … objective … accuracy … 'validation_beauty'",
    ),
    "an objective of the test part": row(
        lambda: searched(objective="test_accuracy"),
        ConfigurationError,
        "Sweep: … validation part … 'test_accuracy'",
    ),
    "a search with nothing to tune on": row(
        lambda: call(Sweep, "mlp", Grid(hidden=[2], lr=[0.1]), Splits("four", dataset()), steps=1),
        DataError,
        "Sweep: … a validation part … none",
    ),
    "a search by steps and epochs": row(
        lambda: searched(epochs=1), ConfigurationError, "Sweep: … one of steps and epochs … steps=1, epochs=1"
    ),
    "a key that no model has": row(
        lambda: searched(Grid(hidden=[2], lr=[0.1], colour=["red"])), ConfigurationError, "colour"
    ),
    "a key outside the space": row(
        lambda: searched(dropout=0.5),
        ConfigurationError,
        "Sweep: … dropout as a key of the space … dropout=[0.5]",
    ),
    "a dictionary for a space": row(
        lambda: searched({"lr": [0.1]}), ConfigurationError, "Sweep: … space … Space … {'lr': [0.1]} … Grid("
    ),
    "a search of no jobs": row(lambda: call(sweep().run, jobs=0), ConfigurationError, "Sweep: … jobs … 0"),
    "a backend that there is not": row(
        lambda: call(sweep().run, jobs=1, backend="threads"),
        ConfigurationError,
        "Sweep: … backend … 'loky' … 'threads'",
    ),
    "a scheduler of a backend that has none": row(
        lambda: call(sweep().run, jobs=1, scheduler="tcp://here"),
        ConfigurationError,
        "Sweep: … scheduler … 'tcp://here'",
    ),
    "a search that is written into a file": row(
        lambda: (write("taken", "a note"), call(sweep().run, "taken", jobs=1))[1], ConfigurationError, "taken"
    ),
    "a share of a trial for each rung": row(
        lambda: call(Halving, eta=1), ConfigurationError, "Halving: … eta … >= 2 … 1"
    ),
    "results of a search that was not": row(lambda: call(Results.load, "none"), CheckpointError, "none"),
    # ---------------------------------------------------------------- recipes
    "a setting that there is not": row(
        lambda: settings(lr=0.1, colour="red"),
        ConfigurationError,
        "settings: expected settings among … got colour",
    ),
    "a model that there is not": row(
        lambda: settings(model="transformer"),
        ConfigurationError,
        "settings: … model … 'mlp', 'conv' … 'transformer'",
    ),
    "an optimizer that there is not": row(
        lambda: settings(optimizer="lion"), ConfigurationError, "settings: … optimizer … 'sgd' … 'lion'"
    ),
    "a schedule that there is not": row(
        lambda: settings(schedule="sine"), ConfigurationError, "settings: … schedule … 'cosine' … 'sine'"
    ),
    "a loss of the other kind of targets": row(
        lambda: settings(loss="mse"), ConfigurationError, "settings: … loss for labels … 'softmax' … 'mse'"
    ),
    "a setting that has no meaning": row(
        lambda: settings(optimizer="adam", momentum=0.9),
        ConfigurationError,
        "momentum: … optimizer sgd or rmsprop … adam",
    ),
    "settings at odds": row(
        lambda: settings(average="ema", early_stopping=3),
        ConfigurationError,
        "settings: … one net … ema and early_stopping 3",
    ),
    "an augmentation that there is not": row(
        lambda: call(recipes.augmentation, "flip,rotate"),
        ConfigurationError,
        "augment: … flip, crop … 'rotate'",
    ),
    "an augmentation with a word for its number": row(
        lambda: call(recipes.augmentation, "crop:few"),
        ConfigurationError,
        "augment: … whole number … 'crop:few'",
    ),
    "a hidden layer of no units": row(
        lambda: call(minidl.mlp, 3, [4, 0], 2), ConfigurationError, "mlp: … hidden … >= 1 … 0"
    ),
    "an activation that there is not": row(
        lambda: call(minidl.mlp, 3, [4], 2, activation="step"),
        ConfigurationError,
        "mlp: … activation … 'relu' … 'step'",
    ),
    "images too small for the net": row(
        lambda: call(recipes.small_conv_net, (1, 1), 2),
        ShapeError,
        "small_conv_net: … 4 pixels or more … (1, 1)",
    ),
}
