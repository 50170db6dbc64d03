"""How many examples a test draws each of which goes through a whole contract: some forty clauses."""

from hypothesis import HealthCheck, settings

from minidl.testing import CLAUSES
from tests.deep import DEEP

whole_contract = settings(
    max_examples=settings().max_examples // 2 if DEEP else 3,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
"""What the README's test command leaves to the deeper profiles, to be done in three minutes."""

_NOT_OF_NUMBERS = {
    *("inference_threads", "allocation", "arguments_kept", "instances_apart", "parts_stay", "config"),
    *("deep_copies", "pickled_copies", "saved_and_loaded", "copies", "every_number"),
}
"""Clauses on what a part keeps and shares, which other numbers change little. They take half of the time."""


def left_out(seed, clauses=CLAUSES):
    """The `clauses` to be skipped with that seed: those that judge no numbers, but for one seed in five."""
    return sorted(_NOT_OF_NUMBERS & set(clauses)) if DEEP and seed % 5 else []
