"""What a contestant can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from benchmarks.problem import Array, Problem


class Contestant(ABC):
    """One way to train the problem's net. Made once for a problem, then run round after round."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.features, self.labels = problem.data()

    @abstractmethod
    def reset(self) -> None:
        """Back to the start weights; not timed."""

    @abstractmethod
    def run(self, steps: int) -> None:
        """Train for so many steps of its own batches; this is what is timed."""

    @abstractmethod
    def losses(self, batches: list[Array]) -> list[float] | None:
        """The losses, penalty included, of one step after another on the rows given.

        None where there is no loss. Leaves other weights behind than `reset` gives.
        """

    @staticmethod
    def set_threads(threads: int) -> None:
        """Set what the environment's numbers of threads do not reach; called before anything else."""
        return

    @staticmethod
    def libraries() -> list[dict[str, Any]]:
        """The BLAS libraries of this process, as threadpoolctl describes them."""
        import numpy as np
        from threadpoolctl import threadpool_info

        np.ones((2, 2)) @ np.ones((2, 2))
        return [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
