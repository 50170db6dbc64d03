"""What the README's test command leaves to the deeper profiles, to be done in three minutes."""

import os

import pytest

deep = pytest.mark.skipif(
    os.environ.get("HYPOTHESIS_PROFILE", "dev") == "dev",
    reason="counts or times whole trainings: HYPOTHESIS_PROFILE=ci",
)
