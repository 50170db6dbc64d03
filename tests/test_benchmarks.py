"""The benchmarks run and compare like with like; what they measure is not tested here."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from benchmarks.__main__ import main, run
from benchmarks.contestants import CONTESTANTS, PEERS
from benchmarks.contestants.classic import reference_losses
from benchmarks.problem import Problem
from benchmarks.processes import WorkerError, started
from benchmarks.report import table
from benchmarks.rounds import TOLERANCE, LossesDiffer, check

TINY = Problem(hidden=5, features=12, classes=3, batch=8, samples=40, learning_rate=0.1)
INSTALLED = [name for name, entry in CONTESTANTS.items() if not entry.missing]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], Any]:
    path = tmp_path_factory.mktemp("benchmarks") / "results.json"
    problems = [TINY, dataclasses.replace(TINY, hidden=7)]
    return run(problems, [1], PEERS, rounds=2, share=1e-6, json_file=path), json.loads(path.read_text())


def test_every_contestant_is_timed_on_every_problem(results: tuple[list[Any], Any]) -> None:
    rows, _ = results
    assert [(row.problem.hidden, row.threads, row.contestant) for row in rows] == [
        (hidden, 1, name) for hidden in (5, 7) for name in INSTALLED
    ]
    assert all(len(row.times) == 2 and min(row.times) > 0 for row in rows)


def test_every_loss_agrees_with_the_classic_program(results: tuple[list[Any], Any]) -> None:
    rows, _ = results
    for row in rows:
        if row.contestant == "floor":
            assert row.loss_difference is None
        else:
            assert row.loss_difference <= TOLERANCE, row.contestant


def test_the_table_and_the_json_say_the_same(results: tuple[list[Any], Any]) -> None:
    rows, stored = results
    lines = [line for line in table(rows).splitlines()[1:] if line]
    assert len(lines) == len(stored["results"]) == len(rows)
    for line, row in zip(lines, stored["results"], strict=True):
        assert CONTESTANTS[row["contestant"]].title in line
        assert f"{row['median'] * 1e6:,.0f}" in line
    assert {"CPU", "cores", "system", "Python", "versions"} <= set(stored["machine"])
    assert any("threads 1" in text and "minidl" in text for text in stored["blas"])
    assert set(stored["skipped"]) == set(CONTESTANTS) - set(INSTALLED)


def test_the_checked_losses_would_show_a_wrong_gradient() -> None:
    wrong = reference_losses(dataclasses.replace(TINY, learning_rate=TINY.learning_rate * 1.01))
    right = reference_losses(TINY)
    assert max(abs(a - b) / b for a, b in zip(wrong, right, strict=True)) > 10 * TOLERANCE


def test_losses_that_differ_stop_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.rounds.reference_losses", lambda problem: [1.0] * 5)
    with started(["minidl"], 1) as (processes, _), pytest.raises(LossesDiffer, match="minidl's losses are"):
        check(TINY, processes)


def test_an_error_in_a_worker_comes_back_by_name() -> None:
    with started(["floor"], 1) as (processes, _), pytest.raises(WorkerError, match="floor: TypeError"):
        processes[0].ask("prepare", nonsense=1)


def test_a_peer_that_is_not_installed_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = dataclasses.replace(CONTESTANTS["torch"], needs="no_such_module")
    monkeypatch.setitem(CONTESTANTS, "torch", absent)
    with started(["torch"], 1) as (processes, skipped):
        assert not processes
        assert skipped == {"torch": "the module 'no_such_module' is not installed"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peers", "nobody"], "unknown peer 'nobody'; there are classic, sklearn, torch"),
        (["--threads", "0"], "invalid number >= 1 value: '0'"),
    ],
)
def test_a_bad_command_line_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err
