"""The command line, preloaded for forks that may take only so much memory and say how much they took."""

from __future__ import annotations

import resource
import sys

from tests.flows import preloaded
from tests.forks import serve
from tests.memory import peak_megabytes

MEMORY = 4 * 2**30
"""Bytes of address space; libraries alone reserve one and a half. What is resident is measured."""


def run(words: list[str]) -> int:
    """Run a command and print its peak as the last line of stderr."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        return preloaded.run(words)
    finally:
        sys.stderr.write(f"\npeak {peak_megabytes()} MB\n")
        sys.stderr.flush()


if __name__ == "__main__":
    serve(run)
