"""Clauses of a transform. Each takes a `TransformCase` and raises, or returns what it saw."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from minidl.testing.demands import require
from minidl.testing.replay import same_bits
from minidl.testing.reports import ClauseError
from minidl.testing.state import changes, snapshot
from minidl.testing.transform_cases import TransformCase
from minidl.transforms import Transform
from minidl.transforms.transform import apply
from minidl.types import Array


def arguments_kept(case: TransformCase) -> None:
    """What it is given is only read: it may be the data set itself."""
    given = case.samples()
    features, targets = (array.view() for array in given)
    features.flags.writeable = targets.flags.writeable = False
    try:
        case.transform()(features, targets, case.rng())
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise ClauseError(f"it writes to the batch, which it was lent to read: {error}") from error
    require(_same(given, case.samples()), "it writes to the batch, which it was lent to read")


def shapes_and_dtypes(case: TransformCase) -> str:
    """It gives features and targets of the shapes and dtypes that came, for bytes and floats alike."""
    for kind in (np.float32, np.uint8):
        for batch in (1, case.batch):
            features, targets = replace(case, batch=batch).samples(kind)
            apply(case.transform(), features, targets, case.rng())
    return f"{features.shape[1:]}"


def draws_from_rng(case: TransformCase) -> None:
    """The same batch with a generator of the same seed gives the same, to the bit."""
    one, other = (apply(case.transform(), *case.samples(), case.rng()) for _ in range(2))
    require(_same(one, other), "two generators of one seed give different batches: draw from rng alone")


def keeps_no_state(case: TransformCase) -> None:
    """A call changes nothing of the transform, nor of a batch that it gave before."""
    transform = case.transform()
    before = snapshot(transform)
    first = apply(transform, *case.samples(), case.rng())
    kept = [array.copy() for array in first]
    apply(transform, *case.samples(draw=1), case.rng())
    changed = changes(before, snapshot(transform))
    require(
        not changed, f"a call changes its {', '.join(changed[:4])}: keep nothing, and draw from rng alone"
    )
    require(_same(first, kept), "a later call changes the batch that it gave before")


def copies(case: TransformCase) -> None:
    """Two made alike, deep copies and pickled ones are equal, and give the same."""
    transform = case.transform()
    try:
        pickled = pickle.loads(pickle.dumps(transform))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ClauseError(f"it cannot be pickled: {error}") from error
    expected = apply(transform, *case.samples(), case.rng())
    twins: dict[str, Transform] = {"another made alike": case.transform()}
    twins |= {"a deep copy": copy.deepcopy(transform), "a pickled copy": pickled}
    for name, twin in twins.items():
        require(twin == transform, f"{name} is not equal to it, so that a fit would not go on with it")
        given = apply(twin, *case.samples(), case.rng())
        require(_same(given, expected), f"{name} gives another batch")


def _same(one: Sequence[Array], other: Sequence[Array]) -> bool:
    return all(same_bits(a, b) for a, b in zip(one, other, strict=True))
