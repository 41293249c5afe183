"""`elastic load`: load documents from a file into an index, each stored once."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions, ElasticRun
from flows.engine_flow import engine_flow
from flows.options import Timed, timeout
from flows.report import Report
from flows.runs import running
from tasks.artifact_keys import artifact_key
from tasks.elastic.data.documents import DocumentSource, read_checked_documents
from tasks.elastic.indices.indices import ensure_index, ensure_index_settings, read_index_to_change
from tasks.elastic.indices.loading import DocumentsRefused, Loaded, apply_documents
from tasks.elastic.indices.pipelines import ensure_pipeline, lowercase_pipeline
from tasks.elastic.specs import IndexSpec, Name, text_field
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
    lowercase_field: str | None = Field(
        default=None,
        description="A field that the index's default pipeline converts to lowercase; for an existing index, the same as before.",
    )
    limit: int | None = Field(default=None, ge=1, description="Load only the first N documents.")
    shards: int = Field(default=1, ge=1, description="Primary shards of the index.")
    replicas: int = Field(default=1, ge=0, description="Copies of each shard.")
    timeout_minutes: float = timeout(120)

    @property
    def source(self) -> DocumentSource:
        """The part of the file that is loaded."""
        return DocumentSource(path=Path(self.data), id_field=self.id_field, limit=self.limit)

    @property
    def index(self) -> IndexSpec:
        """The index that the documents go into."""
        of_its_own = {
            "properties": {field: text_field() for field in self.text_fields},
            "default_pipeline": f"{self.name}-lowercase" if self.lowercase_field else None,
        }
        return IndexSpec.model_validate({**self.shared_with(IndexSpec), **of_its_own})


@engine_flow(ELASTIC, "load", run_name="load {name} on {target}")
def load_documents(options: LoadOptions) -> Report:
    """Load documents from a file of JSON lines, or of one JSON array, into an index.

    The whole file is checked before anything is created. Documents that the cluster rejects for good are written to a
    separate file with the reason; all others are stored. Loading the same file again changes nothing.

    Example:
        vector-search elastic load --name movies --data movies.jsonl --id-field id --target sandbox
    """
    with running(ELASTIC, "load", options) as run:
        loaded = load(run, options.source, options.index, options.lowercase_field)
        done = (
            "Nothing to do: the index already holds these documents."
            if loaded.unchanged
            else f"Loaded {options.name}."
        )
        say(done)
    return run.report


def load(run: ElasticRun, source: DocumentSource, spec: IndexSpec, lowercase_field: str | None) -> Loaded:
    """Chain the steps of a load. The tour calls this too.

    Raises:
        CannotChangeInPlace: the index exists with other fields, shards or another default pipeline; nothing is sent.
        DocumentsRefused: some were rejected; all others are stored, and the index has its final settings.
    """
    settings, report = run.settings, run.report
    with report.step("check the documents") as step:
        checked = read_checked_documents(source, tuple(spec.properties))
        step.saw(f"{counted(checked.documents, 'document')}, {checked.repeated:,} repeated")
    with report.step(f"create index {spec.name}") as step:
        read_index_to_change(settings, spec)
        if spec.default_pipeline and lowercase_field:
            ensure_pipeline(settings, lowercase_pipeline(spec.default_pipeline, lowercase_field))
        step.saw("created" if ensure_index(settings, spec).changed else "was there")
    with report.step(f"load documents into {spec.name}") as step:
        refused_file = home() / "refused" / f"{artifact_key(spec.name)}.jsonl"
        loaded = apply_documents(settings, spec.name, checked, run.deadline, refused_file=refused_file)
        step.saw(
            "unchanged"
            if loaded.unchanged
            else f"{loaded.created:,} created, {loaded.updated:,} updated, {loaded.refused:,} refused"
        )
        ensure_index_settings(settings, spec)
        if loaded.refused:
            raise DocumentsRefused(loaded)
    return loaded
