"""Writers that are killed, or that write at the same time."""

import os
import random
import signal
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

GUARD_SECONDS = 60


def names(folder):
    """Of the files in it, but for the generation before the newest."""
    return [path.name for path in Path(folder).iterdir() if ".previous" not in path.suffixes]


def kills(kind, count, seed=0):
    """Kill a process that saves, `count` times: the file is the old or the new one, and no other stays.

    Returns how many kills left a temporary file behind, before the next save removed it.
    """
    rng, left = random.Random(seed), 0
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"file{kind.suffix}"
        seconds = _seconds(kind, path)
        for number in range(count):
            if not kind.whole:
                path.unlink()  # or it would only grow
                kind.write(path, 0)
            with _child(_save_for_ever, kind, path, number) as pid:
                time.sleep(rng.uniform(0, 3 * seconds))
                os.kill(pid, signal.SIGKILL)
            assert kind.accepts(kind.load(path)), f"kill {number} left another content"
            left += len(names(folder)) > 1
            kind.write(path, 0)
            assert names(folder) == [path.name], f"kill {number} left files: {names(folder)}"
            assert kind.accepts(kind.load(path)), f"the save after kill {number}"
    return left


def two_writers(kind, count, seed=0):
    """Two processes and two threads save over one file, `count` times each: it is always one of theirs."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"file{kind.suffix}"
        kind.write(path, 0)
        failed = []

        def save(which):
            try:
                for _ in range(count):
                    kind.write(path, which)
            except BaseException as error:  # told of in the thread that waits
                failed.append(error)

        def save_and_end(which):
            save(which)
            os._exit(bool(failed))

        with _child(save_and_end, 0) as one, _child(save_and_end, 1) as other:
            threads = [threading.Thread(target=save, args=(which,)) for which in (0, 1)]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                assert kind.accepts(kind.load(path))
            assert not failed, failed
            ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in (one, other)]
        assert ends == [0, 0]
        assert kind.accepts(kind.load(path))
        assert names(folder) == [path.name]


def _save_for_ever(kind, path, number):
    while True:
        number += 1
        kind.write(path, number % 2)


def _seconds(kind, path):
    kind.write(path, 0)  # the first one imports
    start = time.perf_counter()
    for which in (0, 1, 0):
        kind.write(path, which)
    return (time.perf_counter() - start) / 3


@contextmanager
def _child(work, *arguments):
    """A forked process, which is gone afterwards; a fork, since a new interpreter costs a hundred saves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12 on, where there are threads
        pid = os.fork()
    if not pid:
        signal.alarm(GUARD_SECONDS)
        try:
            work(*arguments)
        finally:
            os._exit(1)
    try:
        yield pid
    finally:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass  # it was waited for
