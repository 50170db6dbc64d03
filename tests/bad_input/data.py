"""Data sets, their parts and batches, and transforms, of arrays that will not do."""

import numpy as np
import scipy.sparse

from minidl import Dataset, Standardize
from minidl.data import Batches, Column, Splits
from minidl.errors import ConfigurationError, DataError, DTypeError, ShapeError, StateError
from minidl.transforms import Chain, GaussianNoise, MixUp, RandomCrop, RandomErase, RandomFlip
from tests.bad_input.table import item, row
from tests.public_calls import LABELS, X, call, dataset, drawn_batches

NAN, INF = float("nan"), float("inf")


def features(array, targets=LABELS):
    return call(Dataset, array, targets)


def targets(array):
    return call(Dataset, X, array)


def with_one(value):
    """Features with this number in sample 2."""
    return np.where(np.arange(12).reshape(4, 3) == 7, value, X)


def weights(array):
    return call(Dataset, X, LABELS, weights=array)


def named(names, labels=LABELS):
    return call(Dataset, X, labels, target_names=names)


def taken(index):
    return item(dataset(), index)


def state(**changes):
    return call(drawn_batches().load_state_dict, {**drawn_batches().state_dict(), **changes})


ROWS = {
    # ---------------------------------------------------------------- features
    "NaN in a feature": row(
        lambda: features(with_one(NAN)), DataError, "Dataset: … finite features … nan in sample 2"
    ),
    "an infinity in a feature": row(
        lambda: features(with_one(-INF)), DataError, "Dataset: … finite features … -inf in sample 2"
    ),
    "features that are objects": row(
        lambda: features(X.astype(object)),
        DataError,
        "features of a real dtype … object … .astype(np.float32)",
    ),
    "features in words": row(lambda: features(X.astype(str)), DataError, "features of a real dtype … <U32"),
    "features that are complex": row(
        lambda: features(X.astype(complex)), DataError, "features of a real dtype … complex128 … .real"
    ),
    "features with fields": row(
        lambda: features(np.zeros(4, [("a", float), ("b", float)])),
        DataError,
        "features of a real dtype … [('a', '<f8'), ('b', '<f8')] … structured_to_unstructured",
    ),
    "features that are dates": row(
        lambda: features(X.astype("datetime64[s]")), DataError, "features of a real dtype … datetime64[s]"
    ),
    "rows of unequal length": row(
        lambda: features([[1.0, 2.0], [3.0]], [0, 1]),
        DataError,
        "features that form one array … rows of one length",
    ),
    "features that are masked": row(
        lambda: features(np.ma.masked_array(X, X > 0)),
        DataError,
        "features with a value everywhere … .filled(value)",
    ),
    "one feature a sample, without its axis": row(
        lambda: features(X[:, 0]), DataError, "features of shape (N, ...) … (4,) … reshape to (N, 1)"
    ),
    "no samples": row(lambda: features(X[:0], []), DataError, "a sample or more … (0, 3)"),
    "samples of no numbers": row(lambda: features(X[:, :0]), DataError, "a number or more … (4, 0)"),
    "a sparse matrix in another format": row(
        lambda: features(scipy.sparse.coo_matrix(X)), DataError, "features … CSR … coo_matrix … .tocsr()"
    ),
    "NaN in a sparse matrix": row(
        lambda: features(scipy.sparse.csr_matrix(with_one(NAN))),
        DataError,
        "finite features … nan in sample 2",
    ),
    "features that are the file's name": row(
        lambda: features("data.npz"), DataError, "features … 'data.npz'"
    ),
    # ---------------------------------------------------------------- targets, weights, names
    "NaN in a target": row(lambda: targets(with_one(NAN)), DataError, "finite targets … nan in sample 2"),
    "targets in words": row(
        lambda: targets(["a", "b", "b", "a"]), DataError, "targets of an integer dtype … <U1 … np.unique"
    ),
    "targets that are booleans": row(
        lambda: targets(LABELS > 0), DataError, "targets of an integer dtype … bool"
    ),
    "targets that are objects": row(
        lambda: targets(np.array([0, 1, None, 1])), DataError, "targets of an integer dtype … object"
    ),
    "a target more than samples": row(lambda: targets([0, 1, 0, 1, 0]), DataError, "4 targets … got 5"),
    "one target for all": row(lambda: targets(1), DataError, "4 targets … a single number"),
    "targets of no numbers": row(
        lambda: targets(X[:, :0]), DataError, "targets of a number or more … (4, 0)"
    ),
    "a target beyond 64 bits": row(
        lambda: targets(np.array([0, 0, 0, 2**63], np.uint64)),
        DataError,
        "targets below 2**63 … 9223372036854775808",
    ),
    "a negative weight of a sample": row(
        lambda: weights([1, 1, -2, 1]), DataError, "weights >= 0 … -2 at sample 2"
    ),
    "weights that are all 0": row(lambda: weights([0] * 4), DataError, "a weight above 0 … zeros only"),
    "a weight of NaN": row(lambda: weights([1, NAN, 1, 1]), DataError, "finite weights … nan in sample 1"),
    "weights of another length": row(lambda: weights([1, 1]), DataError, "4 weights … got 2"),
    "weights in a column, of a data set": row(
        lambda: weights(np.ones((4, 1))), DataError, "weights of shape (N,) … (4, 1)"
    ),
    "a name for the classes": row(lambda: named("cat"), DataError, "target_names … strings … 'cat'"),
    "names without an order": row(
        lambda: named({"a", "b"}), DataError, "target_names … strings … {'a', 'b'}"
    ),
    "names that are numbers": row(lambda: named([0, 1]), DataError, "target_names … strings … [0, 1]"),
    "a label without a name": row(
        lambda: named(("a",)), DataError, "labels from 0 to 0 (target_names) … label 1 at sample 1"
    ),
    "a negative label with names": row(
        lambda: named(("a", "b"), [0, -1, 0, 1]),
        DataError,
        "labels from 0 to 1 (target_names) … label -1 at sample 1",
    ),
    "one-hot labels with names": row(
        lambda: named(("a", "b"), np.eye(2, dtype=int)[LABELS]),
        DataError,
        "(N,) (target_names) … (4, 2) … argmax",
    ),
    "a column that is not described": row(
        lambda: call(Dataset, X, LABELS, columns=[Column("a")]), DataError, "columns … 1 of them … (3,)"
    ),
    "a code without a category": row(
        lambda: call(Dataset, np.full((4, 1), 7), LABELS, columns=[Column("a", ["x", "y"])]),
        DataError,
        "codes from 0 to 2 in column 'a', got 7 in sample 0",
    ),
    "a category twice": row(
        lambda: call(Column, "a", ["x", "y", "x"]), DataError, "Column: … 'a' … each once"
    ),
    "the number of classes of numbers": row(
        lambda: call(getattr, Dataset(X, X), "num_classes"), DataError, "labels … (3,) float32"
    ),
    # ---------------------------------------------------------------- parts
    "a sample that is not there": row(lambda: taken([0, 9]), DataError, "indices below 4 … 9"),
    "a sample alone": row(lambda: taken(1), DTypeError, "a slice or a 1-D array … 1 … dataset[i : i + 1]"),
    "samples by half numbers": row(lambda: taken([0.5, 1.5]), DTypeError, "a slice or a 1-D array … float64"),
    "a mask of another length": row(lambda: taken([True, False]), DataError, "a mask of 4 booleans … 2"),
    "a mask of nothing": row(lambda: taken(np.zeros(4, bool)), DataError, "an index that selects … empty"),
    "a part by its name": row(lambda: taken("train"), DTypeError, "'train' … splits.train"),
    "parts of other shapes": row(
        lambda: call(Splits, "mine", dataset(), Dataset(X[:, :2], LABELS)),
        DataError,
        "Splits 'mine': expected validation samples of shape (3,) … (2,)",
    ),
    "parts of labels and of numbers": row(
        lambda: call(Splits, "mine", dataset(), test=Dataset(X, X[:, 0])),
        DataError,
        "test targets of integers … floats",
    ),
    "arrays for a part": row(lambda: call(Splits, "mine", X), DataError, "Splits … train … Dataset … (4, 3)"),
    # ---------------------------------------------------------------- batches
    "batches of fewer than one": row(
        lambda: call(Batches, dataset(), -3), ConfigurationError, "batch_size … >= 1 … -3"
    ),
    "batches in an order that there is not": row(
        lambda: call(Batches, dataset(), 2, sampling="random"),
        ConfigurationError,
        "sampling … 'shuffle' … 'random'",
    ),
    "an order that has a sample twice": row(
        lambda: state(order=np.zeros(4, int)), StateError, "Batches … 4 indices … each once … (4,)"
    ),
    "an order of another data set": row(
        lambda: state(order=np.arange(9)), StateError, "Batches … 4 indices … each once … (9,)"
    ),
    "a place beyond the epoch": row(lambda: state(step=7), StateError, "Batches … step … 7"),
    "a generator of another kind": row(
        lambda: state(generator=np.random.MT19937(0).state), StateError, "Batches … generator … PCG64"
    ),
    "batches without their order": row(
        lambda: call(drawn_batches().load_state_dict, {"epoch": 1}),
        StateError,
        "Batches … order … ['epoch']",
    ),
    # ---------------------------------------------------------------- transforms
    "a crop by half a pixel": row(
        lambda: call(RandomCrop, 0.5), ConfigurationError, "RandomCrop … padding … whole … 0.5"
    ),
    "a flip along an axis that is not there": row(
        lambda: call(RandomFlip(axis=-2), X, LABELS, 0), ShapeError, "RandomFlip … (4, 3)"
    ),
    "noise of NaN": row(
        lambda: call(GaussianNoise, NAN), ConfigurationError, "GaussianNoise … std … finite … nan"
    ),
    "an area larger than the image": row(
        lambda: call(RandomErase, scale=(0.5, 2.0)), ConfigurationError, "RandomErase … scale … 2.0"
    ),
    "a range from more to less": row(
        lambda: call(RandomErase, ratio=(2.0, 0.5)), ConfigurationError, "RandomErase … ratio … (2.0, 0.5)"
    ),
    "a chain of nothing": row(
        lambda: call(Chain), ConfigurationError, "Chain … at least one transform … none"
    ),
    "a list of transforms": row(
        lambda: call(Chain, [RandomFlip(), RandomCrop(1)]),
        ConfigurationError,
        "Chain … transform … RandomCrop(4) | RandomFlip()",
    ),
    "fewer labels than features to mix": row(
        lambda: call(MixUp(0.2), X, LABELS[:2], 0), ShapeError, "MixUp … (4, 3) and (2,)"
    ),
    "a column that has no spread": row(
        lambda: call(Standardize.fit, np.full((4, 3), NAN)), DataError, "Standardize … finite"
    ),
}
