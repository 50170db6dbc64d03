"""What of the process others may rely on; knows nothing of minidl, so that its import can be looked at."""

import decimal
import faulthandler
import gc
import locale
import logging
import multiprocessing
import os
import random
import signal
import socket
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info


def snapshot():
    """The state by its names."""
    loggers = {name: each for name, each in logging.root.manager.loggerDict.items() if hasattr(each, "level")}
    loggers["root"] = logging.root
    umask = os.umask(0)
    os.umask(umask)
    state = {
        "threads": {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()},
        "warning filters": list(warnings.filters),
        "showing of warnings": (warnings.showwarning, warnings.formatwarning),
        "NumPy's errors": (np.geterr(), np.geterrcall(), np.getbufsize(), np.get_printoptions()),
        "signal handlers": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "working directory": Path.cwd(),
        "umask": umask,
        "environment": dict(os.environ),
        "sys.path": list(sys.path),
        "locale": locale.setlocale(locale.LC_ALL),
        "loggers": {
            name: (
                log.level,
                log.disabled,
                log.propagate,
                [each.level for each in log.handlers if isinstance(each, logging.StreamHandler)],
            )
            for name, log in loggers.items()
        },
        "logging": (logging.root.manager.disable, logging.raiseExceptions, logging.getLoggerClass()),
        "random state": random.getstate(),
        "NumPy's random state": [str(part) for part in np.random.get_state()],  # noqa: NPY002 - looked at only
        "hooks": (sys.excepthook, sys.displayhook, sys.unraisablehook, threading.excepthook, sys.gettrace()),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "limits": (sys.getswitchinterval(), sys.getrecursionlimit(), socket.getdefaulttimeout()),
        "garbage collection": (gc.isenabled(), gc.get_threshold()),
        "faulthandler": faulthandler.is_enabled(),
        "start method": multiprocessing.get_start_method(allow_none=True),
        "decimals": repr(decimal.getcontext()),
        "joblib's pool": getattr(sys.modules.get("joblib.pool"), "PicklingPool", object).__bases__,
    }
    if hasattr(os, "sched_getaffinity"):
        state["cores"] = os.sched_getaffinity(0)
    if "matplotlib" in sys.modules:
        state["matplotlib"] = dict(dict.items(sys.modules["matplotlib"].rcParams))
    return state


def changes(before, after):
    """What was there before and is not the same now; what has been loaded since is new."""
    found = []
    for name, value in before.items():
        now = after[name]
        if name in ("threads", "loggers"):
            now = {key: now[key] for key in value}
        if now != value:
            found.append(f"{name}: {value} -> {now}")
    return found
