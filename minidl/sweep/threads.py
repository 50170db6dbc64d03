"""One thread for what the BLAS computes in a trial, and afterwards as many as there were."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from threadpoolctl import ThreadpoolController

_LOCK = threading.Lock()
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
