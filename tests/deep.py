"""What the README's test command leaves to the deeper profiles, to be done in three minutes."""

import os

import pytest

DEEP = os.environ.get("HYPOTHESIS_PROFILE", "dev") != "dev"
deep = pytest.mark.skipif(not DEEP, reason="takes long: HYPOTHESIS_PROFILE=ci")


def first_only(*values):
    """Parameters of a test, of which all but the first are left to the deeper profiles."""
    rows = (value if isinstance(value, tuple) else (value,) for value in values[1:])
    return [values[0], *(pytest.param(*row, marks=deep) for row in rows)]
