"""`vertex import`: datapoints added, overwritten and deleted by files, in an index of batch updates."""

from __future__ import annotations

from pydantic import Field

from flows.engine_flow import engine_flow
from flows.options import Interruptible, Timed, timeout
from flows.report import Report
from flows.runs import running
from flows.vertex.engine import VERTEX
from flows.vertex.imports.steps import import_delta
from flows.vertex.options import DATA, BuiltIndexOptions, DataOptions
from tasks.errors import InvalidInput
from tasks.program import command
from tasks.progress import say
from tasks.vertex.data.import_formats import ImportFormat
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.imports.deltas import DeltaSource
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.resources.updated import read_updated


class ImportOptions(BuiltIndexOptions, DataOptions, DatapointRules, Timed, Interruptible, frozen=True):
    """The options of `vertex import`."""

    data: str | None = Field(
        default=None, description=f"File of datapoints to add or overwrite, with their ids: {DATA}"
    )
    delete_ids_from: str | None = Field(
        default=None,
        description="Text file with one datapoint id per line, to delete; a local path or a gs:// address. *.jsonl: one JSON "
        "string per line. An id that does not exist is not an error.",
    )
    limit: int | None = Field(default=None, ge=1, description="Import only the first N rows of the data.")
    import_format: ImportFormat = Field(
        default="jsonl", description="How the import files are written: avro is smaller."
    )
    timeout_minutes: float = timeout(240)


@engine_flow(VERTEX, "import", run_name="import into {name} on {target}")
def import_datapoints(options: ImportOptions) -> Report:
    """Add, overwrite and delete datapoints of a BATCH_UPDATE index by import files; all others stay.

    A datapoint replaces the stored one with the same id completely. Everything is validated before anything is uploaded. The
    import is followed to its end, then until the deployed copy serves it; at last some of the datapoints are read back. A run
    after a crash resumes; the same import again changes nothing, unless another one came between. If the name has several
    versions, it goes to each of them, or is refused.

    Example:
        vector-search vertex import --name products --data changed.hdf5 --delete-ids-from gone.txt --target sandbox
    """
    if not options.data and not options.delete_ids_from:
        raise InvalidInput(
            "An import needs datapoints to write or ids to delete", source="data, delete_ids_from"
        )
    rules = DatapointRules.model_validate(options.shared_with(DatapointRules))
    data = options.data_source(options.data, options.limit, rules) if options.data else None
    source = DeltaSource(data=data, deletions=options.delete_ids_from)
    with running(VERTEX, "import", options) as run:
        versions = read_updated(run.settings, options.name, "BATCH_UPDATE")
        _refuse_streaming(versions[0])
        changes = import_delta(run, source, versions, options.import_format)
        run.report.facts |= {"changes": changes}
        done = "; ".join(changes)
        say(f"Done: {done}." if done else "Nothing to do: this was the last import, and it is served.")
    return run.report


def _refuse_streaming(served: ServedIndex) -> None:
    if served.update_method != "BATCH_UPDATE":
        raise InvalidInput(
            f"The index {served.name} takes no imports beside what it holds", value=served.update_method, accepted="BATCH_UPDATE",
            remedy=f"A streaming index is updated within seconds: `{command('vertex upsert-datapoints', name=served.name, file='FILE.jsonl')}` "
            f"and `{command('vertex remove-datapoints', name=served.name, file='IDS.txt')}`. To replace all its content: "
            f"`{command('vertex build', name=served.name, data='FILE.hdf5')}`.",
        )  # fmt: skip
