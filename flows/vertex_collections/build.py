"""`vertex-collections build`: vectors from a file to an indexed collection of data objects."""

from __future__ import annotations

from pydantic import Field

from flows.engine_flow import engine_flow
from flows.options import Confirmed, Interruptible, Timed, agreement, timeout
from flows.report import Report
from flows.runs import running
from flows.vertex.options import DATA, DataOptions
from flows.vertex_collections.build_steps import CollectionPlan, Load, build
from flows.vertex_collections.engine import VERTEX_COLLECTIONS
from tasks.errors import InvalidInput
from tasks.plurals import counted, listed
from tasks.progress import say
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex.imports.import_data import read_validated
from tasks.vertex.specs import FeatureNorm
from tasks.vertex_collections.records import DataObjectRules, read_data_fields
from tasks.vertex_collections.specs import (
    CollectionIndexSpec,
    CollectionName,
    CollectionSpec,
    DataType,
    DistanceMetric,
    Embedding,
    FieldName,
    IndexKind,
    Mode,
    TaskType,
)


class BuildCollectionOptions(DataOptions, Confirmed, Timed, Interruptible, frozen=True):
    """The options of `vertex-collections build`."""

    name: CollectionName = Field(
        description="Names the collection, its index and its files: lowercase letters, digits and dashes, starting with a letter."
    )
    data: str = Field(description=f"File of vectors: {DATA}")
    limit: int | None = Field(default=None, ge=1, description="Load only the first N rows.")
    data_columns: tuple[str, ...] = Field(
        default=(),
        description="Datasets or columns with one value per row that become data fields, for filters, searches by words and answers. "
        "Booleans become true and false as text; an empty string, NaN or null: the row has none.",
    )
    vector_field: FieldName = Field(default="embedding", description="The name of the vector field.")
    distance_metric: DistanceMetric = Field(
        default="DOT_PRODUCT", description="How vectors are compared, with and without an index."
    )
    load: Load = Field(
        default="auto",
        description="import goes through files in the bucket, batches sends up to 1,000 data objects a call; auto imports more than "
        "10,000 rows.",
    )
    index: IndexKind = Field(
        default="scann",
        description="scann searches approximately; none builds no index, and every search compares with every vector.",
    )
    feature_norm: FeatureNorm = Field(
        default="NONE", description="UNIT_L2_NORM lets the index normalize every vector."
    )
    mode: Mode = Field(
        default="PERFORMANCE_OPTIMIZED", description="What the machines of the index are chosen for."
    )
    filter_fields: tuple[str, ...] = Field(
        default=(), description="Data columns that the index filters by itself, which is faster."
    )
    store_fields: tuple[str, ...] = Field(
        default=(), description="Data columns that the index answers with by itself."
    )
    min_replicas: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Minimum number of replicas of the index, which always run and are billed. Default: the current number, 2 for a "
        "new one.",
    )
    max_replicas: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Maximum number of replicas under load. Default: the current number, at least min_replicas.",
    )
    embedding_model: str | None = Field(
        default=None,
        min_length=1,
        description="The model that your vectors come from, for searches by meaning: gemini-embedding-001. The service embeds their "
        "texts, and later data objects without a vector.",
    )
    text_template: str | None = Field(
        default=None,
        description="How a data object becomes a text for that model, with data fields in braces: '{title}: {plot}'.",
    )
    task_type: TaskType = Field(
        default="RETRIEVAL_DOCUMENT", description="What that model embeds data objects for."
    )
    min_recall: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="The recall@10 to reach, where the file has queries; 0 only measures.",
    )
    yes: bool = agreement("the cost, and to replacing the content of a collection,")
    timeout_minutes: float = timeout(240)


