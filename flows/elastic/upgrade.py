"""`elastic upgrade`: embed an index again with a newer model, compare it with the old one, and move the alias."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from pydantic import Field

from flows.elastic.deployment_steps import existing_deployment
from flows.elastic.embedding.plan import EmbedPlan
from flows.elastic.embedding.sparse_vector import Replaced, SparseVectors
from flows.elastic.embedding.steps import embed
from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticOptions, ElasticRun
from flows.elastic.privileges import ask_privileges, to_adopt, to_embed
from flows.engine_flow import engine_flow
from flows.options import Interruptible, Timed, timeout
from flows.report import Report
from flows.runs import running
from tasks.elastic.cluster.models import verify_sparse_model
from tasks.elastic.cluster.serverless import verify_not_serverless
from tasks.elastic.indices.embeddings import embedded_field, read_embedded
from tasks.elastic.indices.previous import Old, left_out, old_embeddings
from tasks.elastic.indices.sources import read_source
from tasks.elastic.specs import EmbeddedField, Name
from tasks.elastic.verification.agreement import Previous
from tasks.errors import InvalidInput
from tasks.plurals import listed
from tasks.progress import say


class UpgradeOptions(ElasticOptions, Timed, Interruptible, frozen=True):
    """The options of `elastic upgrade`."""

    name: Name = Field(description="The alias that searches use; the new index is named NAME-HASH.")
    deployment: str = Field(description="The deployment of the new model that embeds documents.")
    search_deployment: str | None = Field(
        default=None, description="The deployment of the new model that embeds queries. Default: the same."
    )
    source: str | None = Field(
        default=None,
        description="The old index, with its texts and embeddings. Default: what the alias points at, if elastic embed made it.",
    )
    fields: tuple[str, ...] = Field(
        default=(),
        description="Text fields to embed, each FIELD or FIELD:EMBEDDING_FIELD; required with --source.",
    )
    old_field: str | None = Field(
        default=None,
        description="The field with the old embedding of the first text, such as ml.tokens. Default: the only one in the mapping.",
    )
    old_deployment: str | None = Field(
        default=None,
        description="The deployment of the old model, which embeds queries for the comparison; required with --source.",
    )
    adopt: bool = Field(
        default=False,
        description="The alias points at the old index, which somebody else made: mark it as ours, so that the alias may move.",
    )
    least_shared: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="The part of the old index's first hits that must be among the new one's, from 0 to 1.",
    )
    queries: str | None = Field(
        default=None,
        description="JSON lines of sample queries: query, expected ids and within. Default: texts of documents, each of which should find its own.",
    )
    batch_size: int | None = Field(
        default=None, ge=1, description="Documents per batch, as of elastic embed."
    )
    replicas: int = Field(default=1, ge=0, description="Copies of each shard after the load.")
    accept_unembedded: int = Field(
        default=0, ge=0, description="Accept up to N documents without an embedding."
    )
    timeout_minutes: float = timeout(1440)


@engine_flow(ELASTIC, "upgrade", run_name="upgrade {name} on {target}")
def upgrade_embedded(options: UpgradeOptions) -> Report:
    """Embed an index again with a newer model, such as ELSER 2 in place of ELSER 1, and move the alias when it is as good.

    The new index gets the texts of the old one and none of its embeddings. It must find whatever the old one finds of
    what is expected, and share a part of its first hits. The old index stays for a rollback. A run after a crash resumes.

    Example:
        vector-search elastic upgrade --name films --source films-v1 --fields plot --old-deployment .elser_model_1 --deployment movies-ingest --adopt --target sandbox
    """
    with running(ELASTIC, "upgrade", options) as run:
        verify_not_serverless(
            run.settings, "elastic upgrade", needs="the queue and the tasks of a reindex through a deployment"
        )
        way = _of_foreign(run, options, options.source) if options.source else _of_ours(run, options)
        needs = to_embed(options.name, way.plan.source, when_interrupted=options.when_interrupted)
        ask_privileges(run, *needs, *(to_adopt(way.plan.source) if options.adopt else ()))
        _verify_deployments(run, way)
        changes = embed(run, way)
        run.report.facts["changes"] = changes
        say(f"Done: {listed(changes)}." if changes else "Nothing to do: everything is already there.")
    return run.report


def _of_ours(run: ElasticRun, options: UpgradeOptions) -> SparseVectors:
    """What embeds again an index that `elastic embed` made: what it was made from, with another deployment."""
    for name in ("fields", "old_field", "adopt"):
        if given := getattr(options, name):
            raise InvalidInput(
                "This is known of an index that elastic embed made, and belongs to an old index of somebody else",
                value=given,
                source=f"--{name.replace('_', '-')}",
                remedy="Leave it out, or name the old index with --source.",
            )
    old = read_embedded(run.settings, options.name)
    if old.kind == "semantic-text":
        raise InvalidInput(
            "This index embeds its texts itself, through its inference endpoint",
            value=old.index,
            remedy="Embed its source again with `elastic embed --as semantic-text --endpoint ENDPOINT`.",
        )
    if old.kind == "dense-vector":
        raise InvalidInput(
            "This index holds vectors, whose new model comes with a new mapping",
            value=old.index,
            remedy="Embed its source again with `elastic embed --as dense-vector` and the new model; the old index stays for a rollback, and `elastic compare` measures each.",
        )
    if old.remote:
        raise InvalidInput(
            "The documents of this index came from another cluster",
            value=old.remote,
            source=old.index,
            remedy="Embed them again with `elastic embed --source-remote` and the new deployment; the old index stays for a rollback.",
        )
    model = options.old_deployment or old.search_deployment
    previous = tuple(
        Previous(
            index=old.index, text=field.input, field=field.output, model_id=model, passages=field.passages
        )
        for field in old.fields
    )
    return _way(options, old.source, old.fields, previous, (), query=old.query, chunk_words=old.chunk_words)


def _of_foreign(run: ElasticRun, options: UpgradeOptions, source: str) -> SparseVectors:
    """What embeds again an index that somebody else made: its texts without its embeddings."""
    for name in ("fields", "old_deployment"):
        if not getattr(options, name):
            raise InvalidInput(
                "An old index of somebody else does not say what was embedded and by what",
                source=f"--{name.replace('_', '-')}",
                remedy="Name it.",
            )
    there = read_source(run.settings, source)
    old = old_embeddings(there.properties)
    chosen = _chosen(old, options.old_field, source)
    leave_out = left_out(there.properties, tuple(one.path for one in old))
    first = embedded_field(options.fields[0])
    previous = Previous(
        index=source,
        text=first.input,
        field=chosen.path,
        model_id=options.old_deployment or "",
        type=chosen.type,
    )
    fields = tuple(embedded_field(text) for text in options.fields)
    return _way(options, source, fields, (previous,), leave_out)


def _way(
    options: UpgradeOptions,
    source: str,
    fields: tuple[EmbeddedField, ...],
    previous: tuple[Previous, ...],
    leave_out: tuple[str, ...],
    *,
    query: dict[str, Any] | None = None,
    chunk_words: int | None = None,
) -> SparseVectors:
    return SparseVectors(
        plan=EmbedPlan(
            alias=options.name,
            source=source,
            query=query,
            fields=fields,
            chunk_words=chunk_words,
            size=options.batch_size,
            replicas=options.replicas,
            accept_unembedded=options.accept_unembedded,
            queries=Path(options.queries) if options.queries else None,
            adopts=options.adopt,
        ),
        deployment=options.deployment,
        search_deployment=options.search_deployment or options.deployment,
        replaced=Replaced(previous=previous, leave_out=leave_out, least_shared=options.least_shared),
    )


def _chosen(old: tuple[Old, ...], named: str | None, source: str) -> Old:
    """The old embedding that is compared with.

    Raises:
        InvalidInput: it is not there, or there are several or none and none is named.
    """
    found = [one for one in old if named in (None, one.path)]
    if len(found) != 1:
        raise InvalidInput(
            f"The index {source} has no such field with embeddings" if named else f"The index {source} has {len(old)} fields with embeddings",
            value=named,
            source="--old-field",
            accepted=", ".join(one.path for one in old) or "an index with a field of type rank_features, sparse_vector or dense_vector",
        )  # fmt: skip
    return found[0]


def _verify_deployments(run: ElasticRun, way: SparseVectors) -> None:
    """Check that the old model and the new one answer, before anything is made."""
    new = existing_deployment(run.settings, way.deployment, "deployment")
    verify_sparse_model(run.settings, new.model_id, new.id)
    for previous in way.replaced.previous if way.replaced else ():
        old = existing_deployment(run.settings, previous.model_id, "old-deployment")
        if (
            old.model_id == new.model_id and old.id != new.id
        ):  # else it is the run after the one that has done it
            say(
                f"{previous.index} is embedded with {new.model_id} already: only the deployment changes, from {old.id} to "
                f"{new.id}, and every document is embedded again for it.",
                level=logging.WARNING,
            )
