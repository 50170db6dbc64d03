import pytest

from benchmarks import sweep_search
from tests.deep import deep

pytestmark = deep

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")


def test_everybody_searches(capsys):
    assert sweep_search.main(["digits", "--steps", "7"]) == 0
    out = capsys.readouterr().out
    assert "15 trials of 7 updates" in out  # to whole epochs
    lines = [line.split() for line in out.splitlines() if line.startswith(("minidl sweep,", "GridSearchCV"))]
    assert len(lines) == 5
    assert lines[0][-1] == lines[1][-1]  # one job or two: the same best accuracy
    assert lines[1][-2] == "1.00"
    assert "the products alone, float32" in out
