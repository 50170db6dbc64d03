"""Threads that share loops, in a process of its own: ``python -m tests.kernels.sharing CASE``."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from threadpoolctl import ThreadpoolController

from minidl.kernels import way
from minidl.kernels.blas import threads_address

GUARD_SECONDS = 60
OPENBLAS = [one for one in ThreadpoolController().lib_controllers if one.internal_api == "openblas"]

if way._module is not None:
    way._module.connect(threads_address(), 0)  # as many as are told, whatever quota there is


def get():
    """How many threads share a loop: as many as NumPy's BLAS is told to use."""
    return ctypes.CFUNCTYPE(ctypes.c_int)(threads_address())()


def tell(number):
    for library in OPENBLAS:
        library.set_num_threads(number)


@contextmanager
def threads(number):
    """The kernels share their loops among so many."""
    before = get()
    tell(number)
    try:
        yield
    finally:
        tell(before)


def kernel(name):
    """The compiled one, which hands nothing over; its text is lost, so only for a process of its own."""

    def handed_over(*_):
        raise AssertionError(name)

    return way._module.bind(name, handed_over, __name__, "")


if __name__ != "tests.kernels.sharing":  # but the program itself, or a process that it has spawned
    sgd_update, weight_gradient = kernel("sgd_update"), kernel("weight_gradient")
    tell(3)


def compute(seed=0):
    """Shared loops and products of each kind, and what came of them."""
    rng = np.random.default_rng(seed)
    values, gradients = rng.standard_normal((2, 100_000))
    sgd_update(values, gradients, 0.1)
    x, dy = rng.standard_normal((100, 200)), rng.standard_normal((100, 150))
    out = np.zeros((200, 150))
    if way.level() != "base":  # which leaves products to the BLAS
        weight_gradient(x, dy, out)
    return values.tobytes() + out.tobytes()


def fork(work):
    """Whether `work` comes to its end, with something true, in a child."""
    pid = os.fork()
    if not pid:
        signal.alarm(GUARD_SECONDS)
        try:
            os._exit(not work())
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def run_beside(work, count=1):
    """Threads that compute again and again until the process ends."""
    for _ in range(count):
        threading.Thread(target=lambda: [work() for _ in iter(int, 1)], daemon=True).start()


def forks_of_an_idle_pool():
    expected = compute()
    child = lambda: compute() == expected and fork(lambda: compute() == expected)  # noqa: E731
    assert fork(child)
    assert compute() == expected
    process = multiprocessing.get_context("fork").Process(target=compute)
    process.start()
    process.join()
    assert process.exitcode == 0


def forks_while_another_thread_is_in_a_loop():
    expected = compute()
    values = np.zeros(3_000_000)
    run_beside(lambda: sgd_update(values, values, 0.1), 2)
    for _ in range(15):
        assert fork(lambda: compute() == expected)
    assert compute() == expected


def processes_that_begin_anew():
    compute()
    for method in ("spawn", "forkserver"):
        process = multiprocessing.get_context(method).Process(target=compute)
        process.start()
        process.join()
        assert process.exitcode == 0


def several_threads_at_once():
    expected = [compute(seed) for seed in range(4)]
    wrong = []

    def check(seed):
        wrong.extend(seed for _ in range(20) if compute(seed) != expected[seed])

    workers = [threading.Thread(target=check, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def a_number_of_threads_told_while_others_compute():
    """It is never seen otherwise, and stays."""
    tell(2)
    workers = [threading.Thread(target=lambda: [compute() for _ in range(20)]) for _ in range(3)]
    for worker in workers:
        worker.start()
    number = 2
    while any(worker.is_alive() for worker in workers):
        assert get() == number
        number = number % 3 + 1
        tell(number)
        time.sleep(0.001)
    assert get() == number


def an_exit_while_threads_compute():
    run_beside(compute, 3)
    time.sleep(0.05)


def an_interrupt():
    def interrupt():
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    values = np.zeros(3_000_000)
    threading.Thread(target=interrupt, daemon=True).start()
    try:
        while True:
            sgd_update(values, values, 0.1)
    except KeyboardInterrupt:
        compute()


def no_worker_takes_a_signal():
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return
    before = {task.name for task in tasks.iterdir()}
    compute()
    new = [task for task in tasks.iterdir() if task.name not in before]
    assert len(new) == get() - 1
    for task in new:

        def blocks(number, status=task / "status"):
            (line,) = [one for one in status.read_text().splitlines() if one.startswith("SigBlk")]
            return int(line.split()[1], 16) >> (number - 1) & 1

        assert blocks(signal.SIGINT)
        assert blocks(signal.SIGALRM)
        while blocks(signal.SIGSEGV):  # as a thread does that has not begun
            time.sleep(0.001)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])  # the caller's own are as before


def no_more_threads_than_are_allowed():
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return
    tell(4)  # which may start threads of the BLAS
    expected = compute()
    for most in (1, 2, 3):
        way._module.connect(threads_address(), most)

        def has_so_many(most=most):
            before = len(list(tasks.iterdir()))
            return compute() == expected and len(list(tasks.iterdir())) == before + most - 1

        assert fork(has_so_many)  # which begins with no workers


def workers_leave_a_core_to_the_caller():
    if sys.platform != "linux" or len(allowed := os.sched_getaffinity(0)) < 2:
        return

    tasks = Path("/proc/self/task")

    def cores_of_workers(number):
        tell(number)  # which may start threads of the BLAS
        before = set(tasks.iterdir())
        compute()
        return [os.sched_getaffinity(int(task.name)) for task in set(tasks.iterdir()) - before]

    def check():
        (cores,) = cores_of_workers(2)
        assert cores < allowed
        assert len(cores) == len(allowed) - 1
        return True

    assert fork(check)  # whose workers are others
    assert check()
    if len(allowed) < 8:  # too few for so many, which may be everywhere
        assert set(map(frozenset, cores_of_workers(len(allowed) + 1))) == {frozenset(allowed)}


def a_system_that_gives_no_threads():
    if sys.platform != "linux":
        return
    import resource

    with threads(1):
        compute()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (7 << 20), before[1]))  # less than a thread's stack
    try:
        first = compute()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    tasks = len(list(Path("/proc/self/task").iterdir()))
    assert compute() == first
    assert len(list(Path("/proc/self/task").iterdir())) == tasks


CASES = [
    forks_of_an_idle_pool, forks_while_another_thread_is_in_a_loop, processes_that_begin_anew,
    several_threads_at_once, no_more_threads_than_are_allowed,
    a_number_of_threads_told_while_others_compute, an_exit_while_threads_compute, an_interrupt,
    no_worker_takes_a_signal, workers_leave_a_core_to_the_caller, a_system_that_gives_no_threads,
]  # fmt: skip

if __name__ == "__main__":
    if hasattr(signal, "alarm"):
        signal.alarm(GUARD_SECONDS)
    (case,) = [case for case in CASES if case.__name__ == sys.argv[1]]
    case()
