import copy
import os
import pickle
from itertools import chain, count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.data import Batches, Dataset, prefetch
from minidl.data import batches as batches_module
from minidl.errors import ConfigurationError, StateError
from tests.deep import deep
from tests.interrupting import interrupted

SAMPLING = st.sampled_from(["shuffle", "replacement"])


def make_dataset(count, **options):
    return Dataset(np.arange(2 * count).reshape(count, 2), np.arange(count), **options)


def drawn(batches, count):
    return [tuple(array if array is None else array.copy() for array in next(batches)) for _ in range(count)]


def are_equal(ones, others):
    """Whether two lists of batches are the same."""
    pairs = zip(chain(*ones), chain(*others), strict=True)
    return all(one is other is None or np.array_equal(one, other) for one, other in pairs)


MODES = ["single", "grouped", "ahead"]


def set_mode(mode, patch):
    """Batches of any size are gathered one by one, three at a time, or one by one on the other thread."""
    patch.setattr(batches_module, "_GROUP_BYTES", 3 * 80 if mode == "grouped" else 0)
    patch.setattr(batches_module, "_LEAST_PREFETCH_BYTES", 0)
    patch.setattr(batches_module, "has_idle_core", lambda: mode == "ahead")


@pytest.fixture(params=MODES)
def mode(request, monkeypatch):
    set_mode(request.param, monkeypatch)
    return request.param


@pytest.fixture
def looks_ahead(monkeypatch):
    set_mode("ahead", monkeypatch)


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 2**32))
def test_an_epoch_visits_every_sample_once(samples, batch_size, seed):
    batches = Batches(make_dataset(samples), batch_size, rng=seed)
    for _ in range(3):
        seen = []
        for step in range(batches.steps_per_epoch):
            features, targets, weights = next(batches)
            assert weights is None
            assert len(targets) == min(batch_size, samples - step * batch_size)
            np.testing.assert_array_equal(features, np.stack([2 * targets, 2 * targets + 1], axis=1))
            seen += targets.tolist()
        assert batches.position == 0
        assert sorted(seen) == list(range(samples))


def test_every_epoch_has_another_order_and_other_batches():
    batches = Batches(make_dataset(40), 10, rng=0)
    epochs = [[frozenset(next(batches)[1].tolist()) for _ in range(4)] for _ in range(3)]
    assert len({batch for epoch in epochs for batch in epoch}) == 12


@given(st.integers(1, 30), st.integers(1, 40))
def test_replacement_draws_full_batches(samples, batch_size):
    batches = Batches(make_dataset(samples), batch_size, rng=0, sampling="replacement")
    assert batches.steps_per_epoch == max(samples // batch_size, 1)
    for _ in range(3):
        features, targets, _ = next(batches)
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
    taken, targets, _ = next(Batches(Dataset(mapped, np.arange(10)), 4, rng=0))
    assert taken.dtype == np.uint8
    np.testing.assert_array_equal(taken, features[targets])


@pytest.mark.parametrize(
    ("options"), [{"batch_size": 0}, {"batch_size": 2.5}, {"batch_size": 5, "sampling": "all"}]
)
def test_options_are_checked(options):
    with pytest.raises(ConfigurationError, match="Batches: expected"):
        Batches(make_dataset(5), **options)


@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 500), SAMPLING)
def test_how_batches_are_gathered_changes_nothing(samples, batch_size, group_bytes, sampling):
    with pytest.MonkeyPatch.context() as patch:
        streams = []
        for mode in MODES:
            set_mode(mode, patch)
            if mode == "grouped":
                patch.setattr(batches_module, "_GROUP_BYTES", group_bytes)
            streams.append(Batches(make_dataset(samples), batch_size, rng=0, sampling=sampling))
    single, grouped, ahead = streams
    assert ahead._prefetch is not None
    assert single._prefetch is grouped._prefetch is None
    for step in range(30):
        one = drawn(single, 1)
        assert are_equal(one, drawn(grouped, 1))
        assert are_equal(one, drawn(ahead, 1))
        if step % 7 == 3:
            grouped, ahead = copy.deepcopy((grouped, ahead))


def test_orders_are_those_of_the_generator(mode):
    """The same draws of the same generator as ever, so that a seed gives the same training."""
    rng = np.random.default_rng(3)
    batches = Batches(make_dataset(37), 5, rng=3)
    for _ in range(3):
        order = np.concatenate([targets for _, targets, _ in drawn(batches, batches.steps_per_epoch)])
        assert np.array_equal(order, rng.permutation(37))
    rng = np.random.default_rng(3)
    batches = Batches(make_dataset(37), 5, rng=3, sampling="replacement")
    for _ in range(3):
        order = np.concatenate([targets for _, targets, _ in drawn(batches, 7)])
        assert np.array_equal(order, rng.integers(37, size=35))


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_targets_of_any_shape_and_weights_come_with_their_samples(mode, shape, dtype):
    rng = np.random.default_rng(0)
    targets, weights = rng.standard_normal((23, *shape)).astype(dtype), rng.random(23)
    batches = Batches(Dataset(np.arange(23)[:, None], targets, weights=weights), 5, rng=0)
    for features, its_targets, its_weights in drawn(batches, 12):
        rows = features[:, 0]
        np.testing.assert_array_equal(its_targets, targets[rows], strict=True)
        np.testing.assert_array_equal(its_weights, weights[rows], strict=True)


