import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.data import Batches, Dataset
from minidl.errors import ConfigurationError


def make_dataset(count):
    return Dataset(np.arange(2 * count).reshape(count, 2), np.arange(count))


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 2**32))
def test_an_epoch_visits_every_sample_once(count, batch_size, seed):
    batches = Batches(make_dataset(count), batch_size, rng=seed)
    for _ in range(3):
        seen = []
        for step in range(batches.steps_per_epoch):
            features, targets = next(batches)
            assert len(targets) == min(batch_size, count - step * batch_size)
            np.testing.assert_array_equal(features, np.stack([2 * targets, 2 * targets + 1], axis=1))
            seen += targets.tolist()
        assert batches.position == 0
        assert sorted(seen) == list(range(count))


def test_every_epoch_has_another_order_and_other_batches():
    batches = Batches(make_dataset(40), 10, rng=0)
    epochs = [[frozenset(next(batches)[1].tolist()) for _ in range(4)] for _ in range(3)]
    assert len({batch for epoch in epochs for batch in epoch}) == 12


@given(st.integers(1, 30), st.integers(1, 40))
def test_replacement_draws_full_batches(count, batch_size):
    batches = Batches(make_dataset(count), batch_size, rng=0, sampling="replacement")
    assert batches.steps_per_epoch == max(count // batch_size, 1)
    for _ in range(3):
        features, targets = next(batches)
        assert len(features) == len(targets) == batch_size


def test_replacement_is_uniform():
    batches = Batches(make_dataset(5), 1000, rng=0, sampling="replacement")
    counts = np.bincount(np.concatenate([next(batches)[1].copy() for _ in range(20)]), minlength=5)
    assert abs(counts - 4000).max() < 5 * np.sqrt(20000 * 0.2 * 0.8)


def test_one_seed_one_order():
    draws = [[next(batches)[1].copy() for _ in range(5)] for batches in (
        Batches(make_dataset(20), 6, rng=seed) for seed in (1, 1, 2))]  # fmt: skip
    assert all(map(np.array_equal, draws[0], draws[1]))
    assert not all(map(np.array_equal, draws[0], draws[2]))


@pytest.mark.parametrize("layout", ["C", "F"])
def test_any_layout_and_memory_mapped_files(layout, tmp_path):
    features = np.asarray(np.arange(60, dtype=np.uint8).reshape(10, 3, 2), order=layout)
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    drawn, targets = next(Batches(Dataset(mapped, np.arange(10)), 4, rng=0))
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn, features[targets])


@pytest.mark.parametrize(
    ("options"), [{"batch_size": 0}, {"batch_size": 2.5}, {"batch_size": 5, "sampling": "all"}]
)
def test_options_are_checked(options):
    with pytest.raises(ConfigurationError, match="Batches: expected"):
        Batches(make_dataset(5), **options)
