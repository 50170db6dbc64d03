"""The images alone: NumPy and the data, nobody who trains."""

from benchmarks.scripts.images.pixels import make, report

images, labels = make()
report(float("nan"))
