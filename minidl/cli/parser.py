"""How the command line is read: by argparse, with errors of one line."""

from __future__ import annotations

import argparse
from functools import partial
from itertools import takewhile
from typing import Any, NoReturn

from minidl.cli.options import SEVERAL


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` with errors of one line, also where an option is given a value too many."""

    def error(self, message: str) -> NoReturn:
        """One line, where argparse would print the usage as well."""
        self.exit(2, f"{self.prog}: error: {message}; see {self.prog} --help\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does it, but for a second value of an option: it would pass for a data set."""
        for place, text in enumerate(args or ()):
            option, equals, value = text.partition("=")
            action = self._option(option)
            if action is not None and action.nargs is None:
                following = [*([value] if equals else []), *args[place + 1 :]]
                given = list(takewhile(partial(_is_value, action), following))
                if len(given) > 1:
                    remedy = f"; minidl sweep {option} takes several" if action.dest in SEVERAL else ""
                    self.error(f"argument {option}: expected one value, got {' '.join(given)}{remedy}")
        known, unknown = super().parse_known_args(args, namespace)
        if unknown and self._subparsers is None:  # of a command, which knows more of it than what calls it
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def _option(self, text: str) -> argparse.Action | None:
        """The option that is written so, or that begins so and is the only one."""
        options = self._option_string_actions
        begun = [action for option, action in options.items() if len(text) > 2 and option.startswith(text)]
        return options.get(text) or (begun[0] if len(begun) == 1 else None)


def _is_value(action: argparse.Action, text: str) -> bool:
    """Whether it is a value that the option takes and no data set's name: a number, or a choice."""
    if action.type not in (int, float):
        return text in (action.choices or ())
    try:
        float(text)
    except ValueError:
        return False
    return True
