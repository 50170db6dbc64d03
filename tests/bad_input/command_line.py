"""Command lines with a slip in them: what is typed, and what the one line of the answer says."""

from pathlib import Path

import numpy as np

import minidl
from minidl.cli import main, run_directory
from tests.bad_input.table import typed
from tests.public_calls import IMAGES, LABELS, X

TABLE = "length,width,kind\n" + "".join(f"{n},{n % 7},{'cat' if n % 3 else 'dog'}\n" for n in range(30))


def files(monkeypatch):
    """What the rows find in the working directory: data, a run without pictures, and what is none."""
    for name, text in {
        "mine.csv": TABLE,
        "others.csv": TABLE.replace("length", "height"),
        "ragged.csv": TABLE + "1,2,cat,3\n",
        "gap.csv": TABLE + ",2,cat\n",
        "new.csv": "length,width,kind\n1,2,hen\n2,3,cat\n",
        "note.txt": "a note",
    }.items():
        Path(name).write_text(text)
    np.savez("rows.npz", x_train=X, y_train=LABELS)
    np.savez("images.npz", x_train=IMAGES, y_train=LABELS[:3])
    monkeypatch.setattr(run_directory, "draw", lambda pictures: [])
    assert main(["train", "mine.csv", "--steps", "1", "--hidden", "2", "--out", "used", "--quiet"]) == 0
    for name in ("empty", "cut", "other", "mixed"):
        Path(name).mkdir()
        for file in Path("used").iterdir() if name != "empty" else ():
            Path(name, file.name).write_bytes(file.read_bytes())
    Path("cut/net.npz").write_bytes(Path("used/net.npz").read_bytes()[:-50])
    Path("other/run.json").write_text('{"made": "by another program"}')
    Path("mixed/net.npz").unlink()
    minidl.save(minidl.Affine(3, 2, rng=0), "mixed/net.npz")


def train(options, message, data="mine.csv"):
    return typed(f"train {data} {options}", f"minidl train: … {message}")


def sweep(options, message):
    return typed(f"sweep mine.csv {options}", f"minidl sweep: … {message}")


