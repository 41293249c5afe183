"""`elastic load`: load documents from a file into an index, each stored once."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from flows.confirmation import agree
from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions, ElasticRun
from flows.elastic.plans import load_plan
from flows.elastic.privileges import ask_privileges, to_load
from flows.engine_flow import engine_flow
from flows.options import Timed, timeout
from flows.report import Report
from flows.runs import running
from tasks.artifact_keys import artifact_key
from tasks.elastic.data.documents import CheckedDocuments, DocumentSource, read_checked_documents
from tasks.elastic.indices.adoption import ensure_adopted, read_adoptable
from tasks.elastic.indices.definitions import (
    Definition,
    completed,
    read_defaults,
    read_definition,
    verify_default_pipeline,
)
from tasks.elastic.indices.indices import (
    ensure_index,
    ensure_index_settings,
    read_index,
    read_index_to_change,
)
from tasks.elastic.indices.loading import DocumentsRefused, Loaded, apply_documents
from tasks.elastic.indices.pipelines import ensure_pipeline, lowercase_pipeline
from tasks.elastic.specs import IndexSpec, Name, text_field
from tasks.errors import InvalidInput
from tasks.measures.pace import Pace
from tasks.plurals import counted
from tasks.progress import say
from tasks.settings import home


class LoadOptions(ElasticOptions, Timed, frozen=True):
    """The options of `elastic load`."""

    name: Name = Field(description="The index to load into.")
    data: str = Field(description="The file of documents.")
    id_field: str | None = Field(
        default=None,
        description="The field that holds the document's id. Default: a hash of the document.",
    )
    text_fields: tuple[str, ...] = Field(
        default=(),
        description="Fields to search as text; all others are mapped dynamically.",
    )
    mapping: str | None = Field(
        default=None,
        description="A JSON file with the mapping of the new index, as the create index API takes it; fields that it does not name follow its `dynamic`.",
    )
    settings: str | None = Field(
        default=None,
        description="A JSON file with settings of the new index, such as analyzers and limits.",
    )
    adopt: bool = Field(
        default=False,
        description="Load into an index that somebody else created: it is marked as ours, and keeps its mapping and settings.",
    )
    lowercase_field: str | None = Field(
        default=None,
        description="A field that the index's default pipeline converts to lowercase; for an existing index, the same as before.",
    )
    limit: int | None = Field(default=None, ge=1, description="Load only the first N documents.")
    shards: int | None = Field(
        default=None,
        ge=1,
        description="Primary shards of the index. Default: as the settings or an index template say, else 1.",
    )
    replicas: int | None = Field(
        default=None,
        ge=0,
        description="Copies of each shard. Default: as the settings or an index template say, else 1.",
    )
    timeout_minutes: float = timeout(120)

    @property
    def source(self) -> DocumentSource:
        """The part of the file that is loaded."""
        return DocumentSource(path=Path(self.data), id_field=self.id_field, limit=self.limit)

    @property
    def index(self) -> IndexSpec:
        """The index that the documents go into."""
        return IndexSpec(
            name=self.name,
            properties={field: text_field() for field in self.text_fields},
            default_pipeline=f"{self.name}-lowercase" if self.lowercase_field else None,
        )

    @property
    def definition(self) -> Definition:
        """What the files say of the index.

        Raises:
            InvalidInput: one cannot be used.
        """
        return read_definition(
            Path(self.mapping) if self.mapping else None, Path(self.settings) if self.settings else None
        )

    def refuse_definitions(self, why: str) -> None:
        """Refuse options that say what an index should be, for one that somebody else created.

        Raises:
            InvalidInput: one is given.
        """
        for name in ("mapping", "settings", "text_fields", "lowercase_field", "shards", "replicas"):
            if (given := getattr(self, name)) not in (None, ()):
                raise InvalidInput(
                    f"{why}, which keeps the mapping and the settings that it has",
                    value=given,
                    source=f"--{name.replace('_', '-')}",
                    remedy="Leave it out, or load under another name.",
                )


@engine_flow(ELASTIC, "load", run_name="load {name} on {target}")
def load_documents(options: LoadOptions) -> Report:
    """Load documents from a file of JSON lines, or of one JSON array, into an index.

    The whole file is checked before anything is created. Documents that the cluster rejects for good are written to a
    separate file with the reason; all others are stored. Loading the same file again changes nothing.

    Example:
        vector-search elastic load --name movies --data movies.jsonl --id-field id --target sandbox
    """
    with running(ELASTIC, "load", options) as run:
        ask_privileges(run, *to_load(options.name, pipeline=options.lowercase_field is not None))
        there = None if options.adopt else read_index(run.settings, options.name)
        if options.adopt or (there and there.adopted):
            options.refuse_definitions(f"The index {options.name} is adopted")
            loaded = load_adopted(run, options.source, options.name)
        else:
            own = options.definition
            verify_default_pipeline(run.settings, own)
            spec = completed(
                options.index,
                own,
                read_defaults(run.settings, options.name),
                shards=options.shards,
                replicas=options.replicas,
            )
            loaded = load(run, options.source, spec, options.lowercase_field, options.text_fields)
        done = (
            "Nothing to do: the index already holds these documents."
            if loaded.unchanged
            else f"Loaded {options.name}."
        )
        say(done)
    return run.report


def load(
    run: ElasticRun,
    source: DocumentSource,
    spec: IndexSpec,
    lowercase_field: str | None,
    needed: tuple[str, ...],
) -> Loaded:
    """Chain the steps of a load. The tour calls this too.

    Args:
        run: where, and until when.
        source: the documents.
        spec: the index.
        lowercase_field: what its default pipeline converts.
        needed: fields that must each occur in a document.

    Raises:
        CannotChangeInPlace: the index exists with other fields, shards or another default pipeline; nothing is sent.
        DocumentsRefused: some were rejected; all others are stored, and the index has its final settings.
    """
    settings, report = run.settings, run.report
    with report.step("check the documents") as step:
        checked = read_checked_documents(source, needed)
        step.saw(f"{counted(checked.documents, 'document')}, {checked.repeated:,} repeated")
    pipeline = None
    if spec.default_pipeline and lowercase_field:
        pipeline = lowercase_pipeline(spec.default_pipeline, lowercase_field)
    with report.step(f"index {spec.name}") as step:
        there = read_index_to_change(settings, spec)
        agree([], yes=True, plan=lambda: load_plan(run, checked, spec.name, there, pipeline))
        if pipeline is not None:
            ensure_pipeline(settings, pipeline)
        step.saw("created" if ensure_index(settings, spec).changed else "unchanged")
    return _fill(run, checked, spec.name, spec)


def load_adopted(run: ElasticRun, source: DocumentSource, name: str) -> Loaded:
    """Chain the steps of a load into an index that somebody else created.

    Raises:
        InvalidInput: it cannot be adopted.
        DocumentsRefused: some were rejected; all others are stored.
    """
    with run.report.step("check the documents") as step:
        checked = read_checked_documents(source)
        step.saw(f"{counted(checked.documents, 'document')}, {checked.repeated:,} repeated")
    with run.report.step(f"adopt index {name}") as step:
        there = read_adoptable(run.settings, name)
        agree([], yes=True, plan=lambda: load_plan(run, checked, name, there, adopts=True))
        step.saw("marked as ours" if ensure_adopted(run.settings, name).changed else "was ours")
        step.saw("documents of the same id are replaced by those of the file")
    return _fill(run, checked, name, None)


def _fill(run: ElasticRun, checked: CheckedDocuments, name: str, final: IndexSpec | None) -> Loaded:
    """Load the documents; then set the final settings of an index of our own."""
    with run.report.step(f"load documents into {name}") as step:
        refused_file = home() / "refused" / f"{artifact_key(name)}.jsonl"
        pace = Pace(into=name)
        run.report.facts["pace"] = pace
        loaded = apply_documents(
            run.settings, name, checked, run.deadline, refused_file=refused_file, pace=pace
        )
        pace.ended = True
        if loaded.unchanged:
            del run.report.facts["pace"]
        step.saw(
            "unchanged"
            if loaded.unchanged
            else f"{loaded.created:,} created, {loaded.updated:,} updated, {loaded.refused:,} refused"
        )
        if final is not None:
            ensure_index_settings(run.settings, final)
        if loaded.refused:
            raise DocumentsRefused(loaded)
    return loaded
