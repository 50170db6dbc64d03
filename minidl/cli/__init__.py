"""The command line: ``minidl train``, ``sweep``, ``evaluate``, ``predict``, ``show`` and ``doctor``.

Exit codes: 0 success; 2 usage or bad input, with one line on standard error; 130 after Ctrl-C, 143
after SIGTERM and 129 after SIGHUP, with what was trained so far saved.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from minidl import __version__
from minidl.console import one_line, print_error, safe_console
from minidl.cores import THREAD_VARIABLES, usable_cores
from minidl.errors import MinidlError

if TYPE_CHECKING:
    from minidl.cli.parser import Parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (that of the process by default); returns the exit code."""
    program = "minidl"
    with safe_console() as out, warnings.catch_warnings():
        warnings.showwarning = _show_warning  # type: ignore[assignment]
        try:
            arguments = _parser().parse_args(argv)
            program = f"minidl {arguments.command}"
            with _threads_within_cores():
                code: int = arguments.run(arguments)
            out.flush()
            if out.error:
                raise out.error
        except (MinidlError, OSError) as error:
            print_error(program, error)
            return 2
        except KeyboardInterrupt:
            print("minidl: interrupted", file=sys.stderr)
            return 130
        return code


def _show_warning(message: Warning | str, *_: Any) -> None:
    print(f"minidl: {one_line(message)}", file=sys.stderr)


def _parser() -> Parser:
    # Within `main`, for an import fails where MINIDL_KERNELS is none of its values.
    from minidl.cli import doctor, evaluate, predict, show, sweep, train
    from minidl.cli.parser import Parser

    parser = Parser(
        prog="minidl",
        description="Train, evaluate and look into small nets on a CPU.",
        epilog="Start with: minidl train",
    )
    parser.add_argument("--version", action="version", version=f"minidl {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (train, sweep, evaluate, predict, show, doctor):
        module.add_command(commands)
    return parser


def _threads_within_cores() -> AbstractContextManager[Any]:
    """No more BLAS threads than cores, which a BLAS does not see where a quota says them."""
    cores = usable_cores()
    if cores >= (os.cpu_count() or 1) or any(os.environ.get(name) for name in THREAD_VARIABLES):
        return nullcontext()
    from threadpoolctl import threadpool_info, threadpool_limits

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    over = {pool["prefix"]: cores for pool in pools if pool["num_threads"] > cores}
    limits: AbstractContextManager[Any] = threadpool_limits(over)
    return limits
