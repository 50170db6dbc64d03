import csv

import numpy as np
import pytest

from minidl.errors import CheckpointError, ConfigurationError, StateError
from minidl.sweep import Results, Row
from minidl.sweep.best import Best
from minidl.sweep.journal import JOURNAL
from minidl.sweep.lines import format_of, line_of
from minidl.sweep.listing import show_value


def results_of(rows, objective="validation_accuracy", **options):
    options = {"maximize": objective != "validation_loss", "trials": len(rows)} | options
    return Results(rows, Best(None), objective=objective, **options)


def row_of(trial, value=None, status="done", reason=None, steps=100, rung=0, **configuration):
    figures = {} if value is None else {
        "value": value, "train_loss": 0.1, "train_accuracy": 1 / 3, "validation_loss": 0.2,
        "validation_accuracy": value,
    }  # fmt: skip
    return Row(trial, configuration, rung, steps, status, reason, **figures)


@pytest.fixture
def rows():
    return [
        row_of(0, 0.5, lr=0.1, hidden=[300, 100], reg=0.001),
        row_of(1, lr=10.0, hidden=[300, 100], reg=0.001, status="diverged", reason="at 1: bad; try", steps=1),
        row_of(2, 0.75, lr=0.05, hidden=[300, 100], reg=0.001, steps=2000),
        row_of(3, 0.6, lr=0.02, hidden=[300, 100], reg=0.001, status="stopped", reason="not among", steps=50),
    ]


def test_table(rows):
    assert results_of(rows).table().splitlines() == [
        "trial    lr  steps   train  validation",
        "    2  0.05  2,000  33.33%      75.00%",
        "    0   0.1    100  33.33%      50.00%",
        "    3  0.02     50  33.33%      60.00%  stopped: not among",
        "    1    10      1                      diverged: at 1: bad",
        "",
        "in every trial: hidden 300,100, reg 0.001",
    ]


def test_the_table_says_why_a_trial_that_is_done_ended_early():
    lines = results_of([row_of(0, 0.5, lr=0.1, reason="no better for 3 epochs"), row_of(1, 0.4, lr=1.0)])
    assert lines.table().splitlines()[1].endswith("50.00%  no better for 3 epochs")


def test_table_of_another_objective(rows):
    for row in rows[:1]:
        lines = results_of([row], objective="validation_loss").table().splitlines()
    assert lines == [
        "trial  steps   train  validation  validation loss",
        "    0    100  33.33%      50.00%           0.5000",
        "",
        "in every trial: lr 0.1, hidden 300,100, reg 0.001",
    ]
    order = [row.trial for row in results_of(rows, objective="validation_loss").sorted()]
    assert order == [0, 2, 3, 1]
    assert results_of(rows, objective="a.module:my_score").title == "my score"
    assert results_of(rows, objective="a.module:f.<locals>.<lambda>").title == "objective"


def test_figures_line_up():
    def shown(objective, *values):
        results = results_of([row_of(trial, value) for trial, value in enumerate(values)], objective)
        return [results.show(value) for value in values]

    assert shown("validation_r2", 0.9808, 0.979, -3.5) == ["0.9808", "0.9790", "-3.5000"]
    assert shown("validation_loss", 12.345, 1234.0, 3e12) == ["12.35", "1234.00", "3e+12"]
    assert shown("m:score", 123456.0, 7.25, 0.0) == ["123456", "7", "0"]
    assert shown("validation_loss", 0.0) == ["0.0000"]


def test_trials_that_differ_in_their_seed_share_a_line():
    rows = [
        row_of(0, 0.9, lr=0.1, seed=0), row_of(1, 0.6, lr=0.2, seed=0), row_of(2, 0.4, lr=0.1, seed=1),
        row_of(3, 0.8, lr=0.2, seed=1), row_of(4, lr=0.3, seed=0, status="failed", reason="no"),
        row_of(5, 0.5, lr=0.3, seed=1),
    ]  # fmt: skip
    results = results_of(rows)
    assert results.is_repeated
    assert (results.best, [row.trial for row in results.sorted()]) == (rows[3], [3, 1, 0, 2, 5, 4])
    assert results.table().splitlines() == [
        "trials   lr  steps   train  validation       ±",
        "  1, 3  0.2    100  33.33%      70.00%  14.14%",
        "  0, 2  0.1    100  33.33%      65.00%  35.36%",
        "  4, 5  0.3    100  33.33%      50.00%          1 of 2 failed: no",
        "",
        "means over the seeds 0, 1; ± is the standard deviation over them",
    ]
    assert [row.trial for row in results_of(rows, "validation_loss").sorted()][:2] == [5, 2]
    assert not results_of(rows[:2]).is_repeated


