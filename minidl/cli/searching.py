"""How a sweep runs under a progress bar, and what is drawn of it."""

from __future__ import annotations

import argparse
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minidl.cli import run_directory
from minidl.plots.figures import make_figure
from minidl.tables import counted

if TYPE_CHECKING:
    from minidl.sweep import Results, Row, Sweep

CURVES, HEAT_MAP = "curves.png", "heatmap.png"


def search(sweep: Sweep, out: Path, arguments: argparse.Namespace) -> tuple[Results, str]:
    """Run the sweep under a progress bar: on standard error, and only where that is a terminal.

    Returns the results, and in words how many of them are new.
    """
    from tqdm import tqdm

    disable = arguments.quiet or None
    ended = set()
    with tqdm(unit="trial", disable=disable, dynamic_ncols=True, leave=False) as bar:

        def on_result(row: Row, results: Results) -> None:
            _show_progress(bar, results)
            if row.status != "running":
                ended.add(row.trial)
            if bar.n == results.trials - 1:
                # Imports matplotlib, half a second's work: now a core is idle, if any ever is.
                with suppress(Exception):  # said once, when the best net's pictures are drawn
                    make_figure((1, 1))

        results = sweep.run(
            out,
            jobs=arguments.jobs,
            backend=arguments.backend,
            scheduler=arguments.scheduler,
            on_result=on_result,
            extend=arguments.extend,
        )
    which = f"{len(ended)} of " if len(ended) < results.trials else ""
    return results, which + counted(results.trials, "trial")


def pictures(results: Results, out: Path) -> run_directory.Pictures:
    """The pictures of a sweep, for `run_directory.draw`."""
    from minidl.sweep.pictures import plot_curves, plot_heat_map

    curves = {}
    if results.objective == "validation_accuracy":  # the curves are those of accuracies
        curves[out / CURVES] = partial(plot_curves, results)
    both = {"lr", "reg"}
    if not (both <= {*results.varying} and all(both <= row.configuration.keys() for row in results.rows)):
        return curves
    return {**curves, out / HEAT_MAP: partial(plot_heat_map, results)}


def _show_progress(bar: Any, results: Results) -> None:
    """Move on to the trials that are over, and say what is best so far."""
    bar.total = results.trials
    bar.n = sum(row.status != "running" for row in results.rows)
    best = results.sorted()[0]
    if best.value is not None:
        shown = [f"best {results.show(best.value)}", results.describe(best)]
        bar.set_postfix_str(" with ".join(filter(None, shown)), refresh=False)
    bar.refresh()
