"""minidl beside its peers: ``python -m benchmarks``, from the repository's root.

`problem` says what is trained, `contestants` who trains it, `processes` and `worker` give each
contestant a process of its own, `rounds` checks and times them, `machine` and `report` print.
"""
