"""Where batches are gathered ahead."""

import gc
import os
import signal
import threading
import weakref
from queue import SimpleQueue

import numpy as np
import pytest

from minidl import cores
from minidl.data import Batches, Dataset, prefetch
from minidl.data import batches as batches_module
from minidl.data.prefetch import Prefetch, share_cores


@pytest.mark.parametrize(
    ("processes", "threads", "looks"), [(1, 3, True), (1, 4, False), (2, 1, True), (4, 1, False)]
)
def test_it_looks_ahead_where_a_core_is_idle(processes, threads, looks, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(4), raising=False)
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"num_threads": threads}])
    monkeypatch.setattr(batches_module, "_LEAST_PREFETCH_BYTES", 0)
    monkeypatch.setattr(batches_module, "_GROUP_BYTES", 0)
    monkeypatch.setattr(prefetch, "_processes", 1)
    share_cores(processes)
    data = Dataset(np.zeros((5, 2)), np.zeros(5))
    assert (Batches(data, 2)._prefetch is not None) == looks
    monkeypatch.setattr(cores, "cpu_quota", lambda: 1.0)  # of a container: then no core is idle
    assert Batches(data, 2)._prefetch is None


def test_a_result_is_taken_once_and_by_its_key():
    one = Prefetch()
    assert one.take("a") is None
    one.ask("a", pow, 2, 10)
    assert one.has("a")
    assert not one.has("b")
    assert one.take("b") is None
    assert one.take("a") == 1024
    assert one.take("a") is None
    one.ask("a", pow, 2, 10)
    one.ask("b", pow, 3, 2)
    assert one.take("a") is None  # the last one asked for is the one there is
    assert one.take("b") == 9


def test_what_the_work_raises_is_raised_where_it_is_taken_and_the_thread_lives_on():
    one, other = Prefetch(), Prefetch()
    one.ask(1, pow, 0, -1)
    other.ask(1, pow, 2, 3)
    with pytest.raises(ZeroDivisionError):
        one.take(1)
    assert one.take(1) is None
    assert other.take(1) == 8


def test_all_work_that_is_done_ahead_is_done_by_one_other_thread():
    threads = set()
    for _ in range(3):
        one, begun = Prefetch(), threading.Event()
        one.ask(1, lambda begun: (begun.set(), threading.get_ident())[1], begun)
        begun.wait()
        threads.add(one.take(1))
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


def test_who_takes_what_the_thread_has_not_begun_does_it_at_once():
    begun, gate = threading.Event(), threading.Event()
    busy, one, other = Prefetch(), Prefetch(), Prefetch()
    busy.ask(1, lambda: (begun.set(), gate.wait(30))[1])
    begun.wait()
    one.ask(1, threading.get_ident)
    other.ask(1, pow, 0, -1)
    assert one.take(1) == threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        other.take(1)
    assert one.take(1) is None
    gate.set()
    assert busy.take(1) is True
    one.ask(1, pow, 2, 10)
    assert one.take(1) == 1024  # the thread has gone on


def test_the_thread_keeps_nothing_of_what_it_did():
    class Work(list):  # a list that can be referred to weakly
        pass

    class Requests:
        """Gives work once; whether it is still alive when more is asked for."""

        def __init__(self):
            self.work, self.alive = Work(), None
            self.seen = weakref.ref(self.work)

        def get(self):
            if self.work is None:
                gc.collect()
                self.alive = self.seen() is not None
                raise SystemExit
            work, self.work = self.work, None
            return [(work.copy, ())], SimpleQueue()

    requests = Requests()
    with pytest.raises(SystemExit):
        prefetch._serve(requests)
    assert requests.alive is False


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_waits_for_nothing_that_its_parent_asked_for():
    gate, one = threading.Event(), Prefetch()
    one.ask("a", gate.wait)
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # ends a child that waits for ever
        right = False
        try:
            assert one.take("a") is None
            one.ask("a", pow, 2, 3)  # a thread of its own
            right = one.take("a") == 8
        finally:
            os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    gate.set()
    assert one.take("a") is True
