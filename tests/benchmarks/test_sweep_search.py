from dataclasses import asdict

import pytest

from benchmarks import sweep_search
from minidl.recipes.defaults import SETTINGS, Settings
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


@pytest.mark.parametrize("data", [data for data, model in SETTINGS if model == "mlp"])
def test_every_data_set_is_searched_with_the_same_net(data):
    options = (*sweep_search.NET, *sweep_search.TRAINING)
    named = {option.split("=")[0].strip("-").replace("-", "_") for option in options}
    own, general = asdict(SETTINGS[data, "mlp"]), asdict(Settings())
    # The grid has the rates and penalties, and each library its own start weights.
    others = named | {"lr", "prior", "epochs", "first_scale"}
    assert {name for name in own if own[name] != general[name]} <= others
