"""Work done ahead of time by a thread, of which a process has one, where a core is idle.

NumPy copies without the interpreter's lock, so a batch can be gathered while the one before it is
trained on. Who waits for a result that the thread has not begun does the work at once: where all cores
are busy, the thread may not have a turn for long.
"""

from __future__ import annotations

import _thread
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from minidl.cores import usable_cores

if TYPE_CHECKING:
    from queue import SimpleQueue

T = TypeVar("T")

_Task = list[tuple[Callable[..., Any], tuple[object, ...]]]
"""What is to be done, a function with its arguments: whoever takes it out of the list does it."""

_processes = 1


def share_cores(processes: int) -> None:
    """Say that so many processes train at a time, this one among them."""
    global _processes
    _processes = processes


def has_idle_core() -> bool:
    """Whether the BLAS leaves a core without work; on a busy one, a thread would only delay it."""
    from threadpoolctl import threadpool_info

    return usable_cores() // _processes > max((pool["num_threads"] for pool in threadpool_info()), default=1)


class Prefetch(Generic[T]):
    """A result that is asked for before it is needed.

    What is asked for must be the thread's alone until it is taken: a result that is never taken, as
    after an interrupt or another request, may still be under way then.
    """

    def __init__(self) -> None:
        self._asked: tuple[int, object, _Task, SimpleQueue[Any]] | None = None  # process, key, where it comes

    def has(self, key: object) -> bool:
        """Whether the result of this key was asked for last, in this process: a fork has no thread."""
        return self._asked is not None and self._asked[:2] == (os.getpid(), key)

    def ask(self, key: object, work: Callable[..., T], *arguments: object) -> None:
        """Have the thread call ``work(*arguments)``."""
        task: _Task = [(work, arguments)]
        answer = _new_queue()
        _requests().put((task, answer))
        self._asked = os.getpid(), key, task, answer  # last: nobody may wait for what was not asked for

    def take(self, key: object) -> T | None:
        """The result of this key, waited for, or None if it was not asked for; raises what the work raised.

        It can be taken once, also where the waiting was interrupted.
        """
        if self._asked is None or not self.has(key):
            return None
        _, _, task, answer = self._asked
        self._asked = None  # first: the queue may be empty for good when an interrupt comes
        try:
            work, arguments = task.pop()
        except IndexError:  # the thread has begun
            work, arguments = _wait_for, (answer,)
        return work(*arguments)  # type: ignore[no-any-return]


def _wait_for(answer: SimpleQueue[Any]) -> Any:
    """What the thread's work gives; raises what it raised."""
    result = answer.get()
    if isinstance(result, BaseException):
        raise result
    return result


_server: tuple[int, SimpleQueue[Any]] | None = None
"""The process that the thread runs in, and the queue that feeds it.

A fork inherits this but no thread, so it starts its own, with a queue whose lock nobody holds.
"""


def _requests() -> SimpleQueue[Any]:
    """Feeds the process's thread; a pool's futures take five times as long."""
    global _server
    if _server is None or _server[0] != os.getpid():
        requests = _new_queue()
        _thread.start_new_thread(_serve, (requests,))  # unlike `threading`, with no lock to leave locked
        _server = os.getpid(), requests
    return _server[1]


def _serve(requests: SimpleQueue[Any]) -> None:
    while True:
        task, answer = requests.get()
        try:
            work, arguments = task.pop()
        except IndexError:  # who asked for it does it
            continue
        try:
            answer.put(work(*arguments))
        except BaseException as error:  # raised where the result is taken
            answer.put(error)
        del work, arguments, answer  # or the thread would keep the last data set alive


def _new_queue() -> SimpleQueue[Any]:
    from queue import SimpleQueue  # where it is used: not every start needs it

    return SimpleQueue()
