"""The parts of a problem, and how a part is held out of another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.data import Dataset, Splits
from minidl.data.splits import hold_out, stratified_hold_out
from minidl.errors import DataError
from tests.data.test_dataset import small


def test_splits():
    wide = Dataset(np.zeros((2, 2, 2), np.uint8), [0, 7])
    splits = Splits("small", small(), None, wide)
    assert (splits.num_classes, splits.sample_shape) == (8, (2, 2))
    assert repr(splits) == "Splits('small': train 6, test 2 of (2, 2) uint8, 8 classes)"
    with pytest.raises(AttributeError):
        splits.name = "other"
    with pytest.raises(DataError, match=r"'small': expected test samples of shape \(2, 2\).*got \(4,\)"):
        Splits("small", small(), None, Dataset(np.zeros((1, 4)), [0]))


def test_parts_have_targets_of_one_kind():
    x = np.zeros((4, 2))
    numbers = Dataset(x, np.arange(4.0), weights=np.ones(4))
    splits = Splits("diabetes", numbers, Dataset(x, np.zeros(4, np.float32)))
    assert repr(splits) == "Splits('diabetes': train 4, validation 4 of (2,) float64, targets of float64)"
    assert not splits.has_labels
    with pytest.raises(DataError, match="no labels"):
        splits.num_classes  # noqa: B018
    for other, words in (
        (np.arange(4), "validation targets of floats, as in the training part, got integers"),
        (np.zeros((4, 1)), r"got floats of shape \(1,\) a sample"),
    ):
        with pytest.raises(
            DataError, match=f"Splits 'mine': expected {words}" if "as in" in words else words
        ):
            Splits("mine", numbers, Dataset(x, other))


@pytest.mark.parametrize(
    ("samples", "most", "held"), [(9, 5, 0), (10, 5, 1), (100, 5, 5), (49, 5, 4), (60, 0, 0)]
)
def test_hold_out_takes_the_last_but_never_more_than_a_tenth(samples, most, held):
    whole = small(samples)
    train, validation = hold_out(whole, most)
    assert len(train) == samples - held
    if held:
        assert np.array_equal(validation.features, whole.features[-held:])
        assert np.shares_memory(validation.features, whole.features)
    else:
        assert validation is None


def numbered(targets):
    """A data set whose features tell its samples apart."""
    return Dataset(np.arange(len(targets))[:, None], targets)


LABELS = st.one_of(
    st.lists(st.integers(0, 4), min_size=1, max_size=300),
    st.lists(st.integers(1, 60), min_size=1, max_size=8).map(
        lambda sizes: np.repeat(range(len(sizes)), sizes)
    ),
    st.integers(1, 40).map(np.arange),
)


@given(LABELS, st.integers(0, 40))
def test_a_stratified_part_has_its_share_of_every_class(labels, most):
    whole = numbered(labels)
    train, held = stratified_hold_out(whole, most)
    share = min(1 / 10, most / len(whole))
    sizes = np.bincount(whole.targets)
    kept = np.bincount(train.targets, minlength=len(sizes))
    assert (kept[sizes > 0] > 0).all()
    assert (abs(sizes - kept - share * sizes) < 1).all()
    if held is None:
        assert train is whole
        assert most == 0 or len(whole) < 10 or sizes.max() == 1
        return
    assert len(held) <= min(most, len(whole) // 10)
    if sizes[sizes > 0].min() > 1:
        assert len(held) == min(most, len(whole) // 10)
    for part in (train, held):
        rows = part.features[:, 0]
        assert (np.diff(rows) > 0).all()  # in their order
        assert np.array_equal(part.targets, whole.targets[rows])
        assert part.num_classes == whole.num_classes
    assert sorted([*train.features[:, 0], *held.features[:, 0]]) == list(range(len(whole)))


def test_a_stratified_part_is_the_same_every_time_and_drawn_from_everywhere():
    whole = numbered(np.repeat([0, 1, 2], 1000))
    held = stratified_hold_out(whole, 5000)[1]
    again = stratified_hold_out(numbered(np.repeat([0, 1, 2], 1000)), 5000)[1]
    assert np.array_equal(held.features, again.features)
    assert np.bincount(held.targets).tolist() == [100, 100, 100]
    # A tenth of each thousand: the mean place of a class's 100 has a standard error of 29.
    for label in range(3):
        rows = held.features[held.targets == label] - 1000 * label
        assert abs(rows.mean() - 500) < 5 * 29


def test_a_stratified_draw_needs_no_label_near_another():
    labels = np.repeat([0, 10**15], 50)
    train, held = stratified_hold_out(numbered(labels), 5000)
    assert np.unique(held.targets, return_counts=True)[1].tolist() == [5, 5]
    assert not np.shares_memory(train.features, held.features)


@given(st.integers(1, 120), st.integers(0, 15), st.booleans())
def test_where_there_are_no_labels_any_sample_may_be_held_out(samples, most, wide):
    rng = np.random.default_rng(0)
    targets = rng.standard_normal((samples, 2) if wide else samples)
    whole = Dataset(np.arange(samples)[:, None], targets, weights=rng.random(samples) + 1)
    train, held = stratified_hold_out(whole, most)
    count = min(most, samples // 10)
    assert (len(held) if held else 0) == count
    assert len(train) == samples - count
    for part in filter(None, (train, held)):
        rows = part.features[:, 0]
        assert np.array_equal(part.targets, targets[rows])
        assert np.array_equal(part.weights, whole.weights[rows])
    again = stratified_hold_out(whole, most)[0]
    assert np.array_equal(again.features, train.features)


def test_numbers_are_held_out_from_everywhere():
    whole = Dataset(np.arange(3000)[:, None], np.arange(3000.0))
    rows = stratified_hold_out(whole, 5000)[1].targets
    # The mean of 300 places, drawn from 3,000, has a standard error of 50.
    assert abs(rows.mean() - 1500) < 5 * 50


def test_weights_are_held_out_with_their_samples():
    whole = Dataset(np.zeros((30, 1)), np.arange(30) % 3, weights=np.arange(30))
    for parts in (hold_out(whole, 2), stratified_hold_out(whole, 3)):
        assert sorted(np.concatenate([part.weights for part in parts])) == list(range(30))


def test_what_is_held_out_does_not_hang_on_numbers_drawn_from_a_common_seed():
    """Samples drawn by ``default_rng(0)`` would be held out by their size, had the draw the same seed."""
    for seed in range(5):
        drawn = np.random.default_rng(seed).random(600)
        held = stratified_hold_out(Dataset(drawn[:, None], drawn), 5000)[1]
        assert held.targets.min() < 0.2
        assert held.targets.max() > 0.8
