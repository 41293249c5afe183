"""`answers index`: a folder of documents to a knowledge base that answers are taken from."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from flows.answers.engine import ANSWERS
from flows.answers.holders import holder_of
from flows.answers.options import DocumentsOptions
from flows.answers.plans import IndexPlan
from flows.answers.starting import wait_for_endpoints
from flows.confirmation import Question
from flows.engine import Engine
from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement, timeout
from flows.plan import is_planning
from flows.report import Report
from flows.running.slots import holding
from flows.runs import Run, running
from tasks.answers.chunks import Splitting, read_chunks
from tasks.answers.knowledge import KnowledgeBase
from tasks.plurals import counted, listed
from tasks.progress import say

LEAST_KEPT = 0.5
"""Of the passages of the served version. Fewer look like a folder that was not mounted, and somebody has to agree."""


class IndexOptions(DocumentsOptions, Confirmed, Timed, frozen=True):
    """The options of `answers index`."""

    deployment: str | None = Field(
        default=None,
        description="The deployment of ELSER that embeds passages, such as handbook-ingest. Elasticsearch. Default: none.",
    )
    search_deployment: str | None = Field(
        default=None, description="The deployment that embeds questions. Default: the same."
    )
    dense: bool = Field(
        default=False,
        description="Also embed passages by OPENAI_EMBEDDING_MODEL, to search by dense vectors. Vertex AI and Databricks need it.",
    )
    chunk_size: int = Field(default=1000, ge=100, le=8000, description="Characters of a chunk at most.")
    chunk_overlap: int = Field(
        default=0, ge=0, description="Characters that a chunk repeats of the one before."
    )
    replicas: int = Field(default=1, ge=0, description="Copies of each shard. Elasticsearch.")
    yes: bool = agreement("the cost, and a new version with less than half of the passages")
    timeout_minutes: float = timeout(240)

    @model_validator(mode="after")
    def _overlaps_by_half(self) -> Self:
        if 2 * self.chunk_overlap > self.chunk_size:
            raise ValueError(
                f"--chunk-overlap {self.chunk_overlap} is more than half of --chunk-size {self.chunk_size}"
            )
        return self

    @property
    def splitting(self) -> Splitting:
        """How documents are cut."""
        return Splitting(size=self.chunk_size, overlap=self.chunk_overlap)


@engine_flow(ANSWERS, "index", run_name="index {name} on {target}")
def index_documents(options: IndexOptions) -> Report:
    """Index the documents of a folder under a name, beside what is served, and serve it once it is verified.

    Every file is checked before anything is created. Passages that did not change keep their embeddings; those of
    removed or shortened documents are not in the new version. The previous version stays for a rollback. The same
    documents again change nothing; a run after a crash embeds only what is missing.

    Example:
        vector-search answers index --name handbook --documents handbook --deployment handbook-ingest --target sandbox
    """
    splitting, holder = options.splitting, holder_of(options.engine)
    with (
        running(
            replace(
                ANSWERS,
                read_settings=holder.engine.read_settings,
                block=holder.engine.block,
                where=holder.engine.where,
            ),
            "index",
            options,
        ) as run,
        _alone(holder.engine, run, options.name),
    ):
        with run.report.step("read the documents") as step:
            chunks = read_chunks(Path(options.documents), splitting)
            step.saw(f"{counted(chunks.documents, 'document')}, {counted(len(chunks.chunks), 'chunk')}")
            if chunks.others:
                step.saw(f"left out, of other formats: {listed(chunks.others)}")
        questions = _loss(holder.read(run.settings, options.name), len(chunks.chunks))
        deployment = options.deployment or ""
        plan = IndexPlan(
            name=options.name, chunks=chunks, deployment=deployment,
            search_deployment=(options.search_deployment or deployment) if deployment else "", replicas=options.replicas,
            models=ANSWERS.settings(options.target) if options.dense else None, yes=options.yes, questions=questions,
        )  # fmt: skip
        if plan.models is not None:
            wait_for_endpoints(run.report, plan.models, [plan.models.embedding()], run.deadline)
        changes = holder.index(run, plan)
        run.report.facts |= {"changes": changes, "chunks": len(chunks.chunks), "documents": chunks.documents}
        say(
            f"Done: {listed(changes)}."
            if changes
            else "Nothing to do: the index already holds these documents."
        )
    return run.report


@contextmanager
def _alone(engine: Engine[Any], run: Run[Any], name: str) -> Generator[None]:
    """Hold the slot of the engine's own flows too: a prune, a rollback or a teardown of the name waits for the end.

    Raises:
        DeadlinePassed: one of them ran all that time.
    """
    if is_planning():
        yield
        return
    with holding(engine.name, name, run.deadline, where=run.report.where):
        yield


def _loss(served: KnowledgeBase | None, chunks: int) -> tuple[Question, ...]:
    """Ask before a version with less than half of the passages is served."""
    if served is None or chunks >= served.chunks * LEAST_KEPT:
        return ()
    consequence = "The rest of the documents is gone from the folder, and would be gone from the answers."
    return (Question(f"serve {chunks:,} passages in place of {served.chunks:,}", consequence),)
