"""The images alone: NumPy and the data, nobody who trains."""

from benchmarks.scripts.images.pixels import make, report

make()
report(1.0)  # nobody who could be wrong
