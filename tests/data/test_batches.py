import copy
import os
import pickle
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import cores
from minidl.data import Batches, Dataset
from minidl.data import batches as batches_module
from minidl.data.batches import share_cores
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


@pytest.fixture
def looks_ahead(monkeypatch):
    """Batches of any size are gathered on the other thread, one at a time."""
    monkeypatch.setattr(batches_module, "_WORTH_A_THREAD", 0)
    monkeypatch.setattr(batches_module, "_AT_ONCE", 0)
    monkeypatch.setattr(batches_module, "_has_idle_core", lambda: True)


@pytest.mark.parametrize(
    ("processes", "threads", "looks"), [(1, 3, True), (1, 4, False), (2, 1, True), (4, 1, False)]
)
def test_it_looks_ahead_where_a_core_is_idle(processes, threads, looks, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(4), raising=False)
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"num_threads": threads}])
    monkeypatch.setattr(batches_module, "_WORTH_A_THREAD", 0)
    monkeypatch.setattr(batches_module, "_AT_ONCE", 0)
    monkeypatch.setattr(batches_module, "_processes", 1)
    share_cores(processes)
    assert Batches(make_dataset(5), 2)._looks_ahead == looks
    monkeypatch.setattr(cores, "cpu_quota", lambda: 1.0)  # of a container: then no core is idle
    assert not Batches(make_dataset(5), 2)._looks_ahead


def drawn(batches, count):
    return [[array.copy() for array in next(batches)] for _ in range(count)]


@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
def test_looking_ahead_changes_nothing(looks_ahead, sampling):
    ahead = Batches(make_dataset(37), 5, rng=0, sampling=sampling)
    plain = Batches(make_dataset(37), 5, rng=0, sampling=sampling)
    plain._looks_ahead = False
    assert ahead._looks_ahead
    for one, other in zip(drawn(ahead, 50), drawn(plain, 50), strict=True):
        assert all(map(np.array_equal, one, other))


@given(
    st.integers(1, 40), st.integers(1, 9), st.integers(0, 500), st.sampled_from(["shuffle", "replacement"])
)
def test_gathering_several_batches_at_once_changes_nothing(count, batch_size, bytes_at_once, sampling):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches_module, "_AT_ONCE", 0)
        singly = Batches(make_dataset(count), batch_size, rng=0, sampling=sampling)
        patch.setattr(batches_module, "_AT_ONCE", bytes_at_once)
        together = Batches(make_dataset(count), batch_size, rng=0, sampling=sampling)
    for step in range(30):
        assert all(map(np.array_equal, next(singly), next(together)))
        if step % 7 == 3:
            together = copy.deepcopy(together)


def test_a_batch_stays_while_the_next_one_is_gathered(looks_ahead):
    batches = Batches(make_dataset(40), 10, rng=0)
    for _ in range(3):
        features, targets = next(batches)
        kept = features.copy(), targets.copy()
        answer = batches._ahead[1]
        answer.put(answer.get())  # once it is there
        np.testing.assert_array_equal(features, kept[0])
        np.testing.assert_array_equal(targets, kept[1])


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_a_copy_goes_on_where_the_original_is(looks_ahead, make_copy):
    batches = Batches(make_dataset(37), 5, rng=0)
    drawn(batches, 3)
    other = make_copy(batches)
    for one, two in zip(drawn(batches, 20), drawn(other, 20), strict=True):
        assert all(map(np.array_equal, one, two))


def test_errors_come_out_where_the_batch_is_asked_for(looks_ahead):
    batches = Batches(make_dataset(37), 5, rng=0)
    batches._order = None
    batches.position = 1
    batches._ahead = (batches_module.os.getpid(), batches_module._new_queue())
    batches_module._requests(batches_module.os.getpid()).put((batches._gather, 1, batches._ahead[1]))
    with pytest.raises(TypeError):
        next(batches)


def test_a_ctrl_c_before_the_next_batch_is_asked_for_leaves_nothing_to_wait_for(looks_ahead, monkeypatch):
    def interrupted(process):
        raise KeyboardInterrupt

    batches = Batches(make_dataset(37), 5, rng=0)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(batches_module, "_requests", interrupted)
        next(batches)
    assert batches._ahead is None  # else the next call waits for what nobody gathers
    next(batches)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_goes_on_too(looks_ahead):
    batches = Batches(make_dataset(37), 5, rng=0)
    drawn(batches, 3)
    expected = drawn(copy.deepcopy(batches), 10)
    child = os.fork()
    if child == 0:
        same = all(map(np.array_equal, chain(*drawn(batches, 10)), chain(*expected)))
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
