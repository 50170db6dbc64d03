"""minidl beside its peers: ``python -m benchmarks``, from the repository's root.

`problems` are what is measured, `contestants` how each library does it. `suites` are descriptions (`suite`)
which `__main__` alone knows and hands on: `rounds` checks and times the contestants in turn, each in a
process of its own (`processes`, `worker`); `results` keeps the figures, `tables` and `plots` show them,
`machine` says what they were measured on. `budget` counts what a step costs, `breakdown` says where its
time goes; `sweep_search` times a whole search for hyperparameters.
"""
