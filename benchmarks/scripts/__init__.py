"""Programs that the suites `cold_start` and `memory` run, each in a fresh process.

They are what a user would write, and know nothing of the benchmarks. Each prints its test accuracy.
"""
