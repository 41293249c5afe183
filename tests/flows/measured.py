"""The command line, preloaded for forks that may take only so much memory and say how much they took."""

from __future__ import annotations

import resource
import sys

from tests.flows import preloaded
from tests.forks import serve

MEMORY = 4 * 2**30
"""Bytes of address space; libraries alone reserve one and a half. What is resident is measured."""


def run(words: list[str]) -> int:
    """Run a command and print its peak as the last line of stderr."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        return preloaded.run(words)
    finally:
        sys.stderr.write(f"\npeak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB\n")
        sys.stderr.flush()


if __name__ == "__main__":
    serve(run)
