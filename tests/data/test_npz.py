"""A data set of one's own in an `.npz` file."""

import zipfile

import numpy as np
import pytest
import scipy.sparse

from minidl.data import Column, Dataset, Splits, load, save
from minidl.data.npz import read_npz, read_samples, read_unsplit
from minidl.errors import ConfigurationError, DataError


def arrays(samples=20, **more):
    x = np.arange(samples * 3, dtype=np.float32).reshape(samples, 3)
    return {"x_train": x, "y_train": np.arange(samples) % 4} | more


def test_all_parts(tmp_path):
    more = {f"{axis}_{part}": arrays(5)[f"{axis}_train"] for axis in "xy" for part in ("validation", "test")}
    names = np.array(["a", "b", "c", "d"])
    np.savez_compressed(tmp_path / "mine.npz", **arrays(**more), target_names=names, note=np.zeros(2))
    splits = load(tmp_path / "mine.npz")
    assert repr(splits) == ("Splits('mine': train 20, validation 5, test 5 of (3,) float32, 4 classes)")
    assert splits.train.target_names == splits.test.target_names == ("a", "b", "c", "d")
    assert np.array_equal(splits.train.features, arrays()["x_train"])


def test_without_validation_a_tenth_of_each_class_is_held_out(tmp_path):
    sorted_labels = np.repeat([0, 1, 2], [29, 40, 31])
    np.savez(tmp_path / "mine.NPZ.npz", **arrays(100, y_train=sorted_labels))
    splits = load("mine.NPZ.npz", tmp_path)
    assert (len(splits.train), len(splits.validation), splits.test) == (90, 10, None)
    assert np.bincount(splits.validation.targets).tolist() == [3, 4, 3]
    assert splits.validation.num_classes == 3
    again = load("mine.NPZ.npz", tmp_path)
    assert np.array_equal(splits.validation.features, again.validation.features)


def test_the_validation_part_is_at_most_5000(tmp_path):
    np.savez(tmp_path / "mine.npz", **arrays(60_000))
    assert len(read_npz(tmp_path / "mine.npz").validation) == 5_000


@pytest.mark.parametrize("shape", [(40,), (40, 2)])
def test_floats_are_numbers_to_predict(tmp_path, shape):
    y = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / 7
    x = np.arange(40)[:, None]
    np.savez(tmp_path / "mine.npz", x_train=x, y_train=y, weights_train=y.reshape(40, -1)[:, 0])
    splits = load(tmp_path / "mine.npz")
    assert (len(splits.train), len(splits.validation), splits.has_labels) == (36, 4, False)
    for part in (splits.train, splits.validation):
        rows = part.features[:, 0]
        np.testing.assert_array_equal(part.targets, y[rows], strict=True)
        assert np.array_equal(part.weights, y.reshape(40, -1)[rows, 0])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, ["got no array"]),
        ({"images": np.zeros(2)}, ["x_train and y_train", "got images"]),
        ({"x_train": np.zeros((2, 1))}, ["got x_train;", "pairs"]),
        (arrays(x_test=np.zeros((2, 3))), ["got x_test, x_train, y_train"]),
        (arrays(x_val=np.zeros((2, 3)), y_val=np.zeros(2, int)), ["x_validation", "got x_train, x_val"]),
        (arrays(target_names=np.array([1, 2])), ["1-D array of strings", "int64", "found target_names"]),
        (arrays(target_names=np.array(["a"])), ["0 to 0", "found target_names"]),
        (arrays(x_test=np.zeros((2, 5)), y_test=np.zeros(2, int)), ["test samples of shape (3,)", "(5,)"]),
        (arrays(19) | {"x_train": np.zeros((18, 3))}, ["18 targets", "found x_train, y_train"]),
        (arrays() | {"x_train": np.array([[None]] * 20)}, ["pickled objects are never read"]),
        (arrays(weights_test=np.ones(2)), ["got weights_test, x_train, y_train", "weights_ only with"]),
        (arrays(weights_train=np.ones(2)), ["20 weights", "found weights_train"]),
        (arrays(target_names=np.array(["a", "b"]), y_train=np.zeros(20)), ["float64", "astype(np.int64)"]),
    ],
)
def test_refusals_list_what_was_found(tmp_path, content, words):
    np.savez(tmp_path / "mine.npz", **content)
    with pytest.raises(DataError) as caught:
        read_npz(tmp_path / "mine.npz")
    message = str(caught.value)
    assert all(word in message for word in [str(tmp_path / "mine.npz"), *words]), message


def test_pickled_objects_are_never_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    np.savez(tmp_path / "mine.npz", **arrays(x_test=np.array([Bomb()]), y_test=np.zeros(1, int)))
    with pytest.raises(DataError):
        read_npz(tmp_path / "mine.npz")
    assert not (tmp_path / "ran").exists()


def test_a_zip_of_other_things(tmp_path):
    for names in (("x_train", "y_train"), ("x_train.npy", "y_train.npy"), ("word/document.xml",)):
        with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
            for name in (*names, "target_names"):
                archive.writestr(name, b"no array")
        with pytest.raises(DataError, match="npz file"):
            read_npz(tmp_path / "mine.npz")


def test_foreign_missing_and_damaged_files(tmp_path):
    path = tmp_path / "mine.npz"
    with pytest.raises(DataError, match="no such file"):
        read_npz(path)
    np.save(tmp_path / "one.npy", np.zeros(3))
    for content in (b"", b"no zip at all", (tmp_path / "one.npy").read_bytes()):
        path.write_bytes(content)
        with pytest.raises(DataError, match="npz file"):
            read_npz(path)
    np.savez_compressed(path, **arrays(12))
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="npz file"):
            read_npz(path)
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            read_npz(path)
        except DataError as error:
            assert "npz file" in str(error)


