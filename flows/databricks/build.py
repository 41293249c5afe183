"""`databricks build`: vectors from a file to an index on an endpoint of its own."""

from __future__ import annotations

from pydantic import Field

from flows.databricks.build_steps import IndexPlan, build
from flows.databricks.engine import DATABRICKS
from flows.databricks.options import DATA, DataOptions
from flows.databricks.version_steps import prune
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement, timeout
from flows.report import Report
from flows.runs import running
from flows.versions.changes import serve
from tasks.databricks.data import read_validated
from tasks.databricks.endpoints import ensure_served
from tasks.databricks.specs import ColumnName, EndpointKind, IndexSpec, IndexType, Name
from tasks.errors import InvalidInput
from tasks.plurals import counted, listed
from tasks.program import command
from tasks.progress import say


class BuildIndexOptions(DataOptions, Confirmed, Timed, frozen=True):
    """The options of `databricks build`."""

    name: Name = Field(
        description="Names the endpoint, and the index with underscores for dashes: lowercase letters, digits and dashes, starting "
        "with a letter."
    )
    data: str = Field(description=f"File of vectors: {DATA}")
    limit: int | None = Field(default=None, ge=1, description="Load only the first N rows.")
    data_columns: tuple[str, ...] = Field(
        default=(),
        description="Datasets or columns with one value per row that become columns of the index, for filters and answers. Booleans "
        "become true and false as text; an empty string, NaN or null: the row has none.",
    )
    index_type: IndexType = Field(
        default="DIRECT_ACCESS",
        description="DIRECT_ACCESS takes rows by itself; DELTA_SYNC follows a source table, which is made and filled here, and needs a SQL "
        "warehouse.",
    )
    endpoint_type: EndpointKind | None = Field(
        default=None,
        description="STORAGE_OPTIMIZED is cheaper and slower, takes SQL-like filters, and needs dimensions that are multiples of 16. "
        "Default: that of the endpoint, STANDARD for a new one.",
    )
    vector_column: ColumnName = Field(default="embedding", description="The name of the vector column.")
    as_version: bool = Field(
        default=False,
        description="Build other data or other columns as a new version beside the served one, and serve it once it passes min_recall. "
        "It holds the file's rows, not what was upserted into the other. Both cost until the old one is pruned.",
    )
    min_recall: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="The recall@10 to reach, where the file has queries; 0 only measures. With as_version it must have some.",
    )
    prune: bool = Field(
        default=False,
        description="Remove the other versions once the new one is served; no rollback then. For as_version.",
    )
    yes: bool = agreement("the cost, and to replacing the content of an index,")
    timeout_minutes: float = timeout(240)


@engine_flow(DATABRICKS, "build", run_name="build {name} on {target}")
def build_index(options: BuildIndexOptions) -> Report:
    """Build a searchable index on an endpoint of its own from a file of vectors.

    Reads what exists and creates only what is missing: a run after a crash resumes, a run after success changes nothing. Different
    data under the same name replaces every row, including those that were added since, which needs a confirmation. With as_version
    it is built as a new version instead, measured, and served without downtime; the version before stays for `databricks rollback`
    until `databricks prune`.

    Example:
        vector-search databricks build --name products --data products.hdf5 --target sandbox
    """
    source = options.row_source(options.data, options.limit, options.data_columns)
    if len(set(options.data_columns)) < len(options.data_columns):
        raise InvalidInput(
            "A column is named twice", value=", ".join(options.data_columns), source="data_columns"
        )
    if options.prune and not options.as_version:
        raise InvalidInput(
            "Only a build of a new version prunes the others", value=True, source="prune", accepted="prune together with as_version",
            remedy=f"`{command('databricks prune', name=options.name)}` removes the versions that are not served.",
        )  # fmt: skip
    with running(DATABRICKS, "build", options) as run:
        with run.report.step("validate the data") as step:
            validated, types = read_validated(
                source, options.vector_column, queries_needed=options.as_version
            )
            step.saw(
                f"{counted(validated.rows, 'row')} of {counted(validated.dimensions, 'dimension')}, content {validated.content}"
            )
            if validated.converted_from:
                step.saw(f"the vectors are {validated.converted_from} and were converted to float32")
            if validated.unused:
                names = listed(
                    [name if name.startswith("and ") else f"`{name}`" for name in validated.unused]
                )
                step.saw(f"not used: {names}; --data-columns takes a column as a column of the index")
        spec = IndexSpec(
            name=options.name,
            index_type=options.index_type,
            dimensions=validated.dimensions,
            vector_column=options.vector_column,
            data_columns=types,
        )
        plan = IndexPlan(
            source=source,
            index=spec,
            as_version=options.as_version,
            min_recall=options.min_recall,
            endpoint_type=options.endpoint_type,
        )
        built = build(run, plan, validated, yes=options.yes, prunes=options.prune)
        if not built.is_served:
            serve(run, options.name, built.index.version, ensure_served)
            built.changes.append(f"served the version {built.index.version}")
        if options.prune and (gone := prune(run, options.name)):
            built.changes.append(f"removed {listed(f'the version {one}' for one in gone)}")
        run.report.facts |= {
            "index": built.index.full_name,
            "endpoint": built.index.endpoint,
            "version": built.index.version,
            "rows": built.count,
            "recall": built.recall.model_dump() if built.recall else None,
            "changes": built.changes,
        }
        say(
            f"Done: {listed(built.changes)}."
            if built.changes
            else "Nothing to do: everything is already there."
        )
    return run.report
