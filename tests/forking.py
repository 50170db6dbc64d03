"""Forks while another thread is in the middle of something, in a process: ``python -m tests.forking``.

Every interleaving is made certain: a module's import goes on only once it is waited for, and a lock is
given back only once the fork is under way. A child that hangs is killed, and the case has failed.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from importlib import _bootstrap
from importlib.util import find_spec
from pathlib import Path

GUARD_SECONDS = 30
folder = Path(tempfile.mkdtemp())
last_before_fork = first_before_fork = lambda: None
os.register_at_fork(before=lambda: last_before_fork())  # before minidl's own, so after it

import minidl  # noqa: E402
from minidl.callbacks.progress import _bar_class  # noqa: E402
from minidl.lazy import lazy  # noqa: E402

sys.path.insert(0, str(folder))
minidl.__path__.append(str(folder))


def is_waited_for(name):
    lock = _bootstrap._module_locks[name]()
    return bool(lock.waiters)


def write_module(name, until):
    """A module whose import has `entered`, and lasts until `until` is true or another process runs it."""
    program = f"import os, time\nfrom __main__ import {until}\nentered = 'yes'\n"
    program += (
        f"while os.getpid() == {os.getpid()} and not {until}('{{name}}'): time.sleep(0.001)\nvalue = 1\n"
    )
    (folder / f"{name.rpartition('.')[2]}.py").write_text(program.format(name=name))


def wait_until(true):
    while not true():
        time.sleep(0.001)


def begin(name):
    """Import in another thread, as far as the module's own lines."""
    thread = threading.Thread(target=__import__, args=(name,), daemon=True)
    thread.start()
    wait_until(lambda: hasattr(sys.modules.get(name), "entered"))
    return thread


def fork(work):
    """Whether `work` comes to its end in a child."""
    pid = os.fork()
    if not pid:
        signal.alarm(GUARD_SECONDS)
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def use(name):
    get, _, _ = lazy({"__name__": "minidl"}, {name.rpartition(".")[2]: "value"})
    assert get("value") == 1


def a_lazy_import():
    name = "minidl.forked_lazily"
    write_module(name, "is_waited_for")
    thread = begin(name)
    if not fork(lambda: use(name)):
        return False
    thread.join()
    use(name)
    return True


def an_import_within_a_function():
    write_module("this", "is_waited_for")  # a name of the standard library's
    begin("this")
    child = multiprocessing.get_context("fork").Process(target=guarded, args=("this",))
    child.start()
    child.join()
    return child.exitcode == 0


def guarded(name):
    signal.alarm(GUARD_SECONDS)
    __import__(name)


def an_import_that_begins_after_the_wait():
    global last_before_fork
    name = "minidl.forked_late"
    write_module(name, "is_over")
    last_before_fork = lambda: begin(name)  # noqa: E731
    whole = fork(lambda: use(name))
    over.add(name)
    last_before_fork = lambda: None  # noqa: E731
    return whole


def a_users_import_that_waits_for_the_child():
    write_module("users_own", "is_over")
    thread = begin("users_own")
    whole = fork(lambda: use("minidl.forked_lazily"))
    over.add("users_own")
    thread.join()
    return whole


def an_import_that_waits_for_the_forking_threads():
    """The thread cannot go on before the fork, so the child begins the import anew."""
    (folder / "antigravity.py").write_text("import forks_at_import\nvalue = 1\n")
    program = "import threading\nfrom __main__ import *\n"
    program += "threading.Thread(target=__import__, args=('antigravity',), daemon=True).start()\n"
    program += "wait_until(lambda: is_waited_for('forks_at_import'))\n"
    program += "whole = fork(lambda: __import__('antigravity').value)\n"
    (folder / "forks_at_import.py").write_text(program)
    return __import__("forks_at_import").whole


def a_lock_of_the_sweeps():
    global first_before_fork
    from minidl.sweep import process

    os.register_at_fork(before=lambda: first_before_fork())
    held, under_way = threading.Event(), threading.Event()
    first_before_fork = under_way.set

    def hold():
        with process._LOCK:
            held.set()
            under_way.wait()
            time.sleep(0.05)  # time enough for a fork that does not wait

    threading.Thread(target=hold, daemon=True).start()
    held.wait()

    def limit():
        with process.one_thread():
            pass

    whole = fork(limit)
    limit()
    first_before_fork = lambda: None  # noqa: E731
    return whole


def a_lock_of_a_bars():
    bar, done = _bar_class(False), threading.Event()

    def hold():
        with bar.get_lock():
            held.set()
            done.wait()

    held = threading.Event()
    threading.Thread(target=hold, daemon=True).start()
    held.wait()
    whole = fork(lambda: bar.get_lock().acquire())
    done.set()
    return whole


def is_over(name):
    return name in over


over = set()
CASES = [
    a_lazy_import, an_import_within_a_function, an_import_that_begins_after_the_wait,
    a_users_import_that_waits_for_the_child, an_import_that_waits_for_the_forking_threads,
    a_lock_of_the_sweeps, a_lock_of_a_bars,
]  # fmt: skip

if __name__ == "__main__":
    signal.alarm((1 + len(CASES)) * GUARD_SECONDS)
    # The sweep's import takes longer than all others.
    without = "sweep" if "--light" in sys.argv or not find_spec("joblib") else "nothing"
    results = {case: case() for case in CASES if without not in case.__name__}
    for case, whole in results.items():
        print(f"{case.__name__}: {'whole' if whole else 'FAILED'}")
    sys.exit(not all(results.values()))
