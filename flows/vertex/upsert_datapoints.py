"""`vertex upsert-datapoints`: stream datapoints into an index and wait until they are served."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from flows.confirmation import agree
from flows.engine_flow import engine_flow
from flows.options import Timed
from flows.report import Report
from flows.runs import running
from flows.versions.changes import of
from flows.vertex.datapoint_plans import upsert_plan
from flows.vertex.engine import VERTEX
from flows.vertex.options import BuiltIndexOptions
from tasks.errors import InvalidInput
from tasks.plurals import counted
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.files import Datapoints, read_datapoint_file
from tasks.vertex.resources.updated import read_updated
from tasks.vertex.streaming.arrivals import verify_datapoints_exist, wait_for_datapoints
from tasks.vertex.streaming.updates import apply_upserts


class UpsertDatapointsOptions(BuiltIndexOptions, Timed, frozen=True):
    """The options of `vertex upsert-datapoints`."""

    file: str | None = Field(
        default=None,
        description="JSON lines in the format of import files: id, embedding, sparse_embedding, restricts, numeric_restricts, crowding_tag, embedding_metadata.",
    )
    datapoints: tuple[Datapoint, ...] = Field(
        default=(),
        description='Datapoints by value, instead of a file: {"id": "17", "vector": [...]} as JSON, with the other fields of a file as they are there.',
    )
    restricts_only: bool = Field(
        default=False,
        description="Change only restricts and numeric restricts of stored datapoints; vectors and crowding tags stay.",
    )


@engine_flow(VERTEX, "upsert-datapoints", run_name="upsert into {name} on {target}")
def upsert_datapoints(options: UpsertDatapointsOptions) -> Report:
    """Stream datapoints into an index and wait until they are served as sent.

    A datapoint replaces the stored one with the same id completely. All are validated before the first is sent. If the name
    has several versions, it goes to each of them, or is refused.

    Example:
        vector-search vertex upsert-datapoints --name products --file new.jsonl --target sandbox
    """
    if bool(options.file) == bool(options.datapoints):
        raise InvalidInput(
            "Give either a file of datapoints or datapoints, not both", source="file, datapoints"
        )
    only = options.restricts_only
    with running(VERTEX, "upsert-datapoints", options) as run:
        settings, report, deadline = run.settings, run.report, run.deadline
        versions = read_updated(settings, options.name, "STREAM_UPDATE")
        served = versions[0]
        points: Datapoints = options.datapoints
        if options.file:
            with report.step("validate the datapoints") as step:
                points = read_datapoint_file(Path(options.file), served.dimensions, restricts_only=only)
                step.saw(f"{counted(len(points), 'datapoint')}, nothing wrong")
        for each in versions if only else ():
            with report.step(f"check that the datapoints exist{of(each, versions)}") as step:
                step.saw(f"{verify_datapoints_exist(settings, each, points, deadline):,} there")
        agree([], yes=True, plan=lambda: upsert_plan(run, versions, len(points), restricts_only=only))
        for each in versions:
            with report.step(f"upsert the datapoints{of(each, versions)}") as step:
                applied = apply_upserts(settings, each, points, deadline, restricts_only=only)
                step.saw(
                    f"{counted(applied.datapoints, 'datapoint')} in {counted(applied.requests, 'request')}, {applied.bytes:,} bytes"
                )
        for each in versions:
            with report.step(f"wait until they are served{of(each, versions)}") as step:
                wait_for_datapoints(settings, each, points, deadline, restricts_only=only)
                step.saw("all read back as sent")
    return report
