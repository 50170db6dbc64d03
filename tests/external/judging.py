"""A judge: a library not written here that minidl's numbers are compared with, and the tally."""

from collections import Counter

import numpy as np
import pytest

JUDGES = []
"""Every judge that is installed, in the order of the test files."""


class Judge:
    """Compares arrays with what a judge says of them, and counts what it has compared."""

    def __init__(self, title, version):
        self.title = f"{title} {version}"
        self.subjects = Counter()
        self.arrays = self.numbers = 0
        JUDGES.append(self)

    def agrees(self, actual, expected, what, *, rtol=1e-10, floor=1e-12):
        """Assert that two arrays are the same within `rtol` of an element and of the largest one.

        Shape and dtype are the same, and nothing is NaN. Where a sum cancels down to nothing, as
        the gradient of a sure prediction does, `floor` is the rounding that remains.
        """
        actual, expected = np.asarray(actual), np.asarray(expected)
        assert np.isfinite(expected).all(), f"{what}: {self.title} gives {expected}"
        atol = rtol * np.max(np.abs(expected), initial=0) + floor
        np.testing.assert_allclose(actual, expected, rtol, atol, err_msg=what, strict=True)
        self.arrays += 1
        self.numbers += expected.size

    def judged(self, subject):
        """Count one more net, layer, run, ... that was found right."""
        self.subjects[subject] += 1

    def summary(self):
        """Its name and what it has compared."""
        subjects = ", ".join(f"{count:,} {subject}" for subject, count in self.subjects.items())
        return f"{self.title}:", f"{subjects}, {self.arrays:,} arrays compared ({self.numbers:,} numbers)"


def summon(module, title):
    """The judge's module and its `Judge`; skips the test file where it is not installed."""
    reason = f"{title} is not installed: pip install 'minidl[judges]'"
    imported = pytest.importorskip(module, reason=reason)
    return imported, Judge(title, imported.__version__)
