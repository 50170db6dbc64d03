"""What a data set refuses, keeps and gives."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.data import Dataset, Splits
from minidl.data.dataset import hold_out, stratified_hold_out
from minidl.errors import DataError, DTypeError


def small(samples=6, **options):
    features = np.arange(samples * 4, dtype=np.uint8).reshape(samples, 2, 2)
    return Dataset(features, np.arange(samples) % 3, **options)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64", ">f4"])
def test_features_are_kept_without_a_copy(dtype):
    features = np.ones((3, 2), dtype)
    dataset = Dataset(features, [0, 1, 1])
    assert dataset.features.dtype == features.dtype
    assert np.shares_memory(dataset.features, features)


def test_attributes_and_repr():
    dataset = small(target_names=["a", "b", "c", "d"])
    assert (len(dataset), dataset.sample_shape, dataset.num_classes) == (6, (2, 2), 4)
    assert dataset.target_names == ("a", "b", "c", "d")
    assert repr(dataset) == "Dataset(6 samples of (2, 2) uint8, 4 classes)"
    assert repr(Dataset([[1.0]], [0])) == "Dataset(1 sample of (1,) float64, 1 class)"
    assert small().num_classes == 3


def test_targets_become_contiguous_int64_of_its_own():
    targets = np.array([0, 9, 2, 9, 1, 9], np.uint8)[::2]
    dataset = Dataset(np.zeros((3, 1)), targets)
    assert dataset.targets.dtype == np.int64
    assert dataset.targets.flags.c_contiguous
    wide = np.array([0, 1, 2])
    dataset = Dataset(np.zeros((3, 1)), wide)
    wide[0] = -1
    assert dataset.targets.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("features", "targets", "names", "words"),
    [
        (np.zeros(3), [0, 1, 2], None, ["(3,)", "reshape to (N, 1)"]),
        (np.float64(3), [0], None, ["shape (N, ...)"]),
        (np.zeros((0, 2)), [], None, ["(0, 2)"]),
        (np.zeros((2, 0)), [0, 1], None, ["(2, 0)"]),
        (np.array([["a"], ["b"]]), [0, 1], None, ["<U1", "astype"]),
        (np.array([[None], [1]]), [0, 1], None, ["object"]),
        (np.zeros((2, 1), complex), [0, 1], None, ["complex128"]),
        ([[1.0, 2.0], [3.0]], [0, 1], None, ["one array"]),
        (np.ma.masked_equal([[1, 2], [3, 4]], 2), [0, 1], None, ["masked"]),
        (np.zeros((3, 1)), np.eye(3), None, ["(3, 3)", "argmax"]),
        (np.zeros((3, 1)), np.zeros((3, 1), int), None, ["(3, 1)", "targets[:, 0]"]),
        (np.zeros((3, 1)), [0.0, 1.0, 2.0], None, ["float64", "astype(np.int64)"]),
        (np.zeros((3, 1)), [True, False, True], None, ["bool"]),
        (np.zeros((3, 1)), np.array([0, 1, 2], object), None, ["object"]),
        (np.zeros((3, 1)), ["a", "b", "c"], None, ["<U1"]),
        (np.zeros((3, 1)), [0, 1], None, ["3 targets", "got 2"]),
        (np.zeros((3, 1)), [0, -7, 1], None, ["label -7 at sample 1"]),
        (np.zeros((3, 1)), [0, 1, 2], ["a", "b"], ["0 to 1", "label 2 at sample 2"]),
        (np.zeros((2, 1)), np.array([0, 2**63], np.uint64), None, ["label 9223372036854775808 at sample 1"]),
        (np.zeros((1, 1)), [0], "names", ["target_names"]),
        (np.zeros((1, 1)), [0], [], ["target_names"]),
        (np.zeros((1, 1)), [0], [5], ["target_names"]),
    ],
)
def test_refusals_say_what_came_and_what_to_do(features, targets, names, words):
    with pytest.raises(DataError) as caught:
        Dataset(features, targets, target_names=names)
    message = str(caught.value)
    assert "expected" in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("bad", [0, 70_000, 99_999])
def test_a_value_that_is_not_finite_is_found_in_every_chunk(value, bad):
    features = np.zeros((100_000, 20), np.float32)  # 8 MB: two chunks
    features[bad, 7] = value
    features[bad + 1 :, 3] = np.nan
    with pytest.raises(DataError, match=f"{value} in sample {bad}(;|$)"):
        Dataset(features, np.zeros(100_000, int))


def test_a_memory_mapped_array_stays_on_the_disk(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((50, 3), np.float32))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    dataset = Dataset(mapped, np.zeros(50, int))
    assert np.shares_memory(dataset.features, mapped)
    assert np.shares_memory(dataset[10:20].features, mapped)


def test_a_slice_is_a_view_with_the_same_classes():
    dataset = small(target_names=("a", "b", "c"))
    part = dataset[0:2]
    assert (len(part), part.num_classes, part.target_names) == (2, 3, ("a", "b", "c"))
    assert np.shares_memory(part.features, dataset.features)
    assert dataset[::2].targets.flags.c_contiguous
    assert small()[:1].num_classes == 3


def test_a_slice_is_not_checked_again():
    dataset = Dataset(np.zeros((4, 1)), [0, 1, 2, 3])
    dataset.features[0] = np.nan
    assert np.isnan(dataset[:2].features[0])


@pytest.mark.parametrize("index", [[3, 0, -1], np.array([3, 0, 5], np.uint8), np.array([0, 3, 5])])
def test_an_index_array_selects(index):
    dataset = small()
    part = dataset[index]
    assert np.array_equal(part.features, dataset.features[index])
    assert np.array_equal(part.targets, dataset.targets[index])


def test_a_mask_selects():
    dataset = small()
    assert dataset[dataset.targets == 1].targets.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("index", "error", "words"),
    [
        (2, DTypeError, "dataset\\[i : i \\+ 1\\]"),
        (np.int64(2), DTypeError, "dataset.features"),
        ((1, 2), DTypeError, "got \\(1, 2\\)"),
        ("train", DTypeError, "'train'"),
        ([[0, 1]], DTypeError, "\\(1, 2\\)"),
        ([0.5], DTypeError, "float64"),
        (slice(4, 4), DataError, "an empty selection"),
        ([], DataError, "an empty selection"),
        (np.zeros(6, bool), DataError, "an empty selection"),
        (np.ones(5, bool), DataError, "a mask of 6"),
        ([0, 6], DataError, "below 6, got 6"),
        ([-7], DataError, "got -7"),
    ],
)
def test_a_wrong_index_is_refused(index, error, words):
    with pytest.raises(error, match=words):
        small()[index]


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_are_whole(copier):
    splits = Splits("small", small(target_names=("a", "b", "c")), None, small()[:2])
    again = copier(splits)
    assert repr(again) == repr(splits)
    assert again.train.target_names == splits.train.target_names
    assert np.array_equal(again.train.features, splits.train.features)
    assert not np.shares_memory(again.train.features, splits.train.features)
    assert again.test.num_classes == 3


def test_splits():
    wide = Dataset(np.zeros((2, 2, 2), np.uint8), [0, 7])
    splits = Splits("small", small(), None, wide)
    assert (splits.num_classes, splits.sample_shape) == (8, (2, 2))
    assert repr(splits) == "Splits('small': train 6, test 2 of (2, 2) uint8, 8 classes)"
    with pytest.raises(AttributeError):
        splits.name = "other"
    with pytest.raises(DataError, match=r"'small': expected test samples of shape \(2, 2\).*got \(4,\)"):
        Splits("small", small(), None, Dataset(np.zeros((1, 4)), [0]))


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
