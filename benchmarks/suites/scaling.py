"""A training step against hidden size, depth and batch."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.suites.step import Step
from benchmarks.training import Training


class Scaling(Step):
    name = "scaling"
    help = "a training step against hidden size, depth and batch, with the floor beside it"
    default_peers = ()

    def problems(self, quick: bool) -> Sequence[Training]:
        sizes = (16, 256, 1024) if quick else (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
        depths = (4, 16) if quick else (2, 4, 8, 16)
        batches = (1, 64, 1024) if quick else (1, 4, 16, 64, 1024, 4096)
        return [
            *(Training(f"hidden {size}", (size,), samples=1000) for size in sizes),
            *(
                Training(f"depth {depth}", (256,) * depth, samples=1000, learning_rate=1e-3)
                for depth in depths
            ),
            *(Training(f"batch {size}", (256,), batch=size, samples=max(512, 2 * size)) for size in batches),
        ]
