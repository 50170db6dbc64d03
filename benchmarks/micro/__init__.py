"""Micro-benchmarks of minidl's parts, run by pytest-benchmark: what a change to one of them costs.

``python -m pytest benchmarks/micro --benchmark-autosave`` before a change, and with
``--benchmark-compare`` after it.
"""
