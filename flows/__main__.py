"""The one way in from a shell: the command `vector-search`, and `python -m flows`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def run() -> int:
    """Run the command line in `sys.argv` and return its exit code."""
    # The current folder may have a `tasks.py` of its own, as Invoke and Celery want it, and so may a folder in
    # PYTHONPATH: our packages come first.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    for package in ("tasks", "protos"):
        import_module(package)
    del sys.path[0]  # the standard library keeps its place before what is installed
    from flows.command_line.main import main  # noqa: PLC0415

    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(run())
