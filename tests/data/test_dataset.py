"""What a data set refuses, keeps and gives."""

import copy
import pickle

import numpy as np
import pytest

from minidl.data import Dataset, Splits
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
        (np.zeros((3, 1)), np.eye(3, dtype=int), ["a", "b"], ["(3, 3)", "argmax"]),
        (np.zeros((3, 1)), np.zeros((3, 1), int), ["a", "b"], ["(3, 1)", "targets[:, 0]"]),
        (np.zeros((3, 1)), [0.0, 1.0, 2.0], ["a", "b", "c"], ["float64", "astype(np.int64)"]),
        (np.zeros((3, 1)), [True, False, True], None, ["bool"]),
        (np.zeros((3, 1)), np.array([0, 1, 2], object), None, ["object"]),
        (np.zeros((3, 1)), ["a", "b", "c"], None, ["<U1"]),
        (np.zeros((3, 1)), [0, 1], None, ["3 targets", "got 2"]),
        (np.zeros((3, 1)), [0, -7, 1], ["a", "b"], ["label -7 at sample 1"]),
        (np.zeros((3, 1)), [0, 1, 2], ["a", "b"], ["0 to 1", "label 2 at sample 2"]),
        (np.zeros((2, 1)), np.array([0, 2**63], np.uint64), None, ["below 2**63", "9223372036854775808"]),
        (np.zeros((3, 1)), [0, 1j, 2], None, ["complex128", ".real"]),
        (np.zeros((3, 1)), np.zeros((2, 3)), None, ["3 targets", "got 2"]),
        (np.zeros((3, 1)), 5.0, None, ["3 targets", "a single number"]),
        (np.zeros((3, 1)), np.zeros((3, 0)), None, ["(3, 0)"]),
        (np.zeros((3, 1)), [0.5, np.nan, 0], None, ["finite targets", "nan in sample 1"]),
        (np.zeros((3, 1)), [[1, 2], [3, 4], [-np.inf, np.nan]], None, ["-inf in sample 2"]),
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


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 2, 3)])
def test_targets_may_be_floats_of_any_shape_and_are_kept(shape, dtype):
    targets = np.ones(shape, dtype)
    data = Dataset(np.zeros((4, 2)), targets)
    assert np.shares_memory(data.targets, targets)
    assert (data.targets.dtype, data.has_labels) == (targets.dtype, False)
    inside_out = np.asfortranarray(np.arange(24.0).reshape(4, 2, 3))
    data = Dataset(np.zeros((4, 2)), inside_out)
    assert data.targets.flags.c_contiguous
    assert np.array_equal(data.targets, inside_out)


def test_what_targets_mean_is_not_judged_here():
    for targets in (np.eye(3, dtype=int), [[1], [0], [2]], [0, -7, 1]):
        data = Dataset(np.zeros((3, 1)), targets)
        assert data.targets.dtype == np.int64
        assert np.array_equal(data.targets, targets)
        assert not data.has_labels
    with pytest.raises(DataError, match="Dataset: expected labels.*got label -7"):
        data.num_classes  # noqa: B018
    with pytest.raises(DataError, match=r"which are no labels, of \(2,\) float64"):
        Dataset(np.zeros((3, 1)), np.zeros((3, 2))).num_classes  # noqa: B018
    assert small().has_labels


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (np.zeros(2), "targets of float64"),
        (np.zeros((2, 3, 1), np.float32), "targets of (3, 1) float32"),
        (np.eye(2, dtype=int), "targets of (2,) int64"),
        ([0, -1], "targets of int64"),
    ],
)
def test_targets_that_are_no_labels_are_described(targets, words):
    assert repr(Dataset(np.zeros((2, 4)), targets)) == f"Dataset(2 samples of (4,) float64, {words})"
    weighted = Dataset(np.zeros((2, 4)), targets, weights=[1, 2])
    assert repr(weighted) == f"Dataset(2 samples of (4,) float64, {words}, weighted)"


@pytest.mark.parametrize("weights", [[0, 1, 2], np.array([0, 1, 2], np.float32), [False, True, True]])
def test_weights_become_float64_of_its_own(weights):
    data = Dataset(np.zeros((3, 1)), [0, 1, 2], weights=weights)
    assert data.weights.dtype == np.float64
    assert data.weights.tolist() == list(map(float, weights))
    assert data[[2, 0]].weights.tolist() == [data.weights[2], 0]
    own = np.array([0.0, 1.0, 2.0])
    data = Dataset(np.zeros((3, 1)), [0, 1, 2], weights=own)
    own[0] = -1
    assert data.weights[0] == 0
    assert data[::2].weights.flags.c_contiguous


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1, 2], "3 weights, as many as features, got 2"),
        (1.0, "got a single number"),
        ([[1], [2], [3]], r"weights of shape \(N,\), got shape \(3, 1\)"),
        ([1, -0.5, -2], "weights >= 0, got -2.0 at sample 2"),
        ([1, np.nan, 1], "finite weights, got nan in sample 1"),
        ([1, 1, np.inf], "finite weights, got inf in sample 2"),
        ([0, 0, 0], "a weight above 0"),
        (["a", "b", "c"], "weights of a real dtype"),
        ([1j, 1, 1], "complex128"),
        (np.ma.masked_equal([1, 2, 3], 2), "masked"),
    ],
)
def test_wrong_weights_are_refused(weights, words):
    with pytest.raises(DataError, match=words):
        Dataset(np.zeros((3, 1)), [0, 1, 2], weights=weights)


def test_balanced_weights_let_all_classes_count_alike():
    labels = [0, 0, 3, 1, 0]
    for weights in (None, [0.5, 1, 4, 2, 0]):
        data = Dataset(np.eye(5), labels, weights=weights, target_names=("a", "b", "none", "c"))
        balanced = data.balanced_weights()
        each = np.take(balanced, labels) * (1 if weights is None else weights)
        totals = np.bincount(labels, each, 4)
        assert totals == pytest.approx(np.array([1, 1, 0, 1]) * (5 if weights is None else 7.5) / 3)
        assert balanced[2] == 0
    with pytest.raises(DataError, match="expected labels, integers counted from 0"):
        Dataset(np.eye(2), [0.5, 1.5]).balanced_weights()


def test_two_data_sets_hold_the_same():
    def make(**changes):
        arrays = {"features": np.ones((3, 2)), "targets": np.arange(3.0), "weights": [1, 2, 3]} | changes
        return Dataset(arrays.pop("features"), arrays.pop("targets"), **arrays)

    assert make().holds_the_same(make())
    for changes in (
        {"features": np.ones((3, 2), np.float32)},
        {"features": np.zeros((3, 2))},
        {"features": np.ones((3, 2, 1))},
        {"targets": np.arange(3)},
        {"targets": np.arange(3, dtype=np.float32)},
        {"targets": np.arange(3.0)[:, None]},
        {"targets": [0, 1, 2.5]},
        {"weights": [1, 2, 4]},
        {"weights": None},
    ):
        assert not make().holds_the_same(make(**changes))
        assert not make(**changes).holds_the_same(make())
    assert make(weights=None).holds_the_same(make(weights=None))


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
