"""Correct layers, nets, losses, optimizers and schedulers drawn at random raise no alarm.

``HYPOTHESIS_PROFILE=nightly`` draws 10,000 of them; the other profiles are content with a sample.
"""

from hypothesis import HealthCheck, given, settings

from tests.mutants.drawn import subjects

EXAMPLES = 10_000 if settings().max_examples >= 2000 else min(2 * settings().max_examples, 100)


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(subjects())
def test_what_is_correct_raises_no_alarm(subject):
    assert not subject.check().failed
