"""``python -m minidl.testing check package.module:MyLayer --input-shape 3``: the contract as a table.

Exit codes: 0 if every clause is kept, 1 if not, 2 for a command that makes no sense.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from minidl.console import print_error, safe_console
from minidl.errors import ConfigurationError, MinidlError
from minidl.layers import Layer
from minidl.losses import Loss
from minidl.metrics import Metric
from minidl.optimizers import Optimizer
from minidl.schedulers import Scheduler
from minidl.testing import (
    CLAUSES,
    LOSS_CLAUSES,
    METRIC_CLAUSES,
    NET_CLAUSES,
    OPTIMIZER_CLAUSES,
    SCHEDULER_CLAUSES,
    TRANSFORM_CLAUSES,
    ContractError,
    Report,
    check_layer,
    check_loss,
    check_metric,
    check_optimizer,
    check_scheduler,
    check_transform,
)
from minidl.transforms import Transform
from minidl.types import Array

_EXAMPLES = """examples:
  python -m minidl.testing check mylayers:Tanh --input-shape 3
  python -m minidl.testing check "mylayers:Conv(1, 4, kernel=3)" --input-shape 1,8,8
  python -m minidl.testing check mylayers:Conv --args "1, 4, kernel=3" --input-shape 1,8,8
  python -m minidl.testing check mylosses:Hinge --classes 4
  python -m minidl.testing check mylosses:Huber --regression
  python -m minidl.testing check "mytransforms:Shift(2)" --input-shape 8,8
  python -m minidl.testing check mylayers:Gelu --input-shape 3 --reference torch.nn.functional:gelu

rng= and dtype= are given to the class if it takes them."""

_KINDS = "Layer, Loss, Optimizer, Scheduler, Metric or Transform"
_ONLY: dict[str, tuple[type, ...]] = {
    "reference": (Layer, Loss, Optimizer, Scheduler, Metric),
    "training_reference": (Layer,),
    "batch_dependent": (Layer,),
    "allocation": (Layer,),
    "regression": (Loss, Metric, Transform),
}
"""What judges some kinds only, and must not seem to judge another."""

_CLAUSES = {
    "layer": CLAUSES,
    "loss": LOSS_CLAUSES,
    "net": NET_CLAUSES,
    "optimizer": OPTIMIZER_CLAUSES,
    "scheduler": SCHEDULER_CLAUSES,
    "metric": METRIC_CLAUSES,
    "transform": TRANSFORM_CLAUSES,
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, where argparse would print the usage as well."""
        self.exit(2, f"{self.prog}: error: {message}; see {self.prog} --help\n")


