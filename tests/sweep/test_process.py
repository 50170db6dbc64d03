import signal
import subprocess
import sys
import threading

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from minidl.sweep.process import interrupts_held_back, one_thread


def blas_threads():
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(2):
        yield


def test_one_meanwhile_and_afterwards_as_many_as_before():
    for error in (None, KeyboardInterrupt):
        try:
            with one_thread():
                assert blas_threads() == 1
                with one_thread():  # a sweep within an objective
                    assert blas_threads() == 1
                assert blas_threads() == 1
                if error:
                    raise error
        except KeyboardInterrupt:
            pass
        assert blas_threads() == 2


def test_what_has_more_again_is_limited_again():
    with one_thread(), threadpool_limits(2), one_thread():  # a library that came later, or a user's wish
        assert blas_threads() == 1
    assert blas_threads() == 2


def test_trials_on_several_threads_keep_their_one_until_the_last_has_ended():
    first_in, second_in, first_out = (threading.Event() for _ in range(3))
    seen = []

    def first():
        with one_thread():
            first_in.set()
            second_in.wait()
        first_out.set()

    thread = threading.Thread(target=first)
    thread.start()
    first_in.wait()
    with one_thread():
        second_in.set()
        first_out.wait()
        seen.append(blas_threads())
    thread.join()
    assert [*seen, blas_threads()] == [1, 2]


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="there are no signal masks here")
def test_a_ctrl_c_that_is_held_back_comes_afterwards_and_not_to_who_was_started():
    program = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    seen = []

    def start():  # from a thread, as dask does
        seen.append(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), interrupts_held_back():
            signal.raise_signal(signal.SIGINT)
            thread = threading.Thread(target=start)
            thread.start()
            thread.join()
        assert seen == ["True\n"]
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        signal.signal(signal.SIGINT, before)
