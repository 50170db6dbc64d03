"""Says at the end of the run how much was compared, and with whom."""

import pytest
from threadpoolctl import threadpool_limits

from tests.external.judging import JUDGES


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """The nets are small, and several libraries' threads would wait for one another."""
    with threadpool_limits(1):
        yield


def pytest_terminal_summary(terminalreporter):
    lines = [judge.summary() for judge in JUDGES if judge.arrays]
    if lines:
        terminalreporter.section("compared with other libraries")
        width = max(len(title) for title, _ in lines)
        for title, counts in lines:
            terminalreporter.write_line(f"{title:{width}} {counts}")
