"""Run every benchmark that compares speeds, each in a process of its own, and write RESULTS.md beside this file.

    python -m benchmarks [NAME ...]    (make bench)

With names, only these run, and nothing is written. benchmarks/handbook.py is not among them: it measures answers, not speed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measured import Comparison
from benchmarks.results import aims_of, comparisons_of, machine, results

BENCHMARKS = (
    "import_files", "neighbors", "bulk", "protobuf_messages", "datapoints", "queries", "searching", "noticing", "tour", "starting", "processes",
    "growth", "embedding",
)  # fmt: skip
RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    """Print everything as it comes, and write the whole."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    names: list[str] = parser.parse_args().names
    if unknown := set(names).difference(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    where, found = machine(), dict[str, list[Comparison]]()
    print(where, end="\n\n")
    began = time.monotonic()
    for name in names or BENCHMARKS:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            found[name] = pool.submit(comparisons_of, name).result()
        for comparison in found[name]:
            print(comparison, end="\n\n")
        print(f"({name}: until {time.monotonic() - began:.0f} s after the start)\n")
    print(aims_of(found))
    if not names:
        RESULTS.write_text(results(where, datetime.now(UTC).date(), found))
        print(f"Written: {RESULTS.parent.name}/{RESULTS.name}")


if __name__ == "__main__":
    main()
