import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.data import Dataset
from minidl.data.classes import match_classes
from minidl.errors import DataError


@given(st.permutations("abcde"), st.lists(st.sampled_from("bcd"), min_size=1, max_size=9))
def test_labels_are_matched_by_name(net_names, words):
    own = sorted(set(words))
    data = Dataset(np.arange(len(words))[:, None], [own.index(word) for word in words], target_names=own)
    matched = match_classes("here", data, net_names)
    assert [net_names[label] for label in matched.targets] == words
    assert matched.target_names == tuple(net_names)
    assert matched.features is data.features


def test_what_needs_no_matching_is_left_alone():
    for names in (None, ("a", "b")):
        data = Dataset([[1], [2]], [1, 0], target_names=names)
        assert match_classes("here", data, ["a", "b"]) is data


def test_a_class_that_is_not_known_is_refused_where_it_has_samples():
    data = Dataset([[1], [2], [3]], [1, 1, 2], target_names=("none of it", "x", "b"))
    with pytest.raises(DataError) as caught:
        match_classes("here", data, ("a", "b"))
    assert str(caught.value).startswith("here: expected no class but the net's: a, b, got 'x' (2 samples); ")
    assert match_classes("here", data, ("b", "x")).targets.tolist() == [1, 1, 0]
    many = [f"class {number:03}" for number in range(500)]
    with pytest.raises(DataError) as caught:
        match_classes("here", data, many)
    assert "class 029 and 470 more, got 'x' (2 samples), 'b' (1 samples);" in str(caught.value)
    assert len(str(caught.value)) < 700
