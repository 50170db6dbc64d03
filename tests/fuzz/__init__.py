"""Inputs that nobody would write, for every reader: ``python -m tests.fuzz --count 1000000 --reader npz``.

`readers` is the table: a row says how a valid file looks and what reads it. `mutation` makes the inputs.
Where atheris installs (Linux, CPython 3.11 to 3.13), ``python -m tests.fuzz.with_atheris npz`` is guided by
coverage.
"""
