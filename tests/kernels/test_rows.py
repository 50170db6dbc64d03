import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minidl import Standardize, evaluate
from minidl.data import Batches, Dataset
from minidl.data import batches as batches_module
from minidl.kernels import rows as rows_module
from minidl.kernels.rows import gather, gather_definition, memory_blocks, row_blocks, take_rows
from minidl.recipes import mlp
from minidl.sweep.header import _checksum

KINDS = ["?", "u1", "<i4", ">i8", "<f2", "<f4", ">f4", "<f8", ">f8"]


@st.composite
def arrays(draw):
    """Arrays of any dtype and layout: permuted, mirrored, strided, spread from one number, read-only."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=7))
    axes = draw(st.permutations(range(len(shape))))
    steps = [draw(st.sampled_from([1, 2, -1, -3])) for _ in shape]
    spread = [draw(st.integers(0, 5)) == 0 for _ in shape]
    stored = [1 if spread[axis] else shape[axis] * abs(steps[axis]) for axis in axes]
    memory = np.arange(np.prod(stored)).astype(draw(st.sampled_from(KINDS))).reshape(stored)
    array = memory.transpose(np.argsort(axes))
    array = array[
        tuple(slice(None, None, 1 if wide else step) for wide, step in zip(spread, steps, strict=True))
    ]
    array = np.broadcast_to(array, shape)
    array.flags.writeable = False
    return array


@pytest.fixture(params=[1, 40, 1 << 24], ids=lambda size: f"in stretches of {size} bytes")
def stretch(request, monkeypatch):
    for name in ("_SPAN_BYTES", "_BLOCK_BYTES", "_PIECE_BYTES"):
        monkeypatch.setattr(rows_module, name, request.param)


@pytest.mark.usefixtures("stretch")
@given(arrays(), st.data())
def test_rows_of_any_layout_are_those_that_numpy_takes(array, data):
    rows = data.draw(
        st.lists(st.integers(0, len(array) - 1), max_size=20).map(lambda rows: np.array(rows, int))
    )
    cut = data.draw(st.slices(len(array)))
    for index in (rows, cut):
        taken = take_rows(array, index)
        assert taken.flags.c_contiguous
        np.testing.assert_array_equal(taken, array[index], strict=True)
    out = np.empty((len(rows), *array.shape[1:]), array.dtype)
    assert np.shares_memory(take_rows(array, rows, out), out) or not out.size
    np.testing.assert_array_equal(out, array[rows])
    gathered = gather(array, rows, np.empty_like(out))
    np.testing.assert_array_equal(gathered, gather_definition(array, rows), strict=True)


@pytest.mark.usefixtures("stretch")
@given(arrays(), st.integers(1, 4))
def test_blocks_hold_every_number_once(array, multiple):
    found = np.empty(array.shape, array.dtype)
    for rows, block in row_blocks(array, multiple):
        assert block.flags.c_contiguous
        assert rows.start % multiple == 0
        found[rows] = block
    np.testing.assert_array_equal(found, array)
    assert _checksum(array) == zlib.crc32(array.tobytes())
    blocks = [block.ravel() for block in memory_blocks(array)]
    np.testing.assert_array_equal(np.sort(np.concatenate(blocks)), np.sort(array, axis=None))


@pytest.mark.usefixtures("stretch")
@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
@given(array=arrays().filter(lambda array: array.ndim > 1), batch_size=st.integers(1, 9))
def test_batches_of_any_layout_are_those_of_c_order(array, batch_size, sampling):
    targets = np.arange(len(array))
    ordered = Batches(Dataset(array.copy(order="C"), targets), batch_size, rng=0, sampling=sampling)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows_module, "MOST_COPIED", 0)
        data = Dataset(array, targets)
        for at_once in (1, 100, 1 << 20):
            patch.setattr(batches_module, "_SCATTERED_GROUP_BYTES", at_once)
            patch.setattr(batches_module, "_GROUP_BYTES", at_once)
            batches = Batches(data, batch_size, rng=0, sampling=sampling)
            ordered = Batches(ordered.dataset, batch_size, rng=0, sampling=sampling)
            for _ in range(2 * batches.steps_per_epoch + 1):
                (features, labels, _), (expected, expected_labels, _) = next(batches), next(ordered)
                assert features.flags.c_contiguous
                np.testing.assert_array_equal(features, expected, strict=True)
                np.testing.assert_array_equal(labels, expected_labels)


def scattered(samples=40_000, numbers=50):
    """8 MB in Fortran order."""
    return np.asfortranarray(np.random.default_rng(0).standard_normal((samples, numbers), dtype=np.float32))


def peak(function):
    """Bytes that a call takes at most."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x[:, ::-1], lambda x: x[::-1], lambda x: x[::2]])
