"""Batches that are transformed: the same ones however they are gathered, broken off, redone or restored."""

import copy
import pickle
from itertools import count

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from minidl.data import Batches, Dataset
from minidl.errors import ConfigurationError, DataError, ShapeError, StateError
from minidl.transforms import GaussianNoise, MixUp, RandomCrop, RandomErase, RandomFlip, Transform
from tests.data.test_batches import SAMPLING, are_equal, drawn, set_mode
from tests.interrupting import interrupted

EVERY = RandomCrop(1) | RandomFlip() | RandomErase(0.5, (0.1, 0.6)) | GaussianNoise(9.5) | MixUp(0.5)
MODES = ["single", "ahead"]


def make_dataset(samples=23, **options):
    images = np.random.default_rng(5).integers(0, 256, (samples, 3, 4), dtype=np.uint8)
    return Dataset(images, np.arange(samples) / samples, **options)


@pytest.fixture(params=MODES)
def mode(request, monkeypatch):
    set_mode(request.param, monkeypatch)


@given(st.integers(1, 30), st.integers(1, 9), SAMPLING, st.lists(st.booleans(), max_size=25))
def test_batches_are_those_without_a_transform_transformed(samples, batch_size, sampling, redoes):
    """With the numbers that follow from the batch's own, on either thread, and as often as it is redone."""
    data, options = make_dataset(samples, weights=np.arange(1.0, samples + 1)), {"sampling": sampling}
    with pytest.MonkeyPatch.context() as patch:
        streams = []
        for mode in MODES:
            set_mode(mode, patch)
            streams.append(Batches(data, batch_size, rng=3, transform=EVERY, **options))
        plain = Batches(data, batch_size, rng=3, **options)
    assert [stream._ahead for stream in streams] == [False, True]
    kept = data.features.copy(), data.targets.copy()
    for number, redo in enumerate(redoes):
        (features, targets, weights), key = drawn(plain, 1)[0], streams[0].state_dict()["key"]
        bits = np.random.Philox(key=key, counter=[0, 0, 0, number])
        expected = [(*EVERY(features, targets, np.random.Generator(bits)), weights)]
        for stream in streams:
            assert are_equal(drawn(stream, 1), expected)
            if redo:
                stream.redo()
                assert are_equal(drawn(stream, 1), expected)
    assert np.array_equal(data.features, kept[0])
    assert np.array_equal(data.targets, kept[1])


def test_every_batch_and_every_key_has_numbers_of_its_own():
    data = Dataset(np.zeros((5, 400)), np.zeros(5))
    streams = [Batches(data, 5, rng=seed, transform=GaussianNoise(1)) for seed in (0, 1)]
    numbers = [features for stream in streams for features, _, _ in drawn(stream, 4)]
    assert len(np.unique(numbers)) == np.size(numbers)


def test_a_batch_stays_while_the_next_one_is_made(monkeypatch):
    set_mode("ahead", monkeypatch)
    for transform in (EVERY, RandomFlip(0), Nothing()):
        batches = Batches(make_dataset(40), 10, rng=0, transform=transform)
        for _ in range(8):
            batch = next(batches)
            kept = [array if array is None else array.copy() for array in batch]
            if batches.position:
                answer = batches._prefetch._asked[-1]
                answer.put(answer.get())  # once it is there
            assert are_equal([batch], [kept])


class Nothing(Transform):
    def __call__(self, features, targets, rng):
        return features, targets


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_a_copy_goes_on_where_the_original_is(mode, make_copy):
    batches = Batches(make_dataset(), 5, rng=0, transform=EVERY)
    for steps in (3, 5, 1):
        drawn(batches, steps)
        other = make_copy(batches)
        assert are_equal(drawn(copy.deepcopy(batches), 12), drawn(other, 12))


def test_a_state_goes_on_elsewhere_to_the_bit(mode):
    for steps in (0, 2, 5, 8):
        batches, other = (Batches(make_dataset(), 5, rng=seed, transform=EVERY) for seed in (0, 1))
        drawn(batches, steps)
        drawn(other, 3)
        state = batches.state_dict()
        kept = copy.deepcopy(state)
        other.load_state_dict(state)
        assert are_equal(drawn(other, 8), drawn(batches, 8))
        assert repr(state) == repr(kept)


@pytest.mark.parametrize("key", [None, np.zeros(2), np.zeros(3, np.uint64), [1, 2]])
def test_a_wrong_key_is_refused_and_changes_nothing(key):
    batches = Batches(make_dataset(), 5, rng=0, transform=EVERY)
    expected = drawn(copy.deepcopy(batches), 7)
    with pytest.raises(StateError, match="Batches: expected key to be two integers, uint64"):
        batches.load_state_dict(batches.state_dict() | {"key": key})
    plain = Batches(make_dataset(), 5, rng=1)
    with pytest.raises(StateError, match="generator, key, got"):
        batches.load_state_dict(plain.state_dict())
    with pytest.raises(StateError, match="generator, got"):
        plain.load_state_dict(batches.state_dict())
    assert are_equal(drawn(batches, 7), expected)


@pytest.mark.parametrize("steps", [0, 3])
def test_an_interrupt_loses_no_batch(mode, steps):
    start = Batches(make_dataset(), 5, rng=0, transform=GaussianNoise(20))
    drawn(start, max(steps - 1, 0))
    expected = drawn(copy.deepcopy(start), 5)
    for number in count(1, 5):
        batches = copy.deepcopy(start)
        if steps:
            drawn(batches, 1)  # so that the next one may be under way
        before = batches.drawn
        if interrupted(batches.__next__, [number]) < number:
            break
        assert batches.drawn - before in (0, 1)
        if batches.drawn != before:
            batches.redo()
        assert are_equal(drawn(batches, 4), expected[min(steps, 1) :][:4]), number
    assert number > 40


class Labelled(Transform):
    def __init__(self, label):
        self.label = label

    def __call__(self, features, targets, rng):
        return features, np.full_like(targets, self.label)


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_of_no_class_is_refused(mode, label):
    data = Dataset(np.zeros((12, 2)), np.arange(12) % 3)
    assert (next(Batches(data, 5, rng=0, transform=Labelled(2)))[1] == 2).all()
    words = rf"Labelled\(label={label}\): expected labels from 0 to 2 from a transform, got {label}"
    for transform in (Labelled(label), GaussianNoise(1) | Labelled(label)):
        with pytest.raises(DataError, match=words):
            next(Batches(data, 5, rng=0, transform=transform))


class Shorter(Transform):
    """Loses a sample of the third batch."""

    def __call__(self, features, targets, rng):
        if rng.bit_generator.state["state"]["counter"][3] == 2:
            return features[1:], targets[1:]
        return features, targets


def test_a_transform_that_fails_is_named_as_often_as_it_does(mode):
    batches = Batches(make_dataset(), 5, rng=0, transform=Shorter())
    drawn(batches, 2)
    for _ in range(3):
        with pytest.raises(ShapeError, match=r"Shorter: expected features of shape \(5, 3, 4\)"):
            next(batches)
        assert batches.position == 2


def test_what_cannot_be_transformed_is_refused():
    sparse = Dataset(scipy.sparse.csr_array(np.eye(4)), np.zeros(4))
    with pytest.raises(
        ConfigurationError, match="Batches: expected dense features for a transform, got sparse"
    ):
        Batches(sparse, 2, transform=GaussianNoise(1))
    with pytest.raises(ConfigurationError, match="Batches: expected transform to be of class Transform"):
        Batches(make_dataset(), 2, transform=np.flip)
