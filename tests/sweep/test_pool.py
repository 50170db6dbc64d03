import pytest

from minidl.sweep import pool

joblib = pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")


@pytest.mark.parametrize(
    ("granted", "jobs", "expected"),
    [(16, -1, 16), (16, -2, 15), (2.5, -1, 3), (2.5, -2, 2), (0.5, -1, 1), (0.5, -3, 1), (1, 4, 4)],
)
def test_no_more_jobs_than_a_container_grants_cores(granted, jobs, expected, monkeypatch):
    """Each is a process of its own, which waits for no other: a part of a core is of use."""
    seen = []

    class EnoughError(Exception):
        pass

    def open_backend(setup, jobs, scheduler):
        seen.append(jobs)
        raise EnoughError

    monkeypatch.setattr(joblib, "effective_n_jobs", lambda jobs: jobs if jobs > 0 else 16 + 1 + jobs)
    monkeypatch.setattr(pool, "granted_cores", lambda: granted)
    monkeypatch.setitem(pool.BACKENDS, "loky", open_backend)
    with pytest.raises(EnoughError), pool.open_pool(None, jobs=jobs, backend="loky", scheduler=None):
        pass
    assert seen == [expected]