def test_a_batch_stays_while_the_next_one_is_gathered(looks_ahead):
    batches = Batches(make_dataset(40, weights=np.arange(40)), 10, rng=0)
    for _ in range(8):
        batch = next(batches)
        kept = [array.copy() for array in batch]
        if batches.position:
            answer = batches._prefetch._asked[-1]
            answer.put(answer.get())  # once it is there
        assert are_equal([batch], [kept])


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_a_copy_goes_on_where_the_original_is(mode, make_copy):
    batches = Batches(make_dataset(37), 5, rng=0)
    for steps in (3, 5, 1):  # within an epoch, at its end, at the beginning of the next
        drawn(batches, steps)
        other = make_copy(batches)
        assert are_equal(drawn(copy.deepcopy(batches), 20), drawn(other, 20))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_goes_on_too(looks_ahead):
    batches = Batches(make_dataset(37), 5, rng=0)
    drawn(batches, 3)
    expected = drawn(copy.deepcopy(batches), 10)
    child = os.fork()
    if child == 0:
        same = False
        try:
            same = are_equal(drawn(batches, 10), expected)
        finally:
            os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# ---------------------------------------------------------------- going back, and going on elsewhere


@given(
    st.integers(1, 30),
    st.integers(1, 9),
    SAMPLING,
    st.sampled_from(MODES),
    st.lists(st.booleans(), max_size=40),
)
def test_a_redone_batch_comes_again_and_the_others_as_before(samples, batch_size, sampling, mode, redoes):
    with pytest.MonkeyPatch.context() as patch:
        set_mode(mode, patch)
        batches = Batches(make_dataset(samples), batch_size, rng=0, sampling=sampling)
        plain = Batches(make_dataset(samples), batch_size, rng=0, sampling=sampling)
    for redo in redoes:
        position = batches.position
        batch = drawn(batches, 1)
        if redo:
            batches.redo()
            assert batches.position == position
            assert are_equal(batch, drawn(batches, 1))
        assert are_equal(batch, drawn(plain, 1))


def test_redo_goes_back_to_the_beginning_of_the_epoch_and_no_further(mode):
    batches = Batches(make_dataset(37), 5, rng=0)
    with pytest.raises(StateError, match="Batches: expected a batch to lend once more"):
        batches.redo()
    drawn(batches, batches.steps_per_epoch)
    assert batches.position == 0
    epoch = drawn(batches, batches.steps_per_epoch)
    for back in range(1, batches.steps_per_epoch + 1):
        for _ in range(back):
            batches.redo()
        assert are_equal(drawn(batches, back), epoch[-back:])
    for _ in range(batches.steps_per_epoch):
        batches.redo()
    with pytest.raises(StateError, match="none of this epoch"):
        batches.redo()
    assert are_equal(drawn(batches, 1), epoch[:1])


@given(st.integers(1, 30), st.integers(1, 9), SAMPLING, st.sampled_from(MODES), st.integers(0, 20), st.data())
def test_a_state_goes_on_elsewhere_to_the_bit(samples, batch_size, sampling, mode, steps, data):
    kind = data.draw(st.sampled_from([np.random.PCG64, np.random.MT19937, np.random.SFC64, np.random.Philox]))
    with pytest.MonkeyPatch.context() as patch:
        set_mode(mode, patch)
        batches, fresh = (
            Batches(make_dataset(samples), batch_size, rng=np.random.Generator(kind(seed)), sampling=sampling)
            for seed in (0, 1)
        )
    drawn(batches, steps)
    state = batches.state_dict()
    drawn(fresh, data.draw(st.integers(0, 5)))
    kept = copy.deepcopy(state)
    fresh.load_state_dict(state)
    assert (
        (fresh.position, fresh.drawn)
        == (batches.position, batches.drawn)
        == (steps % fresh.steps_per_epoch, steps)
    )
    if steps:
        batches.redo(), fresh.redo()
    expected = drawn(batches, 20)
    assert are_equal(drawn(fresh, 20), expected)
    fresh.load_state_dict(state)  # it holds copies, which none of the draws has changed
    assert repr(state) == repr(kept)
    if steps:
        fresh.redo()
    assert are_equal(drawn(fresh, 20), expected)


def test_what_was_gathered_before_a_state_was_loaded_is_forgotten(mode):
    batches, other = (Batches(make_dataset(37), 5, rng=seed) for seed in (0, 1))
    for steps in (1, 2, 4):
        drawn(batches, steps)
        drawn(other, steps)
        other.load_state_dict(batches.state_dict())
        assert are_equal(drawn(copy.deepcopy(batches), 9), drawn(other, 9))
        other = Batches(make_dataset(37), 5, rng=1)
        drawn(other, batches.drawn)


