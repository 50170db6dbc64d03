"""The line that sums up a run: how many mutants were caught, and by which clauses."""

from collections import Counter

import pytest

_SCORES = pytest.StashKey[dict]()


def pytest_configure(config):
    config.stash.setdefault(_SCORES, {})


@pytest.fixture
def scoreboard(request):
    """The clauses that caught a mutant, by its name."""
    return request.config.stash.setdefault(_SCORES, {})


def pytest_terminal_summary(terminalreporter):
    from tests.mutants.survivors import SURVIVORS

    scores = terminalreporter.config.stash.get(_SCORES, {})
    if not scores:
        return
    caught = sum(bool(clauses) for clauses in scores.values())
    listed = sum(name in SURVIVORS for name in scores)
    used = Counter(clause for clauses in scores.values() for clause in clauses)
    clauses = ", ".join(f"{clause} {count}" for clause, count in used.most_common())
    terminalreporter.write_line(
        f"mutants: {caught} of {len(scores)} caught, {listed} survivor{'s' * (listed != 1)} listed; "
        f"clauses used: {clauses}"
    )
