"""How a sweep runs under a progress bar, and what is drawn of it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
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


def search(
    sweep: Sweep, out: Path, arguments: argparse.Namespace, on_start: Callable[[Results], object]
) -> tuple[Results, str]:
    """Run the sweep under a progress bar: on standard error, and only where that is a terminal.

    Calls `on_start` when the directory is found to fit. Returns the results, and in words how many of
    them are new.
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
            on_start=on_start,
            on_result=on_result,
            extend=arguments.extend,
        )
    which = f"{len(ended)} new of " if len(ended) < results.trials else ""
    return results, which + counted(results.trials, "trial")


def plan(sweep: Sweep, results: Results, draws: int | None) -> str:
    """How much there is to do: ``8 trials of 15 epochs: 2 known, 6 new``."""
    length = counted(sweep.budgets[-1], sweep.setup.unit.removesuffix("s"))
    few = sweep.adaptive is None and draws is not None and _distinct(sweep) < draws
    drawn = f" (of {draws:,} draws, the others repeat these)" if few else ""
    new = results.trials - sum(row.status != "running" for row in results.rows)
    known = f": {sweep.trials - new} known, {new} new" if results.rows else ""
    return f"{counted(sweep.trials, 'trial')} of {length}{drawn}{known}"


def _distinct(sweep: Sweep) -> int:
    """How many configurations there are but for their seed."""
    shared = ({**each, "seed": None} for each in sweep.configurations)
    return len(set(map(json.dumps, shared)))


def pictures(results: Results, out: Path) -> run_directory.Pictures:
    """The pictures of a sweep, for `run_directory.draw`."""
    from minidl.sweep.maps import comparable_keys
    from minidl.sweep.pictures import plot_curves, plot_heat_map

    curves = {out / CURVES: partial(plot_curves, results)}
    return {**curves, out / HEAT_MAP: partial(plot_heat_map, results)} if comparable_keys(results) else curves


def _show_progress(bar: Any, results: Results) -> None:
    """Move on to the trials that are over, and say what is best so far."""
    bar.total = results.trials
    bar.n = sum(row.status != "running" for row in results.rows)
    best = results.sorted()[0]
    if best.value is not None:
        shown = [f"best {results.show(best.value)}", results.describe(best)]
        bar.set_postfix_str(" with ".join(filter(None, shown)), refresh=False)
    bar.refresh()
