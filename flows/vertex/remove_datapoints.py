"""`vertex remove-datapoints`: stream removals into an index and wait until they are gone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.report import Report, reporting
from flows.slots import holding
from tasks.errors import InvalidInput
from tasks.vertex.datapoints.datapoints import Ids, read_id_file
from tasks.vertex.resources.served import read_served_index
from tasks.vertex.settings import VertexTarget, vertex_settings
from tasks.vertex.specs import Name
from tasks.vertex.streaming.arrivals import wait_for_removals
from tasks.vertex.streaming.updates import apply_removals
from tasks.waiting import Deadline


@flow(name="vertex remove-datapoints", flow_run_name="remove from {name} on {target}")
def remove_datapoints(
    *,
    name: Name,
    target: VertexTarget,
    file: str | None = None,
    ids: tuple[str, ...] = (),
    timeout_minutes: Annotated[float, Field(gt=0)] = 60,
) -> Report:
    """Stream removals into an index and wait until the datapoints are no longer served.

    An id that is not there is no error.

    Args:
        name: The name that the index was built under.
        target: Where it was built: sandbox, or google-cloud with VERTEX_PROJECT and VERTEX_LOCATION set.
        file: Text with one datapoint id a line.
        ids: A few ids by value, in place of a file.
        timeout_minutes: Give up waiting after so many minutes; what was accepted stays.

    Example:
        vector-search vertex remove-datapoints --name products --ids 17 --ids 42 --target sandbox
    """
    if bool(file) == bool(ids):
        raise InvalidInput("Give either a file of ids or ids, and not both", source="file, ids")
    settings, deadline = vertex_settings(target), Deadline.after(minutes=timeout_minutes)
    with reporting("vertex remove-datapoints", name, target) as report, holding("vertex", name, deadline):
        served = read_served_index(settings, name)
        going: Ids = read_id_file(Path(file)) if file else ids
        with report.step("remove the datapoints") as step:
            applied = apply_removals(settings, served, going, deadline)
            step.saw(f"{applied.datapoints:,} ids in {applied.requests:,} requests")
        with report.step("see them gone") as step:
            wait_for_removals(settings, served, going, deadline)
            step.saw("none is served any more")
    return report
