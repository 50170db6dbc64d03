"""How many examples a test draws each of which goes through a whole contract: some thirty clauses.

A few by default, for a contract takes a twentieth of a second; in the deeper profiles as many as other tests,
but a fifth where the part, too, is drawn at random: each part has a test of its own beside.
"""

from hypothesis import HealthCheck, settings


def _examples(deep):
    few = settings().max_examples < 100
    return settings(max_examples=3 if few else deep, deadline=None, suppress_health_check=list(HealthCheck))


whole_contract = _examples(settings().max_examples)
whole_contract_at_random = _examples(settings().max_examples // 5)
