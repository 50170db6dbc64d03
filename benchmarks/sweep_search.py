"""``python -m benchmarks.sweep_search``: the classic search by ``minidl sweep`` and by scikit-learn."""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import minidl
from benchmarks.contestants import floor
from benchmarks.machine import Bystanders, describe_machine, header
from benchmarks.problems import Training
from benchmarks.processes import environment
from minidl.cli.options import path
from minidl.console import safe_console
from minidl.data import Splits
from minidl.tables import table

LR, REG = (1e-3, 1.2e-3, 1.4e-3, 1.6e-3, 1.8e-3), (1e-4, 1e-3, 1e-2)
HIDDEN, BATCH, MOMENTUM = 300, 200, 0.9
_TRIALS = len(LR) * len(REG)
NET = (f"--hidden={HIDDEN}", "--norm=none", "--dropout=0")
TRAINING = (f"--batch-size={BATCH}", f"--momentum={MOMENTUM}", "--schedule=step", "--lr-decay=1")
"""Named also where they are minidl's defaults, for a data set may have others."""
_STEPS = 150  # whose bare products are timed
_BASE = "minidl sweep, 2 jobs"

_DESCRIPTION = f"""\
Search {len(LR)} learning rates by {len(REG)} penalties for a net of {HIDDEN} hidden units, by minidl sweep
with one and with two jobs and by scikit-learn's GridSearchCV over MLPClassifier with two; each is a
fresh process, timed from its start to its end.

What is equal: the data, the net's layers, the grid, the minibatches' size, the epochs and so the
updates, momentum, a constant learning rate, the penalty's gradient (alpha is 2 * batch * reg), one BLAS
thread a worker, joblib's processes, validation on the same samples, no early stopping; in the float32
line also the dtype. The other one is what scikit-learn computes in where nobody asks for float32:
dividing pixels by 255, or a StandardScaler, gives float64.

What is not: the start weights and shuffles. minidl reads pixels as uint8 and standardizes within the
net; scikit-learn gets them standardized. minidl measures the validation set after every epoch and all
of the training set at the end, keeps every result on the disk, and writes a table, four pictures and
the best net, which it tests; GridSearchCV measures the validation set at the end, and has no net unless
it trains the best one again, which it does where nobody asks for refit=False.

The last line is no search but the floor: what the bare matrix products of eight of the fifteen trials,
which one of two jobs has to run, take on one core."""


