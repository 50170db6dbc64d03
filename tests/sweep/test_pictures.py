import itertools
import sys

import numpy as np
import pytest

from minidl.errors import ConfigurationError, MissingExtraError, StateError
from minidl.sweep import Row
from minidl.sweep.pictures import _palette, _points, _range, plot_curves, plot_heat_map
from tests.deep import first_only
from tests.sweep.test_results import results_of

image = pytest.importorskip("matplotlib.image", reason="the extra plot is not installed")

NOTHING = {"step": [], "train_accuracy": [], "validation_accuracy": []}
RATES, STRENGTHS = (1e-3, 1.2e-3, 1.4e-3, 1.6e-3, 1.8e-3), (1e-4, 1e-3, 1e-2)


def row_of(trial, value, status="done", steps=100, **configuration):
    count = steps // 30
    curve = {"step": [30 * (k + 1) for k in range(count)]}
    curve |= {name: [0.4] * count for name in ("train_accuracy", "validation_accuracy")}
    curve = NOTHING if value is None else curve
    return Row(trial, configuration, 0, steps, status, None, value, 0.1, 0.5, 0.1, value, curve)


def grid(**others):
    places = itertools.product(RATES, STRENGTHS, *others.values())
    return [
        row_of(trial, 0.4 + 0.01 * trial, **dict(zip(("lr", "reg", *others), place, strict=True)))
        for trial, place in enumerate(places)
    ]


def drawn(path):
    picture = image.imread(path)[..., :3]
    assert picture.std() > 0.02  # there is something on it
    return picture


def kinds():
    rows = grid()
    rng = np.random.default_rng(0)
    places = {"diverged": {"lr": 1.2e-3, "reg": 1e-4}, "failed": {"lr": 1.2e-3, "reg": 1e-3}}
    lost = [row_of(3 + k, None, status, k, **place) for k, (status, place) in enumerate(places.items())]
    return {
        "grid": rows,
        "one": rows[:1],
        "others vary": grid(hidden=([50], [300, 100])),
        "a cell is missing": rows[:-1],
        "diverged": rows[:3] + lost,
        "stopped": [*rows[:3], row_of(3, 0.2, "stopped", 20, lr=1.2e-3, reg=1e-4)],
        "all alike": [row_of(trial, 0.5, lr=0.1, reg=10.0**-trial) for trial in range(3)],
        "drawn": [
            row_of(trial, float(rng.random()), lr=float(rng.random()), reg=10 ** float(rng.uniform(-5, 0)))
            for trial in range(30)
        ]
        + [row_of(30, None, "diverged", lr=0.9, reg=0.01)],
    }


LOSSES = ("grid", "diverged", "drawn")


@pytest.mark.parametrize(
    ("kind", "objective"),
    first_only(
        *((kind, "validation_accuracy") for kind in kinds()), *((kind, "validation_loss") for kind in LOSSES)
    ),
)
def test_pictures(kind, objective, tmp_path):
    results = results_of(kinds()[kind], objective)
    plot_heat_map(results, tmp_path / "map.png")
    plot_curves(results, tmp_path / "curves.svg")
    plot_curves(results, tmp_path / "curves.png")
    drawn(tmp_path / "map.png")
    drawn(tmp_path / "curves.png")
    text = (tmp_path / "curves.svg").read_text()
    assert f"{results.title} {results.show(results.best.value)}" in text


def test_the_map_says_every_value_and_frames_the_best(tmp_path):
    results = results_of(kinds()["diverged"])
    plot_heat_map(results, tmp_path / "map.svg")
    text = (tmp_path / "map.svg").read_text()
    for row in results.done:
        assert f"<!-- {results.show(row.value)} -->" in text
    assert "<!-- diverged -->" in text
    assert "<!-- failed -->" in text
    assert text.count("#d95f02") == 1


def test_the_best_over_other_keys_is_shown(tmp_path):
    rows = [row_of(0, 0.11, lr=0.1, reg=0.1, hidden=5), row_of(1, 0.22, lr=0.1, reg=0.1, hidden=6)]
    plot_heat_map(results_of(rows), tmp_path / "map.svg")
    text = (tmp_path / "map.svg").read_text()
    assert "22.00%" in text
    assert "11.00%" not in text
    assert "Validation accuracy, the best over hidden" in text


def test_any_two_keys_with_numbers(tmp_path):
    results = results_of(grid(momentum=(0.0, 0.9), name=("a", "b")))
    plot_heat_map(results, tmp_path / "map.png", x="momentum", y="lr")
    for keys in ({"x": "name"}, {"y": "dropout"}):
        with pytest.raises(ConfigurationError, match="a number as '(name|dropout)' in every configuration"):
            plot_heat_map(results, tmp_path / "no.png", **keys)
    assert not (tmp_path / "no.png").exists()


def test_points_are_the_epochs_and_the_end():
    assert _points(row_of(0, 0.5, steps=70)) == ([30, 60, 70], pytest.approx([40, 40, 50]))
    assert _points(row_of(0, 0.5, steps=60)) == ([30, 60], [40, 40])
    assert _points(row_of(0, None, "diverged", 7)) is None


def test_one_bad_trial_does_not_make_the_good_ones_look_alike():
    values = [0.1, 0.5, 0.51, 0.52, 0.54]
    results = results_of([row_of(trial, value, lr=0.1) for trial, value in enumerate(values)])
    worst, best = _range(results)
    assert best == 0.54
    assert 0.4 < worst < 0.5
    flat = results_of([row_of(trial, 0.5, lr=0.1) for trial in range(3)])
    assert _range(flat) == (-0.5, 0.5)


def test_colours_follow_the_order_of_the_values():
    rows = [row_of(trial, 0.5, lr=0.1, hidden=value) for trial, value in enumerate([100, 9, [20, 5], 50])]
    palette = _palette(results_of(rows), "hidden")
    assert list(palette) == ["9", "50", "100", "20,5"]
    assert len({tuple(colour) for colour in palette.values()}) == 4


def test_without_a_value_there_is_no_picture(tmp_path):
    results = results_of([row_of(0, None, "diverged", lr=0.1, reg=0.1)])
    for plot in (plot_heat_map, plot_curves):
        with pytest.raises(StateError, match="a trial that is done, got none of 1"):
            plot(results, tmp_path / "a.png")


@pytest.mark.parametrize("plot", [plot_heat_map, plot_curves])
def test_what_are_no_results(plot, tmp_path):
    for wrong in (None, [], "results", {"rows": []}):
        with pytest.raises(ConfigurationError, match=f"{plot.__name__}: expected results to be of class"):
            plot(wrong, tmp_path / "a.png")


def test_what_are_no_keys(tmp_path):
    for key in (None, ["lr"], 3):
        with pytest.raises(ConfigurationError, match="plot_heat_map: expected key to be of class str, got"):
            plot_heat_map(results_of(grid()), tmp_path / "a.png", x=key)


def test_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'minidl\[plot\]'"):
        plot_heat_map(results_of(grid()), tmp_path / "a.png")