@pytest.mark.parametrize("order", ["C", "F"])
def test_nothing_that_walks_a_data_set_copies_it_whole(view, order, monkeypatch):
    monkeypatch.setattr(rows_module, "MOST_COPIED", 0)
    monkeypatch.setattr(rows_module, "_BLOCK_BYTES", 1 << 17)
    monkeypatch.setattr(rows_module, "_SPAN_BYTES", 1 << 17)
    monkeypatch.setattr(batches_module, "_SCATTERED_GROUP_BYTES", 1 << 17)
    features = view(np.asarray(scattered(), order=order))
    targets = np.arange(len(features)) % 3
    net = mlp(50, [4], 3, rng=0)
    data = Dataset(features, targets)
    limit = features.nbytes // 2
    assert peak(lambda: Dataset(features, targets)) < limit
    batches = Batches(data, 200, rng=0)
    assert peak(lambda: [next(batches) for _ in range(5)]) < limit
    assert peak(lambda: evaluate(net, data)) < limit
    assert peak(lambda: Standardize.fit(features)) < limit
    assert peak(lambda: data.holds_the_same(Dataset(features, targets))) < limit
    assert peak(lambda: data[np.arange(100)]) < limit


def test_small_arrays_in_memory_are_copied_into_whole_rows_and_no_others(tmp_path, monkeypatch):
    features, targets = scattered(), np.zeros(40_000, int)
    data = Dataset(features, targets)
    assert data.features.flags.c_contiguous
    np.testing.assert_array_equal(data.features, features)
    monkeypatch.setattr(rows_module, "MOST_COPIED", features.nbytes - 1)
    assert Dataset(features, targets).features is features
    np.save(tmp_path / "x.npy", np.asfortranarray(features[:100]))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert not mapped.flags.c_contiguous
    for view in (mapped, mapped[::-1], np.asarray(mapped)[10:]):
        assert np.shares_memory(Dataset(view, targets[: len(view)]).features, mapped)
    for view in (features[:50].copy()[::-1], np.broadcast_to(np.zeros(3), (9, 3))):
        assert np.shares_memory(Dataset(view, targets[: len(view)]).features, view)


def test_scores_and_statistics_do_not_depend_on_the_layout():
    features = scattered()
    net = mlp(50, [8], 3, rng=0)
    ordered = np.ascontiguousarray(features)
    np.testing.assert_array_equal(net(features), net(ordered))
    np.testing.assert_array_equal(Standardize.fit(features).mean, Standardize.fit(ordered).mean)


def _resident_file_pages():
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in status if line.startswith("RssFile"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts pages as Linux shows them")
def test_a_mapped_file_in_fortran_order_does_not_pile_up_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(batches_module, "_SCATTERED_GROUP_BYTES", 1 << 23)
    shape, path = (1 << 17, 1 << 8), tmp_path / "x.npy"  # 32 MB of bytes
    written = np.lib.format.open_memmap(path, "w+", np.uint8, shape, fortran_order=True)
    written[:] = np.arange(shape[1])
    del written
    features = np.load(path, mmap_mode="r")
    net = mlp(shape[1], [4], 3, rng=0)
    evaluate(net, Dataset(np.zeros((5000, shape[1])), np.zeros(5000, int)))  # libraries' pages come first
    before = _resident_file_pages()
    data = Dataset(features, np.arange(shape[0]) % 3)
    batches = Batches(data, 5000, rng=0)
    for _ in range(10):
        next(batches)
    evaluate(net, data)
    assert _resident_file_pages() - before < 1 << 23
    assert features[:].sum() > 0  # the test can fail: read otherwise, the pages stay
    assert _resident_file_pages() - before > 1 << 24


def test_what_was_written_to_a_private_map_stays(tmp_path):
    np.save(tmp_path / "x.npy", np.asfortranarray(np.zeros((1000, 50))))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="c")
    mapped[:] = 7
    data = Dataset(mapped, np.zeros(1000, int))
    assert (next(Batches(data, 1000, rng=0))[0] == 7).all()
    assert (mapped == 7).all()
