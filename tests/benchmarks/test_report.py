"""Tables, JSON and pictures of the benchmarks say the same; a bad command line is refused."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.__main__ import PEERS, main, run
from benchmarks.contestants import CONTESTANTS
from benchmarks.problems import OnAxis, Training
from benchmarks.results import Report, Result, ResultsError, rows
from benchmarks.suites import SUITES, scaling
from benchmarks.suites.scaling import best_constant, best_slope
from benchmarks.tables import markdown, section, table
from tests.deep import deep

pytestmark = deep

TINY = Training("tiny", (5,), features=12, classes=3, batch=8, samples=40, learning_rate=0.1)


def on_axis(axis, place, **options):
    return OnAxis(f"{axis} {place}", features=12, batch=4, samples=8, axis=axis, place=place, **options)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A real run of tiny problems, through the command line's own function."""
    out = tmp_path_factory.mktemp("benchmarks")
    problems = {
        "step": [TINY, dataclasses.replace(TINY, label="other", hidden=(7, 6))],
        "scaling": [on_axis("hidden", 4), on_axis("hidden", 8), on_axis("depth", 1), on_axis("batch", 2)],
    }
    suites = [
        dataclasses.replace(SUITES[name], problems=lambda quick, rows=of_suite: rows)
        for name, of_suite in problems.items()
    ]
    report = run(suites, [1], ["classic", "sklearn"], rounds=2, seconds=1e-6, out=out)
    return report, out


def test_every_contestant_is_timed_on_every_row(measured):
    report, _ = measured
    names = [name for name in ("floor", "minidl", "classic", "sklearn") if not CONTESTANTS[name].missing]
    assert [(r.row, r.threads, r.contestant) for r in report.of("step")] == [
        (row, 1, name) for row in ("tiny", "other") for name in names
    ]
    assert all(len(result.values) == 2 and min(result.values) > 0 for result in report.results)
    assert {library["contestant"] for library in report.libraries} == set(names)
    assert {"date", "CPU", "cores", "system", "Python", "versions", "rounds"} <= set(report.machine)


def test_the_json_file_holds_the_whole_report(measured):
    report, out = measured
    read = dataclasses.asdict(Report.read(out / "results.json"))
    assert read == json.loads(json.dumps(dataclasses.asdict(report)))  # tuples are lists there
    for record in json.loads((out / "results.json").read_text())["results"]:
        assert record["lower_quartile"] <= record["median"] <= record["upper_quartile"]


def test_the_table_and_the_page_say_what_the_results_say(measured):
    report, out = measured
    page = (out / "results.md").read_text()
    for name in ("step", "scaling"):
        suite, results = SUITES[name], report.of(name)
        lines = [line for line in table(suite, results).splitlines()[1:] if line]
        assert len(lines) == len(results)
        for line, result in zip(lines, results, strict=True):
            assert CONTESTANTS[result.contestant].title in line
            assert f" {result.median * 1e6:,.0f} " in line
            assert f"{result.median * 1e6:,.0f}" in page
        assert f"({name}.png)" in page
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_stored_results_are_shown_again(measured, tmp_path, capsys):
    report, out = measured
    assert main(["--from", str(out / "results.json"), "--out", str(tmp_path / "again")]) == 0
    printed = capsys.readouterr().out
    for name in ("step", "scaling"):
        assert section(SUITES[name], report) in printed
    again = tmp_path / "again"
    assert (again / "results.md").read_text() == (out / "results.md").read_text()
    assert (again / "step.png").read_bytes() == (out / "step.png").read_bytes()
    assert main(["scaling", "--from", str(out / "results.json"), "--out", str(tmp_path / "one")]) == 0
    assert not (tmp_path / "one" / "step.png").exists()


def results_of(medians, row="row", threads=1):
    return [Result("step", row, threads, name, [value] * 3) for name, value in medians.items()]


def test_the_columns_set_the_figures_in_proportion():
    text = table(SUITES["step"], results_of({"floor": 1e-3, "minidl": 2e-3, "torch": 5e-3, "jax": 1e-3}))
    floor, minidl, torch, jax = text.splitlines()[2:]
    assert "1,000" in floor and "1.00" in floor
    assert "2,000" in minidl and "2.00" in minidl and "er" not in minidl.removeprefix("row")
    assert "5.00" in torch and "2.50 × faster" in torch
    assert "1.00" in jax and "2.00 × slower" in jax