@safe_console()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; returns the exit code."""
    options = _parser().parse_args(arguments)
    splits = minidl.data.load(options.data, options.data_dir)
    per_epoch = math.ceil(len(splits.train) / BATCH)
    epochs = max(round(options.steps / per_epoch), 1)
    if options.grid_search:
        print(json.dumps({"accuracy": grid_search(splits, epochs, options.grid_search, options.refit)}))
        return 0
    print(header(describe_machine()))
    print(f"\n{splits}")
    print(f"{_TRIALS} trials of {epochs * per_epoch:,} updates, batches of {BATCH}\n")
    bystanders = Bystanders()
    contestants = {
        "minidl sweep, 1 job": partial(_run_minidl, jobs=1),
        _BASE: partial(_run_minidl, jobs=2),
        "GridSearchCV, 2 jobs, float32": partial(_run_scikit_learn, dtype="float32"),
        "GridSearchCV, 2 jobs, float64": partial(_run_scikit_learn, dtype="float64"),
        "GridSearchCV, 2 jobs, float64, refit": partial(_run_scikit_learn, dtype="float64", refit=True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    accuracies: dict[str, float] = {}
    for _ in range(options.rounds):
        for name, run in contestants.items():
            start = time.perf_counter()
            accuracies[name] = run(options, epochs)
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    medians["the products alone, float32"] = _products(splits) * epochs * per_epoch * math.ceil(_TRIALS / 2)
    rows = []
    for name, median in medians.items():
        accuracy = f"{accuracies[name]:.2%}" if name in accuracies else ""
        rows.append([name, f"{median:.1f}", f"{median / medians[_BASE]:.2f}", accuracy])
    print(table(["", "seconds", f"× {_BASE}", "best validation accuracy"], rows))
    busy = bystanders.busy_cores()
    if busy is not None:
        print(f"\nmeanwhile {busy:.2f} cores were busy with other programs")
    return 0


def grid_search(splits: Splits, epochs: int, dtype: str, refit: bool) -> float:
    """scikit-learn's search with two jobs; the best validation accuracy."""
    from joblib import parallel_config
    from sklearn.model_selection import GridSearchCV, PredefinedSplit
    from sklearn.neural_network import MLPClassifier

    assert splits.validation is not None
    standardize = minidl.Standardize.fit(splits.train.features, shared_scale=True, dtype=dtype)
    flat = minidl.Sequential(standardize, minidl.Flatten())
    parts = (splits.train, splits.validation)
    features = np.concatenate([flat(part.features) for part in parts])
    labels = np.concatenate([part.targets for part in parts])
    net = MLPClassifier(
        [HIDDEN],
        solver="sgd",
        batch_size=BATCH,
        momentum=MOMENTUM,
        nesterovs_momentum=False,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
        tol=0.0,
        random_state=0,
    )
    search = GridSearchCV(
        net,
        {"learning_rate_init": LR, "alpha": [2 * BATCH * reg for reg in REG]},
        cv=PredefinedSplit(np.repeat([-1, 0], [len(part) for part in parts])),
        refit=refit,
        n_jobs=2,
        error_score="raise",
    )
    with parallel_config("loky", inner_max_num_threads=1):
        search.fit(features, labels)
    return float(search.best_score_)


def _run_minidl(options: argparse.Namespace, epochs: int, jobs: int) -> float:
    with tempfile.TemporaryDirectory() as directory:
        command = ["minidl", "sweep", *_data(options), f"--out={directory}", f"--jobs={jobs}", "--quiet"]
        command += ["--lr", *map(str, LR), "--reg", *map(str, REG), *NET, *TRAINING, f"--epochs={epochs}"]
        _python(*command)
        run = json.loads(Path(directory, "run.json").read_text())
        return float(run["results"]["validation"]["accuracy"])


def _run_scikit_learn(options: argparse.Namespace, epochs: int, dtype: str, refit: bool = False) -> float:
    command = ["benchmarks.sweep_search", *_data(options), f"--steps={options.steps}"]
    command += [f"--grid-search={dtype}", *(["--refit"] if refit else [])]
    return float(json.loads(_python(*command))["accuracy"])


def _products(splits: Splits) -> float:
    """Seconds of the bare matrix products of a step, on one thread."""
    features = math.prod(splits.train.sample_shape)
    step = floor.Step(Training("", (HIDDEN,), features, splits.num_classes, BATCH, samples=BATCH))
    with threadpool_limits(1):
        step.step(_STEPS // 10)  # warm
        start = time.perf_counter()
        step.step(_STEPS)
        return (time.perf_counter() - start) / _STEPS


def _python(*arguments: str) -> str:
    """What ``python -m`` prints, with one BLAS thread, and without warnings that it stops at `max_iter`."""
    variables = environment(1) | {"PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True).stdout


def _data(options: argparse.Namespace) -> list[str]:
    where = [f"--data-dir={options.data_dir.resolve()}"] if options.data_dir else []
    return [options.data, *where]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sweep_search",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("data", nargs="?", default="cifar10", help="as minidl sweep takes it (cifar10)")
    add("--data-dir", type=path, metavar="DIR", help="where the data set's files are")
    add("--steps", type=int, default=2000, help="updates of a trial, to whole epochs (2000)")
    add("--rounds", type=int, default=1, help="runs of each, in turn; the median counts (1)")
    add("--grid-search", help=argparse.SUPPRESS)
    add("--refit", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
