"""``python -m minidl.testing check``: the table, the exit codes, one line for a usage error."""

import subprocess
import sys

import pytest

from minidl.testing import CLAUSES
from minidl.testing.__main__ import main


def run(capsys, *argv):
    code = main(list(argv))
    return code, *capsys.readouterr()


@pytest.mark.parametrize(
    "argv",
    [
        ["minidl:Affine", "--args", "3, 2", "--input-shape", "3"],
        ["minidl:Affine(3, out_features=2)", "--input-shape", "3", "--allocation"],
        ["minidl:Standardize([1.0, 2.0], 3)", "--input-shape", "2"],
        ["minidl:Flatten", "--input-shape", "2,3"],
        ["minidl.layers:Dropout(0.5)", "--input-shape", "2x3"],
        ["tests.testing.correct:BatchNorm", "--args", "3", "--input-shape", "3", "--batch-dependent"],
        ["minidl.layers:BatchNorm1d(3)", "--input-shape", "3", "--batch-dependent", "--min-batch", "2"],
        ["minidl:ReLU", "--input-shape", "3", "--reference", "operator:methodcaller('clip', 0)"],
        ["minidl.layers:Tanh", "--input-shape", "3", "--reference", "numpy:tanh"],
        ["minidl:SoftmaxCrossEntropy", "--classes", "4"],
        ["minidl.losses:MeanSquaredError", "--classes", "2", "--regression"],
        ["minidl:SGD(0.1, momentum=0.9)"],
        ["minidl:StepDecay", "--args", "gamma=0.5, every=3"],
        ["minidl.metrics:TopKAccuracy(2)"],
        ["minidl.metrics:R2", "--regression"],
        ["minidl.transforms:RandomCrop(1)", "--input-shape", "3,4"],
    ],
    ids=lambda argv: argv[0],
)
def test_right_ones_give_a_table_and_0(capsys, argv):
    code, out, err = run(capsys, "check", *argv)
    assert code == 0
    assert err == ""
    *rows, total = out.splitlines()
    assert all(row.split()[1] in ("ok", "skipped") for row in rows)
    assert " 0 failed" in total


def test_a_wrong_one_gives_the_table_and_1(capsys):
    code, out, err = run(capsys, "check", "tests.testing.wrong.numbers:NearlyRight", "--input-shape", "3")
    assert code == 1
    assert err == ""
    (row,) = (row for row in out.splitlines() if "FAILED" in row)
    assert row.startswith("input_gradient")
    assert "x[0, 2]: backward gives" in out
    columns = {
        row.index(" ok ") for row in out.splitlines() if " ok " in row and not row.startswith("NearlyRight")
    }
    assert len(columns) == 1


def test_another_function_than_the_reference_gives_1(capsys):
    argv = ["check", "minidl:ReLU", "--input-shape", "3", "--clauses", "reference", "--reference"]
    assert run(capsys, *argv, "operator:methodcaller('clip', 0)")[0] == 0
    code, out, _ = run(capsys, *argv, "operator:methodcaller('clip', 1)")
    assert code == 1
    assert "beside the reference, expected 1" in out


def test_chosen_clauses(capsys):
    wrong = ["check", "tests.testing.wrong.numbers:NearlyRight", "--input-shape", "3"]
    assert run(capsys, *wrong, "--skip", "input_gradient")[0] == 0
    code, out, _ = run(capsys, *wrong, "--clauses", "dtype,shapes")
    assert code == 0
    assert len(out.splitlines()) == 3


@pytest.mark.parametrize(("kind", "clause"), [((), "output_shape"), (("metric",), "batches_add_up")])
def test_the_clauses_are_listed(capsys, kind, clause):
    code, out, _ = run(capsys, "clauses", *kind)
    assert code == 0
    assert clause in out


def test_the_reference_of_training_is_an_option(capsys):
    argv = ["check", "minidl.layers:BatchNorm1d(3)", "--input-shape", "3", "--batch-dependent", "--min-batch"]
    argv += ["2", "--clauses", "training_reference", "--training-reference"]
    assert run(capsys, *argv, "tests.testing.references:batch_norm_training")[0] == 0
    code, out, _ = run(capsys, *argv, "tests.testing.references:batch_norm")
    assert code == 1
    assert "expected (y, *states)" in out


def test_what_no_call_survives_is_said_once_and_last(capsys):
    code, out, _ = run(capsys, "check", "minidl:Affine(3, 2)", "--input-shape", "4")
    assert code == 1
    assert out.count("ShapeError") == 2
    *_, total, last = out.splitlines()
    assert total.endswith(f"0 ok, 1 failed, 0 skipped, {len(CLAUSES) - 1} not run")
    assert last.startswith("mend first: shapes: raises ShapeError: Affine")


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["minidl.Affine", "--input-shape", "3"], "module:Class"),
        (["no_such_module:Layer", "--input-shape", "3"], "no_such_module"),
        (["minidl:NoSuch", "--input-shape", "3"], "NoSuch"),
        (["minidl:Affine", "--input-shape", "3"], "give its arguments with --args"),
        (["minidl:Affine", "--args", "3, 2"], "--input-shape"),
        (["minidl:Affine", "--args", "3, open('x')", "--input-shape", "3"], "numbers, strings and lists"),
        (["minidl:Affine(3, 2)", "--args", "3", "--input-shape", "3"], "one place"),
        (["minidl:Affine(3, 2", "--input-shape", "3"], "arguments as in a call"),
        (["minidl:Affine(0, 2)", "--input-shape", "3"], "in_features"),
        (["minidl:Dataset([[1.0]], [0])"], "a Layer, Loss, Optimizer, Scheduler, Metric or Transform"),
        (["minidl.transforms:RandomFlip"], "--input-shape"),
        (
            ["minidl.transforms:RandomFlip", "--input-shape", "3,3", "--reference", "numpy:flip"],
            "no --reference",
        ),
        (["minidl:SGD(0.1)", "--batch-dependent"], "no --batch-dependent with a SGD"),
        (["minidl:Affine(3, 2)", "--input-shape", "3", "--clauses", "dtypes"], "dtypes"),
    ],
)
def test_usage_errors_give_one_line_and_2(capsys, argv, text):
    code, out, err = run(capsys, "check", *argv)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert text in err


def test_an_option_that_makes_no_sense_gives_one_line_and_2(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["check", "minidl:ReLU", "--input-shape", "three"])
    assert caught.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_as_a_module_from_any_folder(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import minidl\n\n\nclass Double(minidl.Layer):\n"
        "    def forward(self, x, *, training):\n"
        "        if training:\n            self.remember(x.shape)\n        return 2 * x\n\n"
        "    def backward(self, dy):\n        self.recall()\n        return 2.5 * dy\n"
    )
    command = [sys.executable, "-m", "minidl.testing", "check", "mine:Double", "--input-shape", "2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "input_gradient" in done.stdout
