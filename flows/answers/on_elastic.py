"""Passages in Elasticsearch: an index for each version, an alias that is moved when the new one is verified."""

from __future__ import annotations

from collections.abc import Sequence

from flows.answers.index_plans import version_plan
from flows.answers.plans import IndexPlan
from flows.confirmation import agree
from flows.elastic.deployment_steps import existing_deployment, wait_for_deployments
from flows.elastic.engine import ELASTIC
from flows.elastic.options import ElasticRun
from flows.elastic.privileges import ask_privileges, to_index_passages, to_remove_passages
from flows.elastic.teardown import teardown, verify_nothing_left
from tasks.answers.chunks import Chunk
from tasks.answers.knowledge import Agreement, How, KnowledgeBase
from tasks.answers.passages import Passage
from tasks.artifact_keys import artifact_key
from tasks.elastic.cluster.cluster import verify_release
from tasks.elastic.indices.aliases import AliasState, ensure_alias, read_alias_to_change
from tasks.elastic.indices.indices import (
    ensure_index,
    ensure_index_settings,
    read_index,
    remove_index,
)
from tasks.elastic.indices.inventory import read_inventory
from tasks.elastic.indices.pipelines import ensure_pipeline, verify_pipeline
from tasks.elastic.passages.reading import (
    read_all_passages,
    read_knowledge_base,
    read_version_to_carry,
    read_versions,
    verify_passages,
)
from tasks.elastic.passages.searching import read_passages
from tasks.elastic.passages.specs import Embedders, body_of, passage_index, passage_pipeline
from tasks.elastic.passages.writing import apply_passages
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import IndexSpec
from tasks.models.settings import ModelSettings
from tasks.plurals import counted
from tasks.settings import home


class ElasticHolder:
    """Elasticsearch as a holder of passages."""

    engine = ELASTIC

    def read(self, settings: ElasticSettings, name: str) -> KnowledgeBase | None:
        """The knowledge base of a name, or None."""
        return read_knowledge_base(settings, name)

    def index(self, run: ElasticRun, plan: IndexPlan) -> list[str]:
        """Build a new version beside the served one, verify it, move the alias. Returns every change that was made."""
        settings, report = run.settings, run.report
        ask_privileges(run, *to_index_passages(plan.name, sparse=bool(plan.deployment)))
        if plan.deployment:
            verify_release(settings)
        alias = read_alias_to_change(settings, plan.name)  # it moves last, when all inference is paid for
        embedders = self._embedders(settings, plan)
        spec = passage_index(plan.name, plan.chunks, embedders, replicas=plan.replicas)
        there = read_index(settings, spec.name)
        agree(
            plan.questions,
            yes=plan.yes,
            plan=lambda: version_plan(
                run, plan.chunks, version=spec.name, served=alias.index,
                is_whole=there is not None and bool(there.content), is_begun=there is not None,
                going=_older(settings, plan.name, _after(alias, spec.name)),
            ),
        )  # fmt: skip
        wait_for_deployments(run, *filter(None, (plan.deployment, plan.search_deployment)))
        changes: list[str] = []
        if there is None or not there.content:
            changes += self._fill(run, plan, spec, embedders)
        with report.step(f"verify {spec.name}") as step:
            found = verify_passages(settings, spec.name, plan.chunks.chunks, embedders.fields)
            step.saw(str(found))
        if ensure_index_settings(settings, spec).changed:
            changes.append("set the final settings")
        with report.step(f"alias {plan.name}", changes) as step:
            move = ensure_alias(settings, plan.name, spec.name, plan.chunks.content)
            changes += ["moved the alias"] if move.changed else []
            before = move.there.previous or "nothing"
            step.saw(f"{'now' if move.changed else 'already'} points at {spec.name}, before at {before}")
        return changes + self._prune(run, plan.name, move.there)

    def verify(self, settings: ElasticSettings, base: KnowledgeBase, chunks: Sequence[Chunk]) -> Agreement:
        """Compare what is served with what should be."""
        return verify_passages(settings, base.name, chunks, base.fields)

    def find(
        self,
        settings: ElasticSettings,
        models: ModelSettings,
        base: KnowledgeBase,
        question: str,
        *,
        how: How,
        most: int,
        readers: Sequence[str],
    ) -> tuple[Passage, ...]:
        """The passages that a question finds, best first."""
        return read_passages(settings, models, base, question, how=how, most=most, readers=readers)

    def all_passages(self, settings: ElasticSettings, base: KnowledgeBase) -> tuple[Chunk, ...]:
        """Every passage that is served."""
        return read_all_passages(settings, base.index)

    def remove(self, run: ElasticRun, name: str) -> None:
        """Remove a knowledge base with every version."""
        ask_privileges(run, *to_remove_passages(name))
        teardown(run, read_inventory(run.settings, name))
        verify_nothing_left(run, name)

    def _embedders(self, settings: ElasticSettings, plan: IndexPlan) -> Embedders:
        dense = plan.models.embedder() if plan.models else ""
        if not plan.deployment:
            return Embedders(dense=dense)
        model = existing_deployment(settings, plan.deployment, "deployment").model_id
        existing_deployment(settings, plan.search_deployment, "search-deployment")
        return Embedders(
            deployment=plan.deployment, search_deployment=plan.search_deployment, model=model, dense=dense
        )

    def _fill(self, run: ElasticRun, plan: IndexPlan, spec: IndexSpec, embedders: Embedders) -> list[str]:
        settings, changes = run.settings, list[str]()
        pipeline = ""
        if plan.deployment:
            wanted = passage_pipeline(plan.name, plan.deployment)
            pipeline = wanted.id
            with run.report.step(f"pipeline {pipeline}", changes) as step:
                verify_pipeline(settings, wanted, [body_of(plan.chunks.chunks[0])])
                changes += ["stored the pipeline"] if ensure_pipeline(settings, wanted).changed else []
                step.saw(f"embeds passages with {plan.deployment}, seen on a sample")
        with run.report.step(f"index {spec.name}", changes):
            changes += ["created the index"] if ensure_index(settings, spec).changed else []
        with run.report.step(f"write the passages of {spec.name}") as step:
            written = apply_passages(
                settings, spec.name, plan.chunks.chunks, run.deadline,
                previous=read_version_to_carry(settings, plan.name, embedders), embedders=embedders, pipeline=pipeline,
                models=plan.models, refused_file=home() / "refused" / f"{artifact_key(spec.name)}.jsonl",
            )  # fmt: skip
            done = "embedded" if embedders.fields else "stored"
            step.saw(
                f"{written.embedded:,} {done}, {written.carried:,} carried over from the version before, "
                f"{written.there:,} were there"
            )
            run.report.facts["written"] = written.facts
        return [*changes, "wrote the passages"]

    def _prune(self, run: ElasticRun, name: str, alias: AliasState) -> list[str]:
        """Remove the versions that nobody could roll back to, and those that a killed run of other content began."""
        old = _older(run.settings, name, alias)
        if not old:
            return []
        with run.report.step("remove older versions") as step:
            for version in old:
                remove_index(run.settings, version, run.deadline)
            step.saw(", ".join(old))
        return [f"removed {counted(len(old), 'older version')}"]


def _after(alias: AliasState, index: str) -> AliasState:
    """The alias once it points at an index."""
    return alias if alias.index == index else AliasState(alias.alias, index, alias.index, "")


def _older(settings: ElasticSettings, name: str, alias: AliasState) -> list[str]:
    """The versions that nobody could roll back to."""
    kept = {alias.index, alias.previous, alias.rolled_back_from}
    return [version for version in read_versions(settings, name) if version not in kept]
