"""minidl beside its peers: ``python -m benchmarks``, from the repository's root.

`suites` say what is measured, `contestants` how each library does it. `processes` and `worker` give
each contestant a process of its own, `rounds` checks and times them in turn; `results` keeps the
figures, `tables` and `plots` show them, `machine` says what they were measured on. `budget` counts
what a step costs; `sweep_search` times a whole search for hyperparameters.
"""
