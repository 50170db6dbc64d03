"""The regression guard counts the same every time, and sees one call and one array more."""

import os
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import minidl
from benchmarks import budget
from benchmarks.budget import CASES, compare, main, measure
from benchmarks.counting import LARGE, Costs, Counts, agreed, count, peak, read, write
from tests.deep import deep

pytestmark = deep

STEP, EVALUATION = "step 64-32-10", "evaluate 2,048 rows"
PACKAGE = Path(minidl.__file__).parent


def as_minidl(source, **names):
    """The function `f` that `source` defines, as if it stood in minidl."""
    exec(compile(source, str(PACKAGE / "planted.py"), "exec"), names)
    return names["f"]


def in_relu(monkeypatch, line):
    """Plant a line into ReLU's forward; the costs of a step, without it and with it."""
    source = "def f(self, x, *, training):\n    y = forward(self, x, training=training)\n    {}\n    return y"
    forward = minidl.ReLU.forward
    costs = []
    for text in ("y", line):
        monkeypatch.setattr(minidl.ReLU, "forward", as_minidl(source.format(text), forward=forward))
        costs.append(measure(CASES[STEP]))
    return costs


def test_two_counts_are_equal():
    assert measure(CASES[STEP]) == measure(CASES[STEP])


def test_what_another_thread_allocates_now_and_then_counts_for_nobody():
    rounds = iter(range(5))

    def elsewhere():
        if next(rounds) in (0, 2):
            thread = threading.Thread(target=lambda: np.ones(LARGE * 2, np.uint8))
            thread.start()
            thread.join()

    f = as_minidl("def f():\n    elsewhere()\n", elsewhere=elsewhere)
    (counts,) = agreed(lambda: count(f)).values()
    assert (counts.calls, counts.arrays, counts.bytes) == (1, 0, 0)
    assert next(rounds, None) is None


def test_rounds_that_never_agree_are_an_error():
    with pytest.raises(RuntimeError, match="two equal rounds in a row"):
        agreed(iter(range(100)).__next__)