def sparse(rows, columns=40, seed=0):
    table = scipy.sparse.random(rows, columns, 0.1, random_state=seed, dtype=np.float32)
    return scipy.sparse.csr_array(table)


@pytest.mark.parametrize("parts", [("train",), ("train", "validation", "test")])
@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_what_is_saved_is_loaded(tmp_path, parts, is_sparse, weighted):
    rng = np.random.default_rng(0)
    made = {}
    for rows, part in zip((30, 9, 12), parts, strict=False):
        x = sparse(rows) if is_sparse else rng.integers(0, 255, (rows, 3, 2)).astype(np.uint8)
        weights = rng.random(rows) if weighted else None
        made[part] = Dataset(x, rng.integers(0, 3, rows), weights=weights, target_names=("a", "b", "c"))
    save(Splits("mine", **made), tmp_path / "mine.npz")
    read = load(tmp_path / "mine.npz")
    if "validation" in made:
        assert all(getattr(read, part).holds_the_same(made[part]) for part in parts)
    else:
        assert len(read.train) + len(read.validation) == 30
    assert read.train.target_names == ("a", "b", "c")
    assert scipy.sparse.issparse(read.train.features) == is_sparse


def test_numbers_to_predict_are_saved_too(tmp_path):
    made = Dataset(np.eye(4), np.array([[0.5], [1.5], [2.5], [3.5]]))
    save(Splits("mine", made, made), tmp_path / "mine.npz")
    assert load(tmp_path / "mine.npz").validation.holds_the_same(made)


def test_what_cannot_be_saved_leaves_the_file_as_it_was(tmp_path):
    path, sound = tmp_path / "mine.npz", Dataset([[1.0], [0.0]], [0, 1])
    save(Splits("mine", sound, sound), path)
    before = path.read_bytes()
    table = Dataset([[1.0], [0.0]], [0, 1], columns=[Column("colour", ["blue"])])
    for splits, error in ((Splits("table", table), DataError), (sound, ConfigurationError)):
        with pytest.raises(error, match="save"):
            save(splits, path)
    with pytest.raises(DataError, match="ends in .npz"):
        save(Splits("mine", sound), tmp_path / "mine.txt")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["mine.npz"]


@pytest.mark.parametrize(
    "change",
    [
        {"x_train_indptr": None},
        {"x_train_shape": np.array([30, 2])},
        {"x_train_shape": np.array([30])},
        {"x_train_indices": np.array([-1])},
        {"x_train_data": np.array(["a"])},
        {"x_train": np.eye(30)},
    ],
)
def test_a_sparse_matrix_that_is_none(tmp_path, change):
    made = sparse(30)
    content = {f"x_train_{part}": getattr(made, part) for part in ("data", "indices", "indptr", "shape")}
    content |= {"y_train": np.arange(30) % 3, **change}
    np.savez(tmp_path / "mine.npz", **{name: array for name, array in content.items() if array is not None})
    with pytest.raises(DataError, match=r"mine\.npz"):
        load(tmp_path / "mine.npz")


def test_samples_alone(tmp_path):
    made = sparse(5)
    content = {f"x_{part}": getattr(made, part) for part in ("data", "indices", "indptr", "shape")}
    np.savez(tmp_path / "new.npz", **content)
    samples, name = read_samples(tmp_path / "new.npz")
    assert name == "x"
    assert abs(samples - made).nnz == 0
    np.savez(tmp_path / "new.npz", x_train=np.ones((2, 3)), x_test=np.zeros((4, 3)))
    assert read_samples(tmp_path / "new.npz")[0].shape == (4, 3)
    assert read_samples(tmp_path / "new.npz", "train")[0].shape == (2, 3)
    with pytest.raises(DataError, match="x_validation, got x_test, x_train"):
        read_samples(tmp_path / "new.npz", "validation")


def test_what_is_only_measured_is_not_split(tmp_path):
    path, made = tmp_path / "new.npz", sparse(50)
    labels, weights = np.arange(50) % 3, np.ones(50)
    bare = {f"x_{part}": getattr(made, part) for part in ("data", "indices", "indptr", "shape")}
    x = made.toarray()
    for content, part in (
        ({"x": x, "y": labels}, "test"),
        ({"x": x, "y": labels, "weights": weights}, "test"),
        ({**bare, "y": labels}, "test"),
        ({"x_test": x, "y_test": labels, "x": x}, "test"),
        ({"x_train": x, "y_train": labels}, "train"),
        ({f"x_train{name[1:]}": array for name, array in bare.items()} | {"y_train": labels}, "train"),
    ):
        np.savez(path, **content, target_names=np.array(["a", "b", "c"]))
        ((name, read),) = read_unsplit(path).items()
        assert (name, len(read), read.target_names) == (part, 50, ("a", "b", "c"))
        features = read.features.toarray() if scipy.sparse.issparse(read.features) else read.features
        assert np.array_equal(features, x)
        assert np.array_equal(read.targets, labels)
        assert (read.weights is None) == ("weights" not in content)
    for content in ({"x": x}, {"x_test": x}, {"a": x}, {"y": labels}, {"x": x, "y": labels, "x_val": x}):
        np.savez(path, **content)
        with pytest.raises(DataError, match="expected arrays x_test and y_test, or x and y"):
            read_unsplit(path)


def test_no_sample(tmp_path):
    np.savez(tmp_path / "new.npz", x=np.ones((0, 3)))
    with pytest.raises(DataError, match=r"new.npz', x: expected one sample or more, got \(0, 3\)"):
        read_samples(tmp_path / "new.npz")
