"""What of a process a library could leave changed behind it."""

import contextlib
import faulthandler
import locale
import logging
import multiprocessing
import os
import signal
import sys
import threading
import warnings

import numpy as np


def footprint():
    """By name: environment, signal handlers, loggers, warning filters and the like."""
    found = {f"environment {name}": value for name, value in os.environ.items()}
    for number in signal.valid_signals():
        found[f"handler of {getattr(number, 'name', number)}"] = signal.getsignal(number)
    for name, logger in logging.Logger.manager.loggerDict.items():
        if isinstance(logger, logging.Logger):
            levels = [
                handler.level for handler in logger.handlers if isinstance(handler, logging.StreamHandler)
            ]
            found[f"logger {name}"] = (logger.level, logger.disabled, logger.propagate, levels)
    return found | {
        "blocked signals": signal.pthread_sigmask(signal.SIG_BLOCK, []),
        "faulthandler": faulthandler.is_enabled(),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook),
        "locale": locale.setlocale(locale.LC_ALL),
        "logging": (logging.root.level, logging.root.handlers[:], logging.root.manager.disable),
        "multiprocessing": multiprocessing.get_start_method(allow_none=True),
        "numpy": np.geterr(),
        "path": sys.path[:],
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "warnings": warnings.filters[:],
        "working directory": os.getcwd(),  # noqa: PTH109
    }


def changes(before):
    """Names of what is not as it was; loggers that came meanwhile are their libraries' imports'."""
    after = footprint()
    names = [name for name in before if after.get(name, before) != before[name]]
    return names + [name for name in after if name not in before and not name.startswith("logger ")]


@contextlib.contextmanager
def no_start_method():
    """As in a fresh process, nobody has chosen how `multiprocessing` starts others."""
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(None, force=True)
    try:
        yield
    finally:
        multiprocessing.set_start_method(before, force=True)
