"""`vertex upsert-datapoints`: stream datapoints into an index and wait until they are served."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.report import Report, reporting
from flows.slots import holding
from tasks.errors import InvalidInput
from tasks.vertex.datapoints.datapoints import Datapoint, Datapoints, read_datapoint_file
from tasks.vertex.resources.served import read_served_index
from tasks.vertex.settings import VertexTarget, vertex_settings
from tasks.vertex.specs import Name
from tasks.vertex.streaming.arrivals import wait_for_datapoints
from tasks.vertex.streaming.updates import apply_upserts
from tasks.waiting import Deadline


@flow(name="vertex upsert-datapoints", flow_run_name="upsert into {name} on {target}")
def upsert_datapoints(
    *,
    name: Name,
    target: VertexTarget,
    file: str | None = None,
    datapoints: tuple[Datapoint, ...] = (),
    restricts_only: bool = False,
    timeout_minutes: Annotated[float, Field(gt=0)] = 60,
) -> Report:
    """Stream datapoints into an index and wait until they are served as they were sent.

    A datapoint replaces the stored one of its id whole. All are validated before the first is sent.

    Args:
        name: The name that the index was built under.
        target: Where it was built: sandbox, or google-cloud with VERTEX_PROJECT and VERTEX_LOCATION set.
        file: JSON lines in the format of import files: id, embedding, restricts, numeric_restricts, crowding_tag.
        datapoints: A few datapoints by value, in place of a file.
        restricts_only: Change restricts and numeric restricts, leave vectors and crowding tags as they are.
        timeout_minutes: Give up waiting after so many minutes; what was accepted stays.

    Example:
        vector-search vertex upsert-datapoints --name products --file new.jsonl --target sandbox
    """
    if bool(file) == bool(datapoints):
        raise InvalidInput(
            "Give either a file of datapoints or datapoints, and not both", source="file, datapoints"
        )
    settings, deadline = vertex_settings(target), Deadline.after(minutes=timeout_minutes)
    with reporting("vertex upsert-datapoints", name, target) as report, holding("vertex", name, deadline):
        served = read_served_index(settings, name)
        points: Datapoints = datapoints
        if file:
            with report.step("validate the datapoints") as step:
                points = read_datapoint_file(Path(file), served.dimensions, restricts_only=restricts_only)
                step.saw(f"{len(points):,} datapoints, nothing wrong")
        with report.step("upsert the datapoints") as step:
            applied = apply_upserts(settings, served, points, deadline, restricts_only=restricts_only)
            step.saw(
                f"{applied.datapoints:,} datapoints in {applied.requests:,} requests, {applied.bytes:,} bytes"
            )
        with report.step("see them served") as step:
            wait_for_datapoints(settings, served, points, deadline, restricts_only=restricts_only)
            step.saw("all read back as sent")
    return report
