"""How many examples a test draws each of which goes through a whole contract: some thirty clauses."""

from hypothesis import HealthCheck, settings

whole_contract = settings(
    max_examples=max(10, settings().max_examples // 5), deadline=None, suppress_health_check=list(HealthCheck)
)