def test_table_of_nothing():
    assert results_of([]).table() == "trial  steps  train  validation"


def test_keys_that_only_some_trials_have(tmp_path):
    results = results_of([row_of(0, 0.5, lr=0.1), row_of(1, 0.6, lr=0.1, reg=0.01)])
    assert results.varying == ["reg"]
    assert results.describe(results.best) == "reg 0.01"
    results.save_csv(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[1].startswith("0,0.1,,100,done,0.5,")


def test_csv_of_numbers(tmp_path):
    metrics = {"train_r2": 0.75, "validation_r2": 0.5}
    row = Row(0, {"lr": 0.1}, 0, 9, "done", None, 0.5, 1.0, None, 2.0, None, metrics=metrics)
    results_of([row], "validation_r2").save_csv(tmp_path / "results.csv")
    assert (tmp_path / "results.csv").read_text().splitlines() == [
        "trial,lr,steps,status,value,train_loss,validation_loss,train_r2,validation_r2,reason",
        "0,0.1,9,done,0.5,1.0,2.0,0.75,0.5,",
    ]


def test_csv(rows, tmp_path):
    results_of(rows).save_csv(tmp_path / "results.csv")
    text = (tmp_path / "results.csv").read_bytes()
    assert b"\r" not in text
    header, *lines = csv.reader(text.decode().splitlines())
    assert header == [
        "trial", "lr", "hidden", "reg", "steps", "status", "value", "train_loss", "train_accuracy",
        "validation_loss", "validation_accuracy", "reason",
    ]  # fmt: skip
    assert [line[0] for line in lines] == ["0", "1", "2", "3"]
    assert lines[0][header.index("hidden")] == "300,100"
    assert float(lines[0][header.index("train_accuracy")]) == 1 / 3  # all digits
    assert lines[1][header.index("value") :] == ["", "", "", "", "", "at 1: bad; try"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: results_of("abc"),
        lambda: results_of([None]),
        lambda: results_of([], objective=3),
        lambda: results_of([], maximize=np.ones(2)),
        lambda: results_of([], trials="3"),
        lambda: results_of([]).add("row"),
        lambda: results_of([]).describe(None),
        lambda: results_of([]).show("0.5"),
        lambda: results_of([]).show(0.5, digits=-1),
        lambda: row_of(0, 0.5).rank(None),
    ],
)
def test_wrong_arguments(call):
    with pytest.raises(ConfigurationError, match="(Results|Results.show|Row): expected .* to be "):
        call()


def test_digits_beyond_a_floats_do_no_harm():
    assert results_of([]).show(0.5, 10**9) == f"{50:.17f}%"


def test_a_row_without_a_value_has_no_rank():
    with pytest.raises(StateError, match="a row with a value to rank, got none: diverged"):
        row_of(0, status="diverged").rank(True)


@pytest.mark.parametrize("line", ["", "[]", "3", '{"trial": 1}', '{"trail": 1}', None, 3])
def test_what_is_no_row(line):
    message = "Row: expected (a line of a sweep's journal|JSON as minidl writes it).*, got"
    with pytest.raises(CheckpointError, match=message):
        Row.from_json(line)


@pytest.mark.parametrize("header", [{}, {"objective": "validation_loss"}, {"trials": 3}])
def test_a_header_that_says_too_little(header, tmp_path):
    (tmp_path / JOURNAL).write_bytes(line_of(format_of(2) | header, 2))
    with pytest.raises(CheckpointError, match="expected the header of a minidl sweep, got one without"):
        Results.load(tmp_path)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (1e-4, "0.0001"), (0.123456, "0.1235"), (300, "300"), ([300, 100], "300,100"),
     ("relu", "relu"), (None, ""), (True, "True")],
)  # fmt: skip
def test_values_as_text(value, text):
    assert show_value(value) == text
