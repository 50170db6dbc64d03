"""The command line, called as a user types it."""

import subprocess
import sys

from minidl.cli import main

_INTERRUPTED = """
import signal, sys
from minidl.cli import main
from minidl.schedulers import StepDecay

signal.signal(signal.SIGINT, signal.default_int_handler)  # tests may run where Ctrl-C is ignored
factor, updates = StepDecay.factor, 0

def interrupted(self, epoch, step):
    global updates
    updates += 1
    if updates == {at}:
        signal.raise_signal(signal.SIGINT)
    return factor(self, epoch, step)

StepDecay.factor = interrupted
sys.exit(main())
"""


def call(line):
    return main(line.split())


def interrupted(line, at):
    """Exit code and standard error of a command that gets a Ctrl-C within its update number `at`."""
    command = [sys.executable, "-c", _INTERRUPTED.format(at=at), *line.split()]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr


def refused(command, message, capsys):
    """What was printed by a command that is refused in one line, with exit code 2."""
    try:
        code = call(command)
    except SystemExit as ended:
        code = ended.code
    out, err = capsys.readouterr()
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1, err
    assert "Traceback" not in err
    return out
