"""`vertex remove-datapoints`: remove datapoints from an index and wait until they are gone."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field

from flows.confirmation import agree
from flows.engine_flow import engine_flow
from flows.options import Timed
from flows.report import Report
from flows.runs import running
from flows.versions.changes import of
from flows.vertex.datapoint_plans import removal_plan
from flows.vertex.engine import VERTEX
from flows.vertex.options import BuiltIndexOptions
from tasks.errors import InvalidInput
from tasks.plurals import counted
from tasks.vertex.datapoints.files import Ids, read_id_file
from tasks.vertex.resources.updated import read_updated
from tasks.vertex.streaming.arrivals import wait_for_removals
from tasks.vertex.streaming.updates import apply_removals


class RemoveDatapointsOptions(BuiltIndexOptions, Timed, frozen=True):
    """The options of `vertex remove-datapoints`."""

    file: str | None = Field(
        default=None,
        description="Text file with one datapoint id per line, blanks included; *.jsonl: one JSON string per line, for ids with line breaks.",
    )
    ids: tuple[str, ...] = Field(default=(), description="Datapoint ids, instead of a file.")


@engine_flow(VERTEX, "remove-datapoints", run_name="remove from {name} on {target}")
def remove_datapoints(options: RemoveDatapointsOptions) -> Report:
    """Remove datapoints from an index and wait until they are no longer served.

    An id that does not exist is not an error. If the name has several versions, they are removed from each of them, or none is.

    Example:
        vector-search vertex remove-datapoints --name products --ids 17 --ids 42 --target sandbox
    """
    if bool(options.file) == bool(options.ids):
        raise InvalidInput("Give either a file of ids or ids, not both", source="file, ids")
    # Not Path.is_file, which raises for an id that is too long for a file's name.
    if names := [each for each in options.ids if os.path.isfile(each)]:  # noqa: PTH113
        raise InvalidInput(
            "This is the name of a file, and would be removed as an id",
            value=names[0],
            source="ids",
            remedy="Name the file with --file. An id that is spelled like a file can be given in one.",
        )
    with running(VERTEX, "remove-datapoints", options) as run:
        versions = read_updated(run.settings, options.name, "STREAM_UPDATE")
        going: Ids = read_id_file(Path(options.file)) if options.file else options.ids
        agree([], yes=True, plan=lambda: removal_plan(run, versions, len(going)))
        for each in versions:
            with run.report.step(f"remove the datapoints{of(each, versions)}") as step:
                applied = apply_removals(run.settings, each, going, run.deadline)
                step.saw(f"{counted(applied.datapoints, 'id')} in {counted(applied.requests, 'request')}")
        for each in versions:
            with run.report.step(f"wait until they are gone{of(each, versions)}") as step:
                wait_for_removals(run.settings, each, going, run.deadline)
                step.saw("none is served any longer")
    return run.report
