"""Faults of machine and disk, each runnable with a count: ``python -m tests.faults kills --count 1000``."""
