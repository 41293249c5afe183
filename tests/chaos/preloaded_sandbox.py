"""The stand-ins, loaded to be forked: one starts in a tenth of the time."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

# Before numpy is loaded, as the sandbox's own command sets it.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import sandbox.databricks.server
import sandbox.elastic.server
import sandbox.model_server.server
import sandbox.vertex.server  # noqa: F401 -- loaded for the forks
from sandbox.__main__ import main
from sandbox.models import splade
from tests.forks import serve

splade.load_splade()
_PR_SET_PDEATHSIG = 1


def run(words: list[str]) -> int:
    """Be `python -m sandbox`, and end with the process that forks."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    sys.argv[1:] = words
    main()
    return 0


if __name__ == "__main__":
    serve(run)