def test_counts_do_not_depend_on_hashes_or_threads():
    script = f"from benchmarks.budget import *; print(measure(CASES[{STEP!r}]))"
    environments = [{"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "OPENBLAS_NUM_THREADS": "1"}]
    printed = {
        subprocess.run(
            [sys.executable, "-c", script], env=os.environ | more, capture_output=True, check=True, text=True
        ).stdout
        for more in environments
    }
    assert len(printed) == 1


def test_instructions_calls_and_arrays_of_known_code():
    numbers = np.ones(LARGE, np.uint8)
    f = as_minidl("def f(a):\n    a + a\n    a += a\n    len(a)\n", len=len)
    (counts,) = agreed(lambda: count(lambda: f(numbers))).values()
    # `a + a` and `a += a` operate, `len` is called; the sum alone is a new array.
    assert (counts.calls, counts.arrays) == (3, 1)
    assert LARGE <= counts.bytes < LARGE + 256
    assert counts.instructions > 9


def test_an_error_leaves_no_tracer_behind():
    before = sys.gettrace()
    with pytest.raises(ZeroDivisionError):
        count(lambda: 1 / 0)
    assert sys.gettrace() is before
    assert not tracemalloc.is_tracing()


def test_a_function_of_minidl_is_no_call_and_numpys_python_code_is_one():
    f = as_minidl("def inner(a):\n    return a\ndef f(a):\n    inner(a)\n    argmax(a)\n", argmax=np.argmax)
    functions = agreed(lambda: count(lambda: f(np.ones(3))))
    assert {name: counts.calls for name, counts in functions.items()} == {
        "planted.py f": 1,
        "planted.py inner": 0,
    }


def test_an_array_that_lives_for_one_call_is_seen():
    f = as_minidl("def f(a):\n    total(a)\n", total=lambda a: float(np.exp(a).sum()))
    numbers = np.zeros(LARGE)
    (counts,) = agreed(lambda: count(lambda: f(numbers))).values()
    assert counts.arrays == 1
    assert counts.bytes >= 8 * LARGE


def test_the_peak_is_what_is_held_at_once():
    def work():
        first = np.ones(10 * LARGE, np.uint8)
        del first
        np.ones(8 * LARGE, np.uint8)

    assert 10 * LARGE <= agreed(lambda: peak(work)) < 11 * LARGE


def test_one_more_numpy_call_in_a_step_is_over_budget(monkeypatch):
    before, after = in_relu(monkeypatch, "y += 0")
    (calls,) = [rise for rise in compare({STEP: after}, {STEP: before}) if ": calls" in rise]
    old, new = before.total.calls, after.total.calls
    assert new == old + 1
    assert calls == f"{STEP}: calls {old:,} -> {new:,} (planted.py f +1)"


def test_one_more_array_in_a_step_is_over_budget(monkeypatch):
    before, after = in_relu(monkeypatch, "y.copy()")
    rises = compare({STEP: after}, {STEP: before}, instructions=False)  # as on another Python
    size = 256 * 32 * 4
    assert after.total.arrays == before.total.arrays + 1
    assert size <= after.total.bytes - before.total.bytes < size + 256
    assert {rise.split(": ")[1].split()[0] for rise in rises} >= {"arrays", "bytes"}


def test_what_fell_or_moved_a_few_bytes_is_within_budget():
    allowed = Costs({"f": Counts(100, 10, 2, 5000)}, 9000)
    assert compare({"x": Costs({"f": Counts(90, 9, 1, 4000)}, 8000)}, {"x": allowed}) == []
    assert compare({"x": Costs({"g": Counts(100, 10, 2, 5100)}, 9100)}, {"x": allowed}) == []
    assert len(compare({"x": Costs({"g": Counts(101, 11, 3, 5500)}, 11000)}, {"x": allowed})) == 5
    assert compare({"y": allowed}, {"x": allowed}) == ["y: not in the budget"]


def test_the_budget_reads_as_it_was_written(tmp_path):
    costs = {STEP: Costs({"layers/affine.py Affine.forward": Counts(5, 4, 3, 2)}, 1)}
    write(tmp_path / "budget.json", {"3.11": costs, "3.12": costs})
    assert read(tmp_path / "budget.json") == {"3.11": costs, "3.12": costs}
    assert read(tmp_path / "none.json") == {}


@pytest.fixture
def small(monkeypatch, tmp_path):
    monkeypatch.setattr(budget, "CASES", {EVALUATION: CASES[EVALUATION]})
    monkeypatch.setattr(budget, "BUDGET", tmp_path / "budget.json")
    return tmp_path / "budget.json"


def test_update_then_compare_then_fail(small, monkeypatch, capsys):
    assert main(["--update"]) == 0
    assert main([]) == 0
    source = "def f(self, x, *, training):\n    return forward(self, x, training=training)"
    monkeypatch.setattr(minidl.ReLU, "forward", as_minidl(source, forward=minidl.ReLU.forward))
    capsys.readouterr()
    assert main(["--functions"]) == 1
    printed = capsys.readouterr()
    assert f"over budget: {EVALUATION}: instructions" in printed.err
    assert "planted.py f" in printed.out


def test_another_python_is_held_to_the_memory_alone(small, capsys):
    main(["--update"])
    costs = next(iter(read(small).values()))[EVALUATION]
    fewer = Costs({name: Counts(1, 1, c.arrays, c.bytes) for name, c in costs.functions.items()}, costs.peak)
    write(small, {"3.9": {EVALUATION: fewer}})
    assert main([]) == 0
    assert "no budget for Python" in capsys.readouterr().out
    write(small, {"3.9": {EVALUATION: Costs(fewer.functions, 1)}})
    assert main([]) == 1


def test_no_budget_at_all_fails(small, capsys):
    assert main([]) == 1
    assert f"{EVALUATION}: not in the budget" in capsys.readouterr().err


def test_the_committed_budget_names_every_case():
    for cases in read(Path(budget.__file__).with_name("budget.json")).values():
        assert list(cases) == list(CASES)


def test_no_case_leaves_work_to_another_thread():
    for prepare in CASES.values():
        before = set(threading.enumerate())
        for work in prepare():
            work()
        assert set(threading.enumerate()) == before
