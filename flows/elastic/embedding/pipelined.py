"""Documents embedded by an ingest pipeline into fields of their own, and repaired until none lacks its embedding."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flows.elastic.embedding.plan import CHUNK_WORDS, Embedder
from flows.elastic.embedding.way import SHOWN, Way, named, saw_refused
from flows.elastic.options import ElasticRun
from tasks.elastic.indices.embeddings import made_from
from tasks.elastic.indices.passages import passage_pipeline, with_passages
from tasks.elastic.indices.pipelines import (
    FAILURE_FIELD,
    ensure_pipeline,
    inference_pipeline,
    verify_pipeline,
)
from tasks.elastic.indices.previous import without
from tasks.elastic.indices.remotes import address_of
from tasks.elastic.indices.sources import SourceState
from tasks.elastic.reindex.copying import Reindexed
from tasks.elastic.reindex.passages import apply_passages_copy
from tasks.elastic.reindex.reindex import apply_reindex
from tasks.elastic.reindex.repair import apply_repair
from tasks.elastic.specs import EmbeddedAs, IndexSpec, PipelineSpec, embedded_properties
from tasks.elastic.verification.truncation import read_truncated
from tasks.measures.pace import Pace
from tasks.plurals import counted, listed
from tasks.progress import say


@dataclass(frozen=True, kw_only=True)
class Pipelined(Way):
    """A way of embedding by an ingest pipeline."""

    @property
    def cluster_reads_source(self) -> bool:
        """Texts are cut into passages by the machine that runs the flow, which then reads the source."""
        return self.plan.chunk_words is None

    kind: ClassVar[EmbeddedAs]
    document_prefix: str = ""
    """What the pipeline puts in front of a text for the model."""
    query_prefix: str = ""
    """What belongs in front of a query."""

    @property
    @abstractmethod
    def searches_by(self) -> str:
        """The deployment or endpoint that embeds queries."""

    @abstractmethod
    def mapping(self, embedder: Embedder) -> dict[str, Any]:
        """The mapping of a field with embeddings."""

    @property
    def leave_out(self) -> tuple[str, ...]:
        """Fields of the source that are not copied: embeddings of another model, and what was written beside them."""
        return ()

    def pipeline(self, embedder: Embedder) -> PipelineSpec:
        """As `Way.pipeline`."""
        plan = self.plan
        written = inference_pipeline if plan.chunk_words is None else passage_pipeline
        unnamed = written("unnamed", embedder.id, plan.fields, prefix=self.document_prefix)
        return unnamed.model_copy(update={"id": f"{plan.alias}-{unnamed.spec}"})

    def index(self, documents: SourceState, embedder: Embedder) -> IndexSpec:
        """As `Way.index`."""
        plan = self.plan
        index = IndexSpec(
            name="unnamed",
            properties=embedded_properties(
                plan.fields,
                failure=FAILURE_FIELD,
                source=without(documents.properties, self.leave_out),
                embedding=self.mapping(embedder),
            ),
            mapping=documents.mapping,
            settings=documents.settings,
            shards=documents.shards,
            replicas=plan.replicas,
            made_from=made_from(
                source=documents,
                pipeline=self.pipeline(embedder).id,
                deployment=embedder.id,
                search=self.searches_by,
                model=embedder.model_id,
                fields=plan.fields,
                chunk_words=plan.chunk_words,
                remote=address_of(plan.remote) if plan.remote else None,
                as_=self.kind,
                document_prefix=self.document_prefix,
                query_prefix=self.query_prefix,
            ),
        )
        return named(plan.alias, index)

    def prepare(self, run: ElasticRun, sample: Sequence[dict[str, Any]], embedder: Embedder) -> list[str]:
        """Say which texts are cut, and store the pipeline, seen to embed a sample."""
        pipeline = self.pipeline(embedder)
        if self.plan.chunk_words is None:
            self._see_truncated(run, embedder)
        changes = list[str]()
        with run.report.step(f"pipeline {pipeline.id}", changes) as step:
            verify_pipeline(run.settings, pipeline, self._as_embedded(sample))
            if ensure_pipeline(run.settings, pipeline).changed:
                changes.append("stored the pipeline")
            inputs = listed(field.input for field in self.plan.fields)
            step.saw(f"embeds {inputs} with {embedder.id}, seen on a sample")
        return changes

    def fill(self, run: ElasticRun, index: IndexSpec, embedder: Embedder) -> Reindexed:
        """As `Way.fill`: everything through the pipeline, or cut into passages first; then what lacks its embedding again."""
        plan, settings, report, deadline = self.plan, run.settings, run.report, run.deadline
        pace = report.facts["pace"] = Pace(into=index.name)
        spec = self.reindex_spec(self.pipeline(embedder).id, index.name, embedder, self.leave_out)
        if plan.chunk_words is None:
            with report.step(f"embed {plan.source} into {index.name}") as step:
                batches = self.batches(run, step, spec)
                done = apply_reindex(
                    settings, spec, batches, deadline, run.when_interrupted, remote=plan.remote, pace=pace
                )
                saw_refused(step, done)
        else:
            with report.step(f"cut the texts of {plan.source} into passages") as step:
                cut = apply_passages_copy(settings, spec, plan.chunk_words, deadline, remote=plan.remote)
                done = cut.copied
                step.saw(
                    f"{counted(cut.passages, 'passage')}, {cut.of_a_document:.1f} of a document on average"
                )
                saw_refused(step, done)
                batches = self.batches(run, step, spec, passages=cut.of_a_document)
        repairing = (
            "repair documents without an embedding" if plan.chunk_words is None else "embed the passages"
        )
        with report.step(repairing) as step:
            repaired = apply_repair(settings, spec, batches, deadline, run.when_interrupted, pace)
            what = "repaired" if plan.chunk_words is None else "embedded"
            step.saw(f"{repaired.repaired:,} {what}, {repaired.left:,} cannot be embedded")
            for one in repaired.listed[:SHOWN]:
                step.saw(f"{one.id}: {one.reason}")
        pace.ended = True
        return done

    def _see_truncated(self, run: ElasticRun, embedder: Embedder) -> None:
        """Say before anything is paid for which texts lose their end, and how they would not."""
        plan = self.plan
        if not embedder.deployment_id:
            return  # outside the cluster, which does not say what it truncates
        with run.report.step("texts that the model truncates") as step:
            found = read_truncated(
                run.settings,
                plan.source,
                plan.fields,
                embedder.deployment_id,
                within=plan.query,
                remote=plan.remote,
            )
            step.saw(str(found))
        if found.truncated:
            say(
                f"{found}. What is beyond is not found by meaning. To embed whole texts, in passages: --chunk-words {CHUNK_WORDS}."
            )

    def _as_embedded(self, sample: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
        """Documents as the pipeline gets them."""
        words = self.plan.chunk_words
        if words is None:
            return tuple(sample)
        return tuple(with_passages(document, self.plan.fields, words)[0] for document in sample)
