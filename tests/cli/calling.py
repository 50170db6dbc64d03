"""The command line, called as a user types it."""

from minidl.cli import main


def call(line):
    return main(line.split())


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
