"""Passages on Databricks: an index for each version on one endpoint, whose tag says which one is searched."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from flows.answers.index_plans import version_plan
from flows.answers.plans import IndexPlan
from flows.confirmation import Question, agree, billed
from flows.databricks.engine import DATABRICKS
from flows.databricks.options import DatabricksRun
from flows.databricks.teardown import teardown
from flows.plan import Plan, Resource
from tasks.answers.chunks import Chunk, Chunks
from tasks.answers.knowledge import Agreement, How, KnowledgeBase
from tasks.answers.passages import Passage
from tasks.databricks.costs import hourly_cost
from tasks.databricks.endpoints import EndpointState, ensure_endpoint, ensure_served, wait_for_endpoint
from tasks.databricks.index_lifecycle import ensure_index, remove_index, wait_for_index
from tasks.databricks.indexes import IndexState, read_listed_versions, read_version
from tasks.databricks.inventory import read_inventory, refuse_foreign_indexes
from tasks.databricks.passages.reading import (
    read_all_passages,
    read_endpoint_to_change,
    read_knowledge_base,
    verify_passages,
)
from tasks.databricks.passages.searching import read_passages
from tasks.databricks.passages.specs import described, passage_index
from tasks.databricks.passages.writing import apply_passages
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import FIRST, PASSAGES
from tasks.models.embeddings import wait_for_dimensions
from tasks.models.settings import ModelSettings
from tasks.plurals import counted


class DatabricksHolder:
    """Databricks Vector Search as a holder of passages."""

    engine = DATABRICKS

    def read(self, settings: DatabricksSettings, name: str) -> KnowledgeBase | None:
        """The knowledge base of a name, or None."""
        return read_knowledge_base(settings, name)

    def index(self, run: DatabricksRun, plan: IndexPlan) -> list[str]:
        """Build a new version beside the served one, verify it, serve it. Returns every change that was made."""
        settings, report, deadline = run.settings, run.report, run.deadline
        models = plan.embedding_models("Databricks")
        wanted = described(plan.chunks, models.embedder())
        endpoint = read_endpoint_to_change(settings, plan.name)
        served = self._served(settings, plan.name, endpoint)
        there = read_version(settings, plan.name, wanted.version)
        previous = served if served is not None and self._model(settings, plan.name) == wanted.model else None
        # What an index with this model knows needs no call of the model.
        known = there or previous
        made = partial(_plan, run, plan.chunks, version=wanted.version, endpoint=endpoint, there=there)
        agree(plan.questions, yes=plan.yes, plan=made)
        dimensions = known.dimensions if known else wait_for_dimensions(models, deadline)
        spec = passage_index(plan.name, wanted.version, dimensions)
        agree(_cost(settings, wanted.chunks, dimensions, endpoint), yes=plan.yes, plan=made)
        changes: list[str] = []
        with report.step(f"endpoint {plan.name}", changes) as step:
            has_marks = endpoint is not None and endpoint.is_marked
            ensured = ensure_endpoint(
                settings, plan.name, spec=PASSAGES, content="", has_index=has_marks, deadline=deadline
            )
            changes += ["created the endpoint"] if endpoint is None else []
            step.saw(wait_for_endpoint(settings, plan.name, deadline).state)
            served_now = ensured.there.serves
        with report.step(f"index {wanted.version}", changes) as step:
            ensure_index(settings, spec, deadline)
            changes += ["created the index"] if there is None else []
            index = wait_for_index(settings, plan.name, deadline, wanted.version)
            step.saw(f"{index.full_name}, {counted(dimensions, 'dimension')}, {index.state}")
        with report.step(f"write the passages of {index.full_name}") as step:
            written = apply_passages(
                settings, index, wanted, plan.chunks.chunks, models, deadline,
                previous=None if served_now == wanted.version else previous,
            )  # fmt: skip
            step.saw(str(written))
            if written.embedded or written.carried or written.removed:
                changes.append("wrote the passages")
            report.facts["written"] = written.facts
        with report.step(f"verify {index.full_name}") as step:
            found = verify_passages(settings, index, plan.chunks.chunks, deadline)
            step.saw(str(found))
        with report.step(f"serve {wanted.version}") as step:
            moved = ensure_served(settings, plan.name, wanted.version)
            if served_now != wanted.version:
                changes.append("served the version")
            step.saw(f"served, before {moved.there.replaced or moved.there.rolled_back_from or 'nothing'}")
        return changes + self._prune(run, plan.name, moved.there)

    def verify(self, settings: DatabricksSettings, base: KnowledgeBase, chunks: Sequence[Chunk]) -> Agreement:
        """Compare what is served with what should be."""
        return verify_passages(settings, base.handle, chunks)

    def find(
        self,
        settings: DatabricksSettings,
        models: ModelSettings,
        base: KnowledgeBase,
        question: str,
        *,
        how: How,
        most: int,
        readers: Sequence[str],
    ) -> tuple[Passage, ...]:
        """The passages that a question finds, best first."""
        return read_passages(
            settings, models, base, base.handle, question, how=how, most=most, readers=readers
        )

    def all_passages(self, settings: DatabricksSettings, base: KnowledgeBase) -> tuple[Chunk, ...]:
        """Every passage that is served."""
        return read_all_passages(settings, base.handle)

    def remove(self, run: DatabricksRun, name: str) -> None:
        """Remove a knowledge base with every version."""
        there = read_inventory(run.settings, name)
        refuse_foreign_indexes(name, there)
        if not there.is_empty:
            teardown(run, name, there)

    def _served(
        self, settings: DatabricksSettings, name: str, endpoint: EndpointState | None
    ) -> IndexState | None:
        return (
            read_version(settings, name, endpoint.serves)
            if endpoint is not None and endpoint.serves
            else None
        )

    def _model(self, settings: DatabricksSettings, name: str) -> str:
        base = self.read(settings, name)
        return base.dense_model if base else ""

    def _prune(self, run: DatabricksRun, name: str, endpoint: EndpointState) -> list[str]:
        """Remove the versions that nobody could roll back to, and those that a killed run of other content began."""
        old = _older(run, endpoint, {endpoint.serves, endpoint.replaced})
        if not old:
            return []
        with run.report.step("remove older versions") as step:
            for version in old:
                remove_index(run.settings, name, run.deadline, version)
            step.saw(", ".join(old))
        return [f"removed {counted(len(old), 'older version')}"]


def _older(run: DatabricksRun, endpoint: EndpointState, kept: set[str]) -> list[str]:
    """The versions that are neither served nor rolled back to."""
    listed = read_listed_versions(run.settings, endpoint).values()
    return [version for version in listed if version and version not in {*kept, FIRST}]


def _plan(
    run: DatabricksRun,
    chunks: Chunks,
    *,
    version: str,
    endpoint: EndpointState | None,
    there: IndexState | None,
) -> Plan:
    """What is done. No model is called for it, so the number of units that it costs is not known yet."""
    served = endpoint.serves if endpoint is not None else ""
    kept = {version, served if endpoint is None or served != version else endpoint.replaced}
    is_new = endpoint is None or not endpoint.indexes
    sandbox = " The sandbox costs nothing." if run.settings.is_sandbox else ""
    return version_plan(
        run, chunks, version=version, served=served, is_whole=there is not None and version == served,
        is_begun=there is not None,
        going=[] if endpoint is None else _older(run, endpoint, kept),
        around=[Resource(action="create" if endpoint is None else "keep", kind="endpoint", name=run.report.name)],
        hourly=f"The vector search units of an endpoint, from its first index on.{sandbox}" if is_new else "",
        hourly_usd=None if is_new and not run.settings.is_sandbox else 0.0,
    )  # fmt: skip


def _cost(
    settings: DatabricksSettings, rows: int, dimensions: int, endpoint: EndpointState | None
) -> list[Question]:
    """Ask before an endpoint bills, which it does from its first index on. A sandbox costs nothing."""
    if endpoint is not None and endpoint.indexes:
        return []
    cost = hourly_cost(rows, dimensions)
    return billed("create the index", cost, is_sandbox=settings.is_sandbox)
