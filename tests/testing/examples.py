"""How many examples a test draws each of which goes through a whole contract: some thirty clauses.

A few by default, for a contract takes a twentieth of a second; in the deeper profiles a fifth of what other
tests draw, 40 in `ci` and 400 in `nightly`: 200 took ten minutes more of two cores.
"""

from hypothesis import HealthCheck, settings

whole_contract = settings(
    max_examples=3 if settings().max_examples < 100 else settings().max_examples // 5,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
