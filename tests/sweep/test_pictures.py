import itertools
import re
import sys

import numpy as np
import pytest

from minidl.errors import ConfigurationError, MissingExtraError, StateError
from minidl.sweep import Row
from minidl.sweep.pictures import _palette, _points, plot_curves, plot_heat_map
from minidl.sweep.shades import value_range as _range
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
    plot_heat_map(results_of(rows), tmp_path / "map.svg", x="lr", y="reg")
    text = (tmp_path / "map.svg").read_text()
    assert "22.00%" in text
    assert "11.00%" not in text
    assert "Validation accuracy (the larger the better), the best over" in text


def test_any_two_keys(tmp_path):
    results = results_of(grid(momentum=(0.0, 0.9), name=("a", "b")))
    plot_heat_map(results, tmp_path / "map.png", x="momentum", y="lr")
    plot_heat_map(results, tmp_path / "names.svg", x="name", y="momentum")
    assert {"a", "b"} <= set(text_of(tmp_path / "names.svg"))
    for keys in ({"x": "nothing"}, {"y": "dropout"}):
        with pytest.raises(ConfigurationError, match="value of '(nothing|dropout)' in every configuration"):
            plot_heat_map(results, tmp_path / "no.png", **keys)
    assert not (tmp_path / "no.png").exists()


def text_of(path):
    """What is written in a drawing."""
    return re.findall("<!-- (.*) -->", path.read_text())


@pytest.mark.parametrize(
    ("varying", "labels"),
    first_only(
        ({"hidden": ([3, 4], 5), "seed": (0, 1)}, {"hidden", "3,4", "validation accuracy"}),
        ({"lr": (0.1, 0.2), "loss": ("a", "b"), "hidden": (3, 4, 5)}, {"hidden", "lr", "0.2"}),
        ({"loss": ("a", "b"), "augment": ("none", "flip")}, {"loss", "augment", "flip"}),
        ({"lr": (0.1, 0.2), "seed": (0, 1)}, {"lr", "validation accuracy"}),
    ),
)
def test_what_varies_is_compared(varying, labels, tmp_path):
    places = itertools.product(*varying.values())
    rows = [row_of(n, n / 20, **dict(zip(varying, place, strict=True))) for n, place in enumerate(places)]
    results = results_of(rows)
    plot_heat_map(results, tmp_path / "map.svg")
    assert labels <= set(text_of(tmp_path / "map.svg"))
    assert results.show(results.averaged()[0].value) in text_of(tmp_path / "map.svg")


def test_where_nothing_varies_there_is_no_map(tmp_path):
    with pytest.raises(ConfigurationError, match="a key that varies and that every configuration has"):
        plot_heat_map(results_of([row_of(0, 0.5, lr=0.1)]), tmp_path / "map.png")


def test_the_curves_are_those_of_the_objective(tmp_path):
    rows = []
    for trial, losses in enumerate(([0.3, 0.1], [0.5, 0.2], [1e25, 1e30])):
        value = losses[1] if trial < 2 else None
        curve = {"step": [1, 2], "validation_accuracy": [0.1, 0.2], "validation_loss": losses}
        rows.append(
            Row(trial, {"lr": 0.1 + trial}, 0, 2, "done" if value else "diverged", None, value, curve=curve)
        )
    results = results_of(rows, "validation_loss")
    plot_curves(results, tmp_path / "curves.svg")
    texts = text_of(tmp_path / "curves.svg")
    assert "validation loss" in texts
    # The one that diverged has not taken the whole picture.
    assert not any(text.startswith("1e") for text in texts)
    assert max(float(text) for text in texts if re.fullmatch(r"[\d.]+", text)) < 3


def test_points_are_the_epochs_and_the_end():
    assert _points(row_of(0, 0.5, steps=70)) == ([30, 60, 70], pytest.approx([40, 40, 50]))
    assert _points(row_of(0, 0.5, steps=60)) == ([30, 60], [40, 40])
    assert _points(row_of(0, None, "diverged", 7)) is None


def test_one_bad_trial_does_not_make_the_good_ones_look_alike():
    values = [0.1, 0.5, 0.51, 0.52, 0.54]
    results = results_of([row_of(trial, value, lr=0.1) for trial, value in enumerate(values)])
    worst, best = _range(results, results.rows)
    assert best == 0.54
    assert 0.4 < worst < 0.5
    flat = results_of([row_of(trial, 0.5, lr=0.1) for trial in range(3)])
    assert _range(flat, flat.rows) == (-0.5, 0.5)


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
    for key in (["lr"], 3):
        with pytest.raises(ConfigurationError, match="plot_heat_map: expected key to be of class str, got"):
            plot_heat_map(results_of(grid()), tmp_path / "a.png", x=key)


def test_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'minidl\[plot\]'"):
        plot_heat_map(results_of(grid()), tmp_path / "a.png")
