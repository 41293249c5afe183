"""`elastic load`: documents from a file into an index, each stored once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.report import Report, reporting
from flows.slots import holding
from tasks.artifact_keys import artifact_key
from tasks.elastic.data.documents import DocumentSource, read_checked_documents
from tasks.elastic.indices.indices import ensure_index, ensure_index_settings, verify_index
from tasks.elastic.indices.loading import DocumentsRefused, Loaded, apply_documents
from tasks.elastic.indices.pipelines import ensure_pipeline, lowercase_pipeline
from tasks.elastic.settings import ElasticSettings, ElasticTarget, elastic_settings
from tasks.elastic.specs import IndexSpec, Name, text_field
from tasks.progress import say
from tasks.settings import home
from tasks.waiting import Deadline


@flow(name="elastic load", flow_run_name="load {name} on {target}")
def load_documents(
    *,
    name: Name,
    data: str,
    target: ElasticTarget,
    id_field: str | None = None,
    text_fields: tuple[str, ...] = (),
    lowercase_field: str | None = None,
    limit: Annotated[int, Field(ge=1)] | None = None,
    shards: Annotated[int, Field(ge=1)] = 1,
    replicas: Annotated[int, Field(ge=0)] = 1,
    timeout_minutes: Annotated[float, Field(gt=0)] = 120,
) -> Report:
    """Load documents from a file of JSON lines, or of one JSON array, into an index.

    The file is checked as a whole before anything is created. A document that the cluster refuses for good is kept in a
    file of its own with the reason; the others are stored. The same file again changes nothing.

    Args:
        name: The index.
        data: The file.
        target: Where: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set.
        id_field: The field whose value is the document's id. Default: the hash of the document.
        text_fields: Fields that are searched as text; all others are mapped as they come.
        lowercase_field: A field that the index's default pipeline makes lowercase; for an index that is there, the same as before.
        limit: Load only the first so many documents.
        shards: Primary shards of the index.
        replicas: Copies of each shard.
        timeout_minutes: Give up after so many minutes; what was sent stays.

    Example:
        vector-search elastic load --name movies --data movies.jsonl --id-field id --target sandbox
    """
    settings, deadline = elastic_settings(target), Deadline.after(minutes=timeout_minutes)
    source = DocumentSource(path=Path(data), id_field=id_field, limit=limit)
    with reporting("elastic load", name, target) as report, holding("elastic", name, deadline):
        spec = IndexSpec(
            name=name,
            properties={field: text_field() for field in text_fields},
            shards=shards,
            replicas=replicas,
            default_pipeline=f"{name}-lowercase" if lowercase_field else None,
        )
        loaded = load(settings, source, spec, lowercase_field, report, deadline)
        say("Nothing to do: the index holds these documents." if loaded.unchanged else f"Loaded {name}.")
    return report


def load(
    settings: ElasticSettings,
    source: DocumentSource,
    spec: IndexSpec,
    lowercase_field: str | None,
    report: Report,
    deadline: Deadline,
) -> Loaded:
    """Chain the steps of a load. The tour calls this too.

    Raises:
        CannotChangeInPlace: the index is there with other fields, shards or another default pipeline; nothing is sent.
        DocumentsRefused: some were not taken; all others are stored, and the index has its final settings.
    """
    with report.step("check the documents") as step:
        checked = read_checked_documents(source, tuple(spec.properties))
        step.saw(f"{checked.documents:,} documents, {checked.repeated:,} repeated")
    with report.step(f"create index {spec.name}") as step:
        verify_index(settings, spec)
        if spec.default_pipeline and lowercase_field:
            ensure_pipeline(settings, lowercase_pipeline(spec.default_pipeline, lowercase_field))
        step.saw("created" if ensure_index(settings, spec) else "was there")
    with report.step(f"load documents into {spec.name}") as step:
        refused_file = home() / "refused" / f"{artifact_key(spec.name)}.jsonl"
        loaded = apply_documents(settings, spec.name, checked, deadline, refused_file=refused_file)
        step.saw(
            "unchanged"
            if loaded.unchanged
            else f"{loaded.created:,} created, {loaded.updated:,} updated, {loaded.refused:,} refused"
        )
        ensure_index_settings(settings, spec)
        if loaded.refused:
            raise DocumentsRefused(loaded)
    return loaded