@safe_console()
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv`; returns the exit code."""
    parser = _Parser(prog="python -m minidl.testing", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser(
        "check", help="check a class", epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    check.add_argument("subject", metavar="MODULE:CLASS", help=f"a {_KINDS}")
    check.add_argument("--args", default="", help='its arguments, as in a call: "3, 4, slope=0.1"')
    check.add_argument("--input-shape", type=_shape, metavar="N[,N...]", help="one sample's shape")
    check.add_argument("--classes", type=int, default=3, metavar="N", help="of scores and of labels")
    check.add_argument(
        "--regression", action="store_true", help="targets are numbers of the scores' shape, not labels"
    )
    check.add_argument(
        "--reference",
        metavar="MODULE:FUNCTION",
        help="what it must compute, of NumPy, SciPy, PyTorch or JAX: a function of input and parameters, or "
        'of scores and targets; or a module of PyTorch\'s, "torch.nn:BatchNorm1d(3)"',
    )
    check.add_argument(
        "--training-reference",
        metavar="MODULE:FUNCTION",
        help="what a training pass of a layer must give, where that is something else: (y, *states)",
    )
    check.add_argument("--min-batch", type=int, default=1, metavar="N", help="the fewest samples that train")
    check.add_argument("--clauses", type=_names, metavar="A,B", help="these clauses only")
    check.add_argument("--skip", type=_names, default=[], metavar="A,B", help="not these clauses")
    check.add_argument("--seed", type=int, default=0)
    check.add_argument(
        "--batch-dependent", action="store_true", help="samples see each other, as in BatchNorm"
    )
    check.add_argument("--allocation", action="store_true", help="training must allocate nothing once warm")
    clauses = commands.add_parser("clauses", help="what each kind of class is held to")
    clauses.add_argument("kind", nargs="?", choices=_CLAUSES, default="layer")
    arguments = parser.parse_args(argv)
    if arguments.command == "clauses":
        known = _CLAUSES[arguments.kind]
        width = max(map(len, known))
        for name, clause in known.items():
            print(f"{name:<{width}}  {inspect.getdoc(clause) or ''}".splitlines()[0])
        return 0
    try:
        report = _check(arguments)
    except ContractError as failure:
        print(failure.report)
        return 1
    except (MinidlError, ImportError) as error:
        print_error(parser.prog, error)
        return 2
    print(report)
    return 0


def _check(options: argparse.Namespace) -> Report:
    make, args, kwargs = _resolve(options.subject, options.args)
    reference = _reference(options.reference)
    judged: dict[str, Any] = {"clauses": options.clauses, "skip": options.skip}
    try:
        taken = inspect.signature(make).parameters
    except (TypeError, ValueError):
        taken = {}  # type: ignore[assignment]

    def factory(rng: Any, dtype: Any) -> Any:
        given = {"rng": rng, "dtype": dtype}
        given = {name: value for name, value in given.items() if name in taken and name not in kwargs}
        try:
            return make(*args, **kwargs, **given)
        except TypeError as error:
            raise ConfigurationError(f"{make.__name__}: {error}; give its arguments with --args") from error

    made = factory(np.random.default_rng(options.seed), np.float64)
    for name, kinds in _ONLY.items():
        if getattr(options, name) and not isinstance(made, kinds):
            expected = f"no --{name.replace('_', '-')} with a {type(made).__name__}"
            raise ConfigurationError.expected(options.subject, expected, repr(getattr(options, name)))
    if isinstance(made, (Layer, Transform)) and options.input_shape is None:
        raise ConfigurationError.expected(options.subject, "--input-shape, that of one sample", "none")
    if isinstance(made, Layer):
        return check_layer(
            factory, options.input_shape, rng=options.seed, allocation=options.allocation,
            batch_independent=not options.batch_dependent, min_batch=options.min_batch,
            reference=reference, training_reference=_reference(options.training_reference), **judged,
        )  # fmt: skip

    def plain() -> Any:
        return factory(np.random.default_rng(options.seed), np.float64)

    if isinstance(made, Optimizer):
        return check_optimizer(plain, rng=options.seed, reference=reference, **judged)
    if isinstance(made, Scheduler):
        return check_scheduler(plain, reference=reference, **judged)

    def numbers(rng: np.random.Generator, batch: int, width: int) -> Array:
        return rng.standard_normal((batch, width))

    judged |= {"make_targets": numbers if options.regression else None, "rng": options.seed}
    if isinstance(made, Transform):
        return check_transform(plain, options.input_shape, options.classes, **judged)
    if isinstance(made, Loss):
        return check_loss(plain, options.classes, reference=reference, **judged)
    if isinstance(made, Metric):
        return check_metric(plain, options.classes, reference=reference, **judged)
    raise ConfigurationError.expected(options.subject, f"a {_KINDS}", type(made).__name__)


def _resolve(subject: str, given: str) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
    """The class, and the arguments given as in a call, from ``module:Class`` or ``module:Class(3, 4)``."""
    path, colon, call = subject.partition(":")
    name, parenthesis, _ = call.partition("(")
    if not colon:
        raise ConfigurationError.expected("check", "module:Class", repr(subject))
    if parenthesis and given:
        raise ConfigurationError.expected(
            "subject", "arguments in one place", f"{subject!r} and --args {given!r}"
        )
    text = call if parenthesis else f"{name}({given})"
    try:
        tree = ast.parse(text, mode="eval").body
        if not isinstance(tree, ast.Call):
            raise SyntaxError
        args = [ast.literal_eval(arg) for arg in tree.args]
        kwargs = {keyword.arg or "**": ast.literal_eval(keyword.value) for keyword in tree.keywords}
    except (SyntaxError, ValueError):
        expected = "arguments as in a call, numbers, strings and lists only"
        raise ConfigurationError.expected("arguments", expected, repr(text)) from None
    return _find(f"{path}:{name}"), args, kwargs


def _reference(named: str | None) -> Any:
    """The function, or what the call of a class makes: ``torch.nn:BatchNorm1d(3)``."""
    if named is None or "(" not in named:
        return _find(named) if named else None
    make, args, kwargs = _resolve(named, "")
    return make(*args, **kwargs)


def _find(named: str) -> Callable[..., Any]:
    """The class or function ``module:name``; modules in the working directory are found, too."""
    path, _, name = named.partition(":")
    if not path or not name.isidentifier():
        raise ConfigurationError.expected("check", "module:Class", repr(named))
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(path), name, None)
    finally:
        sys.path.remove(here)
    if not callable(found):
        raise ConfigurationError.expected("check", f"a class or function {name!r} in {path}", repr(found))
    return found  # type: ignore[no-any-return]


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(side) for side in text.replace("x", ",").split(",") if side.strip())


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    sys.exit(main())
