"""How long a command takes to start, beside Python and Prefect alone, and how long the local stack takes until everything in it answers.

    python -m benchmarks.starting

Every start is a process of its own, files in the system's cache. `up` starts a Prefect server with a new database, the stand-ins and a
worker in an empty folder; it is ended by `down`, whose time is not counted.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.measured import Comparison, Figure, in_turn

UPS = 2

WAYS = {
    "python -c pass": ("-c", "pass"),
    "python -c 'import prefect'": ("-c", "import prefect"),
    "vector-search --help": ("-m", "flows", "--help"),
    "vector-search vertex build --help": ("-m", "flows", "vertex", "build", "--help"),
    "vector-search --version": ("-m", "flows", "--version"),
}


def run(words: tuple[str, ...], home: Path) -> None:
    """Start Python with these words and wait for its end.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    environment = os.environ | {"VECTOR_SEARCH_HOME": str(home)}
    subprocess.run([sys.executable, *words], check=True, capture_output=True, env=environment)


def comparisons() -> list[Comparison]:
    """Commands, and `up`."""
    with tempfile.TemporaryDirectory() as folder:
        ways = {way: partial(run, words, Path(folder)) for way, words in WAYS.items()}
        commands = in_turn("Starts of a process", ways, count=1, unit="starts/s")
    return [commands.with_one("s each"), _ups()]


def _ups() -> Comparison:
    rates = list[float]()
    for _ in range(UPS):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            try:
                run(("-m", "flows", "up"), Path(folder))
                rates.append(60 / (time.perf_counter() - began))
            finally:
                run(("-m", "flows", "down"), Path(folder))
    stack = Comparison(
        title="The local stack, from nothing until everything answers",
        unit="starts/min",
        figures=[Figure(way="vector-search up", rates=rates, ratio=None)],
    )
    return stack.with_one("s each", per_second=60)


def main() -> None:
    """Print them."""
    argparse.ArgumentParser(prog="python -m benchmarks.starting").parse_args()
    for comparison in comparisons():
        print(comparison)


if __name__ == "__main__":
    main()