@engine_flow(VERTEX_COLLECTIONS, "build", run_name="build {name} on {target}")
def build_collection(options: BuildCollectionOptions) -> Report:
    """Build a searchable, indexed collection from a file of vectors.

    Reads what exists and creates only what is missing: a run after a crash resumes, a run after success changes nothing.
    Ids that the service does not allow are translated: 17 is stored as id-17, SKU_7/b as b32-knfvkxzxf5ra; every command
    takes and shows them as the file has them. Different data under the same name replaces every data object, including those
    that were added since, which needs a confirmation.

    Example:
        vector-search vertex-collections build --name products --data products.hdf5 --target sandbox
    """
    embedding = _embedding(options)
    _refuse_unknown_fields(options)
    rules = DataObjectRules(restrict_columns=options.data_columns, vector_field=options.vector_field)
    source = options.data_source(options.data, options.limit, rules)
    with running(VERTEX_COLLECTIONS, "build", options) as run:
        with run.report.step("validate the data") as step:
            # Before what every file of vectors must be: what a data object cannot be is said in words of collections.
            fields = read_data_fields(run.settings, source)
            validated = read_validated(run.settings, source)
            _refuse_other_vectors(validated)
            step.saw(
                f"{counted(validated.rows, 'row')} of {counted(validated.dimensions, 'dimension')}, content {validated.content}"
            )
            for found in _remarks(validated):
                step.saw(found)
                say(found)
        plan = CollectionPlan(
            source=source,
            collection=_collection(options, validated, fields, embedding),
            index=_index(options),
            load=options.load,
            min_recall=options.min_recall,
        )
        built = build(run, plan, validated, yes=options.yes)
        run.report.facts |= {
            "collection": built.collection.resource,
            "index": built.index.resource if built.index else None,
            "data_objects": built.count,
            "recall": built.recall.model_dump() if built.recall else None,
            "changes": built.changes,
        }
        say(
            f"Done: {listed(built.changes)}."
            if built.changes
            else "Nothing to do: everything is already there."
        )
    return run.report


def _collection(
    options: BuildCollectionOptions,
    validated: ValidatedVectors,
    fields: tuple[tuple[str, DataType], ...],
    embedding: Embedding | None,
) -> CollectionSpec:
    return CollectionSpec(
        name=options.name,
        dimensions=validated.dimensions,
        vector_field=options.vector_field,
        distance_metric=options.distance_metric,
        data_fields=fields,
        embedding=embedding,
    )


def _index(options: BuildCollectionOptions) -> CollectionIndexSpec | None:
    if options.index == "none":
        return None
    spec = CollectionIndexSpec.model_validate(
        {**options.shared_with(CollectionIndexSpec), "index_field": options.vector_field}
    )
    if spec.min_replicas:  # else the number that runs is the least, which is not known yet
        spec.replicas()
    return spec


def _embedding(options: BuildCollectionOptions) -> Embedding | None:
    if (options.embedding_model is None) != (options.text_template is None):
        raise InvalidInput(
            "An embedding model needs a text template, and the other way round",
            value=options.embedding_model or options.text_template,
            source="embedding_model, text_template",
            accepted="both or neither",
        )
    if options.embedding_model is None or options.text_template is None:
        return None
    return Embedding(
        model_id=options.embedding_model, text_template=options.text_template, task_type=options.task_type
    )


def _refuse_unknown_fields(options: BuildCollectionOptions) -> None:
    for option in ("filter_fields", "store_fields"):
        for field in getattr(options, option):
            if field not in options.data_columns:
                raise InvalidInput(
                    "This is no data field of the collection", value=field, source=option,
                    accepted=", ".join(options.data_columns) or "none: --data-columns names none",
                )  # fmt: skip


def _refuse_other_vectors(validated: ValidatedVectors) -> None:
    if validated.sparse_rows or validated.dense_rows != validated.rows:
        raise InvalidInput(
            "A collection is built from dense vectors, one in each row", value=validated.vectors, source=validated.name,
            accepted=f"{validated.rows:,} dense vectors and no sparse ones",
        )  # fmt: skip


def _remarks(validated: ValidatedVectors) -> list[str]:
    found = list[str]()
    if validated.converted_from:
        found.append(f"The vectors are {validated.converted_from} and were converted to float32.")
    if validated.unused:
        names = listed([name if name.startswith("and ") else f"`{name}`" for name in validated.unused])
        found.append(
            f"Not used: {names}. --data-columns takes a column as a data field, --ids-from as ids, --vectors-from as vectors."
        )
    return found
