"""What a sweep changes of the process for as long as it needs it: the BLAS's threads, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from threadpoolctl import ThreadpoolController

_LOCK = threading.Lock()
if hasattr(os, "register_at_fork"):  # a child has no thread that would give it back
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)
_limits = ExitStack()
_users = 0


@contextmanager
def one_thread() -> Iterator[None]:
    """The BLAS has one thread, for all of the process, until the last of those who asked for that ends.

    Several threads may run trials at a time: given back by the first that ends, its threads would
    be taken up by the others, and their sums would round differently.
    """
    global _users
    controller = ThreadpoolController()
    blas = controller.select(user_api="blas")
    with controller.select(user_api="openmp").limit(limits=1):  # here each thread has its own number
        with _LOCK:
            if any(pool["num_threads"] > 1 for pool in blas.info()):  # a library may have come later
                _limits.enter_context(blas.limit(limits=1))
            _users += 1
        try:
            yield
        finally:
            with _LOCK:
                _users -= 1
                if not _users:
                    _limits.close()


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """A Ctrl-C comes only afterwards, and never to processes that start meanwhile; the sweep ends them.

    Were it ignored instead, as processes that start would ignore it too, one that comes would be lost.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # started meanwhile, it would let the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
