"""`databricks build`: vectors from a file to an index on an endpoint of its own."""

from __future__ import annotations

from pydantic import Field

from flows.databricks.build_steps import IndexPlan, build
from flows.databricks.engine import DATABRICKS
from flows.databricks.options import DATA, DatabricksRun, DataOptions
from flows.databricks.version_steps import prune
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement, timeout
from flows.report import Report
from flows.runs import running
from flows.versions.changes import serve
from tasks.databricks.data import RowSource, read_validated
from tasks.databricks.endpoints import ensure_served
from tasks.databricks.specs import ColumnName, EndpointKind, IndexSpec, IndexType, Name
from tasks.databricks.texts import TextSource, ValidatedTexts, read_validated_texts
from tasks.errors import InvalidInput
from tasks.plurals import counted, listed
from tasks.program import command
from tasks.progress import say
from tasks.vertex.data.validation import ValidatedVectors


class BuildIndexOptions(DataOptions, Confirmed, Timed, frozen=True):
    """The options of `databricks build`."""

    name: Name = Field(
        description="Names the endpoint, and the index with underscores for dashes: lowercase letters, digits and dashes, starting "
        "with a letter."
    )
    data: str = Field(description=f"File of vectors: {DATA} With embed_with, JSON lines of texts.")
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
    embed_with: str | None = Field(
        default=None,
        min_length=1,
        description="Let the service embed texts by this model serving endpoint, for DELTA_SYNC. The data are JSON lines with id and text, and "
        "the index is queried by text.",
    )
    text_column: ColumnName = Field(
        default="text", description="The field of the texts that are embedded. For embed_with."
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
        description="The recall@10 to reach, where the file has queries; 0 only measures. With as_version it must have some. With embed_with "
        "the share of a sample of texts that find their own row.",
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

    With embed_with the file holds texts, and the service embeds them in its pipeline; a query is a text then. The model serving endpoint
    is waited for until its model answers.

    Example:
        vector-search databricks build --name products --data products.hdf5 --target sandbox
    """
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
        plan, validated = _texts(run, options) if options.embed_with else _vectors(run, options)
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


def _vectors(run: DatabricksRun, options: BuildIndexOptions) -> tuple[IndexPlan, ValidatedVectors]:
    """The plan for rows with vectors."""
    source = options.row_source(options.data, options.limit, options.data_columns)
    with run.report.step("validate the data") as step:
        validated, types = read_validated(source, options.vector_column, queries_needed=options.as_version)
        step.saw(
            f"{counted(validated.rows, 'row')} of {counted(validated.dimensions, 'dimension')}, content {validated.content}"
        )
        if validated.converted_from:
            step.saw(f"the vectors are {validated.converted_from} and were converted to float32")
        if validated.unused:
            names = listed([name if name.startswith("and ") else f"`{name}`" for name in validated.unused])
            step.saw(f"not used: {names}; --data-columns takes a column as a column of the index")
    spec = IndexSpec(
        name=options.name,
        index_type=options.index_type,
        dimensions=validated.dimensions,
        vector_column=options.vector_column,
        data_columns=types,
    )
    return _plan(options, source, spec), validated


def _texts(run: DatabricksRun, options: BuildIndexOptions) -> tuple[IndexPlan, ValidatedTexts]:
    """The plan for rows of texts that the service embeds.

    Raises:
        InvalidInput: only a Delta Sync index does that here.
    """
    if options.index_type != "DELTA_SYNC":
        raise InvalidInput(
            "The service embeds the texts of a source table", value=options.index_type, source="index_type",
            accepted="DELTA_SYNC together with embed_with",
        )  # fmt: skip
    if options.text_column in options.data_columns:
        raise InvalidInput(
            "A column is named twice", value=options.text_column, source="text_column, data_columns"
        )
    source = TextSource(
        data=options.data,
        text_column=options.text_column,
        columns=options.data_columns,
        limit=options.limit,
    )
    with run.report.step("validate the data") as step:
        validated, types = read_validated_texts(source)
        step.saw(
            f"{counted(validated.rows, 'text')}, the longest of {validated.longest:,} bytes, content {validated.content}"
        )
    spec = IndexSpec(
        name=options.name, index_type="DELTA_SYNC", dimensions=0, data_columns=types,
        embed_with=options.embed_with or "", text_column=options.text_column,
    )  # fmt: skip
    return _plan(options, source, spec), validated


def _plan(options: BuildIndexOptions, source: RowSource | TextSource, spec: IndexSpec) -> IndexPlan:
    return IndexPlan(
        source=source,
        index=spec,
        as_version=options.as_version,
        min_recall=options.min_recall,
        endpoint_type=options.endpoint_type,
    )
