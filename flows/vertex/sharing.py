"""One run at a time where an endpoint that several names share is created, deployed on or removed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from flows.running.slots import holding
from flows.vertex.engine import VERTEX
from flows.vertex.options import VertexRun


@contextmanager
def sharing(run: VertexRun, name: str, *endpoint_names: str) -> Generator[None]:
    """Hold the slots of the endpoints that have another name than the run, whose own it holds already.

    Raises:
        DeadlinePassed: another run worked on one of them all that time.
    """
    with ExitStack() as held:
        for each in endpoint_names:
            if each != name:
                where = VERTEX.where(run.settings)
                held.enter_context(holding(VERTEX.name, each, run.deadline, where=where))
        yield
