"""What a newcomer reads stays short: the core as a whole, and every file."""

import ast
import io
import tokenize
from pathlib import Path

import minidl

ROOT = Path(minidl.__file__).parent
CORE = [
    "types", "errors", "checks", "parameters", "vectors", "module", "net", "layers/layer", "losses/loss",
    "optimizers/optimizer", "layers/containers", "optimizers/sgd", "initializers", "regularizers",
    "schedulers/scheduler", "training/step", "training/loop", "training/trainer", "training/history",
    "training/evaluation",
]  # fmt: skip
NOT_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(source):
    """Lines that hold code: neither empty nor a comment nor part of a docstring."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NOT_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str):
            lines -= set(range(node.lineno, node.end_lineno + 1))
    return len(lines)


def test_the_count():
    assert (
        code_lines('"""A\nmodule."""\n\n# one\nx = (\n    1,  # two\n)\n\ndef f():\n    """Three."""\n') == 4
    )


def test_the_core_is_read_in_one_sitting():
    assert sum(code_lines((ROOT / f"{name}.py").read_text()) for name in CORE) < 1500


def test_a_file_is_one_subject():
    lengths = {path: len(path.read_text().splitlines()) for path in ROOT.rglob("*.py")}
    most = {path: 150 if path.parent == ROOT / "layers" else 250 for path in lengths}
    assert not [f"{path}: {count} lines" for path, count in lengths.items() if count > most[path]]