ROWS = {
    # ---------------------------------------------------------------- what is typed
    "no command": typed("", "minidl: error: … COMMAND; see minidl --help"),
    "a command that is misspelled": typed(
        "trian digits", "minidl: error: argument COMMAND: … 'trian' … train"
    ),
    "an option that is misspelled": train("--epocs 3", "unrecognized arguments: --epocs 3"),
    "an option without its value": train("--lr", "argument --lr: expected one argument"),
    "an option with a value too many": train(
        "--hidden 4 --lr 0.1 0.2", "argument --lr: … 0.1 0.2; minidl sweep --lr"
    ),
    "an option that begins two ways": train(
        "--l 1", "ambiguous option: --l could match --loss, --label-smoothing"
    ),
    "a data set too many": train("digits", "unrecognized arguments: digits"),
    "epochs and steps": train("--epochs 1 --steps 1", "argument --steps: not allowed with argument --epochs"),
    "to resume and to overwrite": sweep(
        "--lr 0.1 --resume --force", "argument --force: not allowed with … --resume"
    ),
    # ---------------------------------------------------------------- numbers
    "epochs in words": train("--epochs many", "argument --epochs: invalid int value: 'many'"),
    "half an epoch": train("--epochs 1.5", "argument --epochs: invalid int value: '1.5'"),
    "negative epochs": train("--epochs -1", "--epochs: expected epochs … >= 1, got -1"),
    "no steps": train("--steps 0", "--steps: expected steps … >= 1, got 0"),
    "batches of nothing": train("--batch-size 0", "batch_size … >= 1, got 0"),
    "a rate in words": train("--lr fast", "argument --lr: invalid float value: 'fast'"),
    "a negative rate": train("--lr -0.1", "lr … > 0, got -0.1"),
    "a rate of NaN": train("--lr nan", "lr … finite … got nan"),
    "a momentum of 1": train("--momentum 1", "momentum … < 1, got 1"),
    "a negative penalty": train("--reg -1", "reg … >= 0, got -1"),
    "a dropout of more than everything": train("--dropout 2", "dropout … <= 1, got 2"),
    "a negative seed": train("--seed -1", "--seed: expected seed … >= 0, got -1"),
    "a negative warmup": train("--warmup -5", "warmup … >= 0, got -5"),
    "a negative norm": train("--clip-norm -1", "clip_norm … >= 0, got -1"),
    "a decay to nothing": train("--lr-decay 0", "lr_decay … > 0, got 0"),
    "noise of a negative size": train("--augment noise:-1", "augment 'noise:-1': … std … >= 0, got -1"),
    "a patience of less than nothing": train("--early-stopping -1", "early_stopping … -1"),
    "a smoothing of more than everything": train("--label-smoothing 2", "label_smoothing … <= 1, got 2"),
    "no units": train("--hidden 0", "hidden … >= 1 … 0"),
    "units in words": train("--hidden 4,few", "argument --hidden: expected whole numbers … '4,few'"),
    "no channels": train("--model conv --channels 0", "channels … >= 1 … 0", data="images.npz"),
    # ---------------------------------------------------------------- names
    "a model that there is not": train("--model transformer", "argument --model: … 'transformer' … mlp"),
    "an optimizer that there is not": train("--optimizer lion", "argument --optimizer: … 'lion' … sgd"),
    "a schedule that there is not": train("--schedule sine", "argument --schedule: … 'sine' … cosine"),
    "an activation that there is not": train("--activation step", "argument --activation: … 'step' … relu"),
    "a dtype that there is not": train("--dtype float16", "argument --dtype: … 'float16' … float32"),
    "a loss that there is not": train("--loss squares", "argument --loss: … 'squares' … softmax"),
    "a loss of numbers for classes": train("--loss mse", "loss for labels … 'softmax', 'hinge', got 'mse'"),
    "an augmentation that there is not": train("--augment rotate", "augment: … flip, crop … 'rotate'"),
    "a model of images for a table": train("--model conv", "small_conv_net: … sample_shape … (2,)"),
    "a setting without meaning": train(
        "--optimizer adam --momentum 0.9", "momentum: … sgd or rmsprop … adam"
    ),
    "two nets to take in the end": train(
        "--average ema --early-stopping 3", "one net … ema and early_stopping 3"
    ),
    # ---------------------------------------------------------------- data
    "a file that is not there": train("", "none.csv … No such file", data="none.csv"),
    "a data set that is misspelled": train("", "'mnits'; did you mean 'mnist'?", data="mnits"),
    "a directory that is not there": train(
        "--data-dir nowhere", "load('mnist') … 'nowhere' … no such directory", data="mnist"
    ),
    "a file that is no data": train("", "'note.txt' … .npz, .csv", data="note.txt"),
    "a ragged table": train("", "'ragged.csv', line 32: expected 3 cells … got 4", data="ragged.csv"),
    "a table with a gap": train("", "'gap.csv', line 32, column 'length': … missing value", data="gap.csv"),
    "a target that no column has": train(
        "--target z", "'mine.csv': … a target column 'z' … length, width, kind"
    ),
    "categories that no column has": train("--categories z", "'mine.csv': … 'z' … length, width"),
    "a target of what is no table": train(
        "--target y", "load('rows.npz'): … a target column … 'y'", data="rows.npz"
    ),
    "a task that there is not": train("--task clusters", "argument --task: … 'clusters' … classes"),
    "numbers that are words": train("--task numbers", "'mine.csv', line 2, column 'kind': … number … 'dog'"),
    # ---------------------------------------------------------------- where to write
    "a directory with a run in it": train("--out used", "--out: … holds no run, got used; … --force"),
    "a file to write into": train(
        "--out note.txt", "--out: expected a directory, got note.txt, which is a file"
    ),
    "below a file": train("--out note.txt/run", "--out: expected a directory, got note.txt, which is a file"),
    "an empty name": typed("train mine.csv --out=", "minidl train: … argument --out: … ''"),
    # ---------------------------------------------------------------- sweep
    "a sweep of no jobs": sweep("--lr 0.1 --jobs 0", "jobs … 0"),
    "a sweep for what there is not": sweep(
        "--lr 0.1 --objective validation_beauty", "objective … 'validation_beauty'"
    ),
    "a sweep of no trials": sweep("--lr 0.1 --trials 0", "--trials: … >= 1, got 0"),
    "a sweep on what there is not": sweep(
        "--lr 0.1 --backend threads", "argument --backend: … 'threads' … loky"
    ),
    "a range without the number of trials": sweep(
        "--lr 0.1:1", "--lr: expected single values … 0.1:1 … --random N"
    ),
    "a range from more to less": sweep("--lr 1:0.1 --trials 2", "--lr: … 1:0.1"),
    "a sweep with the address of nothing": sweep(
        "--lr 0.1 --scheduler tcp://here", "scheduler … 'tcp://here'"
    ),
    "a sweep into a run": sweep("--lr 0.1 --out used", "--out: … holds no run, got used"),
    # ---------------------------------------------------------------- what was trained
    "to measure what is not there": typed(
        "evaluate none", "minidl evaluate: error: none: expected a directory with run.json, got none"
    ),
    "to measure an empty directory": typed(
        "evaluate empty", "minidl evaluate: error: empty: expected a directory with run.json"
    ),
    "to measure a file": typed(
        "evaluate used/net.npz", "minidl evaluate: error: used/net.npz: … got a file; … used"
    ),
    "to measure a run of another program": typed(
        "evaluate other",
        "minidl evaluate: error: other/run.json, 'data': expected a data set's name or path, got none",
    ),
    "to measure a net that is cut off": typed(
        "evaluate cut", "minidl evaluate: error: cut/net.npz: expected"
    ),
    "to measure what is no net": typed("evaluate mixed", "minidl evaluate: error: mixed … expected"),
    "to measure a part that there is not": typed(
        "evaluate used --part test", "minidl evaluate: … a test part … train, validation"
    ),
    "to measure on other columns": typed(
        "evaluate used others.csv", "minidl evaluate: error: others.csv: … length, width … none named length"
    ),
    "to measure on an unknown class": typed(
        "evaluate used new.csv", "minidl evaluate: error: new.csv… cat, dog … 'hen'"
    ),
    "to measure on samples of another width": typed(
        "evaluate used rows.npz", "minidl evaluate: error: rows.npz… (3,)"
    ),
    "to measure on a file that is not there": typed(
        "evaluate used none.csv", "minidl evaluate: … none.csv … No such file"
    ),
    "to draw into a file": typed("evaluate used --out note.txt", "minidl evaluate: … --out … note.txt"),
    "to predict what is not there": typed(
        "predict used none.csv", "minidl predict: … none.csv … No such file"
    ),
    "to predict from other columns": typed(
        "predict used others.csv", "'others.csv': … (length, width) … length; … height"
    ),
    "to predict from a directory that is no run": typed(
        "predict empty mine.csv", "minidl predict: error: empty: … run.json"
    ),
    "to predict nothing": typed("predict used", "minidl predict: error: … required: FILE"),
    "to keep a column that there is not": typed(
        "predict used mine.csv --keep z", "minidl predict: … --keep … z"
    ),
    "to write over what is read": typed(
        "predict used mine.csv --out mine.csv",
        "minidl predict: error: --out: expected another file than the one that is read, got mine.csv",
    ),
    "to write into a directory": typed(
        "predict used mine.csv --out empty",
        "minidl predict: error: --out: expected a file, got the directory empty",
    ),
    "to write another format": typed(
        "predict used mine.csv --out new.npz", "minidl predict: error: --out: … .csv … new.npz"
    ),
    "to write below a file": typed(
        "predict used mine.csv --out note.txt/new.csv", "minidl predict: … note.txt"
    ),
    "a part of a table": typed("predict used mine.csv --part test", "minidl predict: … --part … test"),
    "to show what is not there": typed(
        "show none", "minidl show: error: none: expected a directory with run.json, got none"
    ),
    "to show a net that is cut off": typed("show cut", "minidl show: error: cut/net.npz: expected"),
    "a diagnosis of something": typed("doctor used", "minidl doctor: error: unrecognized arguments: used"),
}
