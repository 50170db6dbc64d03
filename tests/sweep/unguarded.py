# A script without a main guard, for the backend that is named. It prints what came of it, and what the
# sweep has left changed in the process.
import importlib
import sys

from minidl.sweep import Grid, Sweep
from tests.process_state import changes, snapshot
from tests.sweep.small import digits

backend = sys.argv[1]
for module in {"loky": ["joblib"], "dask": ["joblib", "distributed"], "ray": ["ray.util.joblib.ray_backend"]}[
    backend
]:
    importlib.import_module(module)
before = snapshot()


def build(configuration, data, rng):
    from minidl import mlp

    return mlp(64, [8], 10, rng=rng)


sweep = Sweep(build, Grid(lr=[0.1, 0.2]), digits(100), steps=3)
rows = sweep.run(jobs=2, backend=backend).rows
# Dask and Ray draw from `random`, which nobody seeds for them.
found = [change for change in changes(before, snapshot()) if not change.startswith("random state")]
print(*(row.status for row in rows), found)
