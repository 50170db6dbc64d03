"""Only one sweep writes into a directory, and the lock lives no longer than its process."""

import os
import signal
import subprocess
import sys
import warnings

import pytest

from minidl.errors import ConfigurationError
from minidl.sweep import Results
from minidl.sweep.journal import JOURNAL, Journal
from tests.deep import deep
from tests.sweep.small import sweep_of


def test_a_second_sweep_in_one_directory_is_refused(tmp_path):
    pytest.importorskip("fcntl")
    sweep_of().run(tmp_path, jobs=1)
    before = (tmp_path / JOURNAL).read_bytes()

    def second(results):
        for sweep in (sweep_of(), sweep_of(0.5)):
            with pytest.raises(ConfigurationError, match="a journal that no other sweep uses, got .*jsonl"):
                sweep.run(tmp_path, jobs=1)
        assert Results.load(tmp_path).rows == results.rows  # reading is free

    sweep_of().run(tmp_path, jobs=1, on_start=second)
    assert (tmp_path / JOURNAL).read_bytes() == before


def test_a_forked_process_does_not_keep_the_lock(tmp_path):
    pytest.importorskip("fcntl")
    journal = Journal(tmp_path / JOURNAL, {})
    held = os.dup(journal._file)  # as a process has it that was forked just now
    journal.close()
    journal = Journal(tmp_path / JOURNAL, {})
    os.close(held)
    (begun, begin), (until, end) = os.pipe(), os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there may be threads; the child needs none
        child = os.fork()
    if child == 0:
        os.close(end)
        os.write(begin, b"1")
        os.read(until, 1)
        os._exit(0)
    try:
        os.read(begun, 1)
        with pytest.raises(ConfigurationError, match="no other sweep uses"):  # it does not free it either
            Journal(tmp_path / JOURNAL, {})
        os.close(journal._file)  # as the system does for a process that is killed
        journal._file = None
        Journal(tmp_path / JOURNAL, {}).close()
    finally:
        os.close(end)
        os.waitpid(child, 0)
        for pipe in (begun, begin, until):
            os.close(pipe)


@deep
def test_a_killed_process_does_not_keep_the_lock(tmp_path):
    pytest.importorskip("fcntl")
    code = (
        "import sys, time, pathlib; from minidl.sweep.journal import Journal\n"
        "with Journal(pathlib.Path(sys.argv[1]), {}): print(flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / JOURNAL)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(ConfigurationError, match="no other sweep uses"):
            Journal(tmp_path / JOURNAL, {})
        process.send_signal(signal.SIGKILL)
    Journal(tmp_path / JOURNAL, {}).close()
