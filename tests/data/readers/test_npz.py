"""A data set of one's own in an `.npz` file."""

import zipfile

import numpy as np
import pytest

from minidl.data import load
from minidl.data.readers.npz import read_npz
from minidl.errors import DataError


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
        (arrays() | {"x_train": np.array([[None]] * 20)}, ["allow_pickle"]),
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
    with pytest.raises(DataError, match="No such file"):
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
