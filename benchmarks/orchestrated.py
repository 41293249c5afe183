"""What the benchmarks of whole flows run against: a Prefect server and a sandbox of their own."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.context import refresh_global_settings_context

from flows.stack import processes
from flows.stack.stack import SANDBOX, Stack
from sandbox import process
from sandbox.announced import announcement


@contextmanager
def orchestrated(*options: object) -> Iterator[Path]:
    """Both, until the block ends, and a folder that goes with them.

    Args:
        options: those of the services of the sandbox, as `VertexOptions()`.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home, state = folder / "home", folder / "sandbox"
        with Stack(home, with_worker=False).running() as stack, process.running(state, *options):
            processes.stop([stack.state.alive(SANDBOX)])  # ours is another one
            os.environ |= stack.environment | {
                "VECTOR_SEARCH_SANDBOX": str(announcement(state)),
                "VECTOR_SEARCH_HOME": str(home),
            }
            refresh_global_settings_context()  # Prefect may be loaded already, and reads the environment once
            logging.disable(logging.INFO)
            yield folder