def test_a_state_is_arrays_and_plain_values():
    batches = Batches(make_dataset(12), 5, rng=0)
    drawn(batches, 2)

    def leaves(value):
        return chain(*map(leaves, value.values())) if isinstance(value, dict) else [value]

    assert {type(leaf) for leaf in leaves(batches.state_dict())} == {int, str, np.ndarray}


def with_state(**changes):
    batches = Batches(make_dataset(12), 5, rng=0)
    drawn(batches, 2)
    return batches.state_dict() | changes


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (None, "a state with batch_size, sampling, epoch, order, step, generator, got None"),
        ({}, r"got \[\]"),
        (with_state(more=1), "'more'"),
        (with_state(batch_size=4), "batch_size 5, got 4"),
        (with_state(sampling="replacement"), "sampling 'shuffle', got 'replacement'"),
        (with_state(step=4), "step to be a whole number from 0 to 3, got 4"),
        (with_state(epoch=-1), "epoch to be a whole number from 0 to 2147483648, got -1"),
        (with_state(epoch=0, step=3), "an empty order before the first epoch"),
        (with_state(epoch=0, order=[]), "step to be a whole number from 3 to 3, got 2"),
        (with_state(step=-1), "from 0 to 3, got -1"),
        (with_state(step=True), "got True"),
        (with_state(step=1.0), "got 1.0"),
        (with_state(order=np.empty(0, int)), "an order of 12"),
        (with_state(order=np.arange(11)), "an order of 12 indices below 12, each once"),
        (with_state(order=np.arange(12)[::-1] - 1), "an order of 12"),
        (with_state(order=np.arange(1, 13)), "an order of 12"),
        (with_state(order=np.zeros(12, int)), "each once"),
        (with_state(order=np.arange(12.0)), "an order of 12"),
        (with_state(order=np.arange(12)[:, None]), "an order of 12"),
        (with_state(order="order"), "an order of 12"),
        (with_state(generator=None), "generator to be the state of a PCG64, got None"),
        (with_state(generator=np.random.MT19937(0).state), "the state of a PCG64"),
        (with_state(generator={"bit_generator": "PCG64", "state": {"state": 1}}), "the state of a PCG64"),
    ],
)
def test_a_wrong_state_is_refused_and_changes_nothing(state, words):
    batches = Batches(make_dataset(12), 5, rng=0)
    expected = drawn(copy.deepcopy(batches), 8)
    with pytest.raises(StateError, match=f"Batches: expected .*{words}"):
        batches.load_state_dict(state)
    assert are_equal(drawn(batches, 8), expected)


# ---------------------------------------------------------------- interrupts


@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
@pytest.mark.parametrize("steps", [0, 3, *(pytest.param(steps, marks=deep) for steps in (1, 2, 4, 5))])
def test_an_interrupt_at_any_instruction_loses_no_batch(mode, sampling, steps):
    start = Batches(make_dataset(23, weights=np.arange(23)), 5, rng=0, sampling=sampling)
    drawn(start, max(steps - 1, 0))
    expected = drawn(copy.deepcopy(start), 9)
    for number in count(1):
        batches = copy.deepcopy(start)
        if steps:
            drawn(batches, 1)  # so that the next one is under way
        before = batches.drawn
        if interrupted(batches.__next__, [number]) < number:
            break
        fresh = Batches(batches.dataset, 5, rng=1, sampling=sampling)
        fresh.load_state_dict(batches.state_dict())
        for stream in (batches, fresh):
            assert stream.drawn - before in (0, 1)
            if stream.drawn != before:
                stream.redo()
            assert are_equal(drawn(stream, 8), expected[min(steps, 1) :][:8]), number
    assert number > 20
    assert batches.drawn == before + 1


def test_an_interrupt_while_the_thread_is_started_loses_no_batch(looks_ahead, monkeypatch):
    start = Batches(make_dataset(23), 5, rng=0)
    expected = drawn(copy.deepcopy(start), 8)
    for number in count(1):
        monkeypatch.setattr(prefetch, "_server", None)
        one = prefetch.Prefetch()
        if interrupted(lambda: one.ask(1, max, 2, 3), [number]) < number:  # noqa: B023
            break
        assert one.take(1) in (None, 3)
        batches = copy.deepcopy(start)
        assert are_equal(drawn(batches, 8), expected)
    assert number > 10


def test_what_the_thread_raised_comes_out_where_the_batch_is_asked_for(looks_ahead, monkeypatch):
    batches = Batches(make_dataset(37), 5, rng=0)
    expected = drawn(copy.deepcopy(batches), 3)
    with monkeypatch.context() as patch:
        patch.setattr(batches, "_gather_ahead", lambda *arguments: 1 / 0)
        drawn(batches, 1)
    with pytest.raises(ZeroDivisionError):
        next(batches)
    assert are_equal(drawn(batches, 2), expected[1:])