def test_the_page_marks_the_fastest_but_for_the_floor():
    report = Report({"CPU": "x"}, results=results_of({"floor": 1e-3, "minidl": 2e-3, "torch": 1.5e-3}))
    assert "| row | 1 | 1,000 ±0% | 2,000 ±0% | **1,500** ±0% | 2.00 |" in markdown([SUITES["step"]], report)


def test_rows_come_in_their_order_with_the_fewest_threads_first():
    results = [r for n in (2, 1) for row in "ba" for r in results_of({"floor": 1, "minidl": 2}, row, n)]
    assert [next(iter(beside.values())).key for beside in rows(results)] == [
        ("b", 1), ("b", 2), ("a", 1), ("a", 2)
    ]  # fmt: skip


def test_who_is_left_out_is_told():
    report = Report({}, results=results_of({"floor": 1, "minidl": 2}))
    report.skip("step", "torch", "the module 'torch' is not installed")
    report.skip("step", "jax", "its losses differ", "row")
    text = section(SUITES["step"], report)
    assert "PyTorch: the module 'torch' is not installed" in text
    assert "JAX jit at row: its losses differ" in text


floors = st.lists(st.floats(1, 1e4), min_size=2, max_size=8).map(np.array)


@given(floors, st.floats(0, 1e4), st.integers(100, 300))
def test_the_fit_finds_floor_and_constant_again(floor, constant, percent):
    slope = percent / 100
    times = slope * floor + constant
    assert np.allclose(times, slope * floor + best_constant(slope * floor, times), rtol=1e-6)
    found = best_slope(floor, times)
    assert np.allclose(times, found * floor + best_constant(found * floor, times), rtol=1e-6)


@given(floors, st.integers(0, 2**32 - 1))
def test_no_other_constant_strays_less(floor, seed):
    rng = np.random.default_rng(seed)
    times = floor * rng.uniform(1, 3, len(floor)) + rng.uniform(0, 1000)

    def stray(constant):
        return np.abs(times / (floor + constant) - 1).max()

    best = stray(best_constant(floor, times))
    assert all(stray(constant) >= best - 1e-9 for constant in rng.uniform(0, 3 * times.max(), 50))


def test_rows_that_stray_are_named():
    results = []
    for row, floor, minidl in (("a", 1e-3, 1.1e-3), ("b", 2e-3, 2.1e-3), ("c", 4e-3, 9e-3)):
        results += results_of({"floor": floor, "minidl": minidl}, row)
    goal, fitted = SUITES["scaling"].remarks(results)
    assert goal.startswith("threads 1: minidl's step is floor + ")
    assert "c +" in goal.partition("beyond 30%")[2] and "b +" not in goal
    assert "× floor + " in fitted
    assert scaling._WITHIN == 0.3


def test_peers_asked_for_run_where_they_can():
    step, scaling = SUITES["step"], SUITES["scaling"]
    assert step.chosen(None) == list(step.contestants)
    assert scaling.chosen(None) == ["floor", "minidl"]
    assert scaling.chosen(["torch"]) == ["floor", "minidl", "torch"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peers", "nobody"], f"unknown peer 'nobody'; there are {', '.join(PEERS)}"),
        (["--threads", "0"], "the usable cores, got '0'"),
        (["--threads", "100000"], "the usable cores, got '100000'"),
        (["nothing"], f"unknown suite 'nothing'; there are {', '.join(SUITES)}"),
    ],
)
def test_a_bad_command_line_is_refused(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", '{"results": []}', '{"results": [{"suite": "step"}]}', "{"])
def test_a_file_without_results_is_refused(text, tmp_path, capsys):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ResultsError, match="expected a results.json of these benchmarks"):
        Report.read(path)
    assert main(["--from", str(path), "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert main(["--from", str(tmp_path / "absent.json")]) == 1


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(name in text for name in (*SUITES, *PEERS, "examples:", "--from"))
