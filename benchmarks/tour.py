"""A whole tour of Vertex AI, orchestrated by Prefect, beside the same calls made by a plain script.

    python -m benchmarks.tour [--rows 1000]

`vertex tour` builds two indexes, streams, queries, measures recall and tears everything down, against a sandbox whose operations
end at once. The plain script is the same program without Prefect: its steps are called as functions, nothing is recorded, no slot is
held. What is left of the difference is what the orchestration costs, once both are loaded. A Prefect server of its own runs on the same machine.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack, nullcontext
from itertools import count
from typing import Any
from unittest.mock import patch

from benchmarks.import_files import SAMPLE
from benchmarks.measured import Comparison, in_turn
from benchmarks.orchestrated import orchestrated
from flows.vertex.tour import tour
from sandbox.vertex.options import VertexOptions

ROUNDS = 3


def in_plain_calls(flow: Any, values: dict[str, Any]) -> None:
    """Call a flow's function, and every task in it, as what they are: functions."""

    def call(task: Any, *arguments: Any, **named: Any) -> Any:
        return task.fn(*arguments, **named)

    with ExitStack() as patched:
        patched.enter_context(patch("prefect.Task.__call__", call))
        patched.enter_context(patch("flows.runs.holding", lambda *_, **__: nullcontext()))
        patched.enter_context(patch("flows.report.Report.publish", lambda _: None))
        flow.fn(**values)


def comparisons(rows: int = 1000) -> list[Comparison]:
    """One."""
    with orchestrated(VertexOptions(clock_factor=1e9, upsert_delay=0.0)):
        numbers = count()

        def values() -> dict[str, Any]:
            name = f"tour-{next(numbers)}"
            return {"name": name, "data": str(SAMPLE), "limit": rows, "target": "sandbox", "yes": True}

        ways = {"plain calls": lambda: in_plain_calls(tour, values()), "ours": lambda: tour(**values())}
        title = f"A whole tour of Vertex AI with {rows:,} rows and operations that end at once"
        found = in_turn(title, ways, count=3600, unit="tours/hour", rounds=ROUNDS)
        return [found.with_one("s each", per_second=3600).aiming("ours", ratio=1 / 1.3)]


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tour")
    parser.add_argument("--rows", type=int, default=1000)
    for comparison in comparisons(parser.parse_args().rows):
        print(comparison)


if __name__ == "__main__":
    main()
