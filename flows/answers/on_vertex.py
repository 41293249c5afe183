"""Passages on Vertex AI: an index for each version beside the served one, all else in the bucket."""

from __future__ import annotations

from collections.abc import Sequence

from flows.answers.index_plans import version_plan
from flows.answers.plans import IndexPlan
from flows.confirmation import Question, agree
from flows.plan import Plan, Resource
from flows.versions.changes import serve
from flows.vertex.agreement import cost_questions
from flows.vertex.build_plan import bucket
from flows.vertex.build_steps import BuildPlan, build
from flows.vertex.engine import VERTEX
from flows.vertex.options import VertexRun
from flows.vertex.teardown import teardown
from flows.vertex.version_steps import prune
from tasks.answers.chunks import Chunk, Chunks
from tasks.answers.knowledge import Agreement, How, KnowledgeBase
from tasks.answers.passages import Passage
from tasks.models.settings import ModelSettings
from tasks.plurals import counted
from tasks.settings import home
from tasks.vertex.costs import hourly_cost
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.imports.import_data import DataSource, read_validated
from tasks.vertex.passages.reading import (
    read_base_to_change,
    read_descriptions,
    read_knowledge_base,
    read_texts,
    verify_passages,
)
from tasks.vertex.passages.searching import read_passages
from tasks.vertex.passages.specs import Description, text_files_for, version_for
from tasks.vertex.passages.writing import apply_description, apply_passages, remove_passages
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.resources.versions import ensure_served, read_versions
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import DeployedIndexSpec, IndexSpec


class VertexHolder:
    """Vertex AI Vector Search as a holder of passages."""

    engine = VERTEX

    def read(self, settings: VertexSettings, name: str) -> KnowledgeBase | None:
        """The knowledge base of a name, or None."""
        return read_knowledge_base(settings, name)

    def index(self, run: VertexRun, plan: IndexPlan) -> list[str]:
        """Build a new version beside the served one, verify it, serve it. Returns every change that was made."""
        settings, report = run.settings, run.report
        models = plan.embedding_models("Vertex AI")
        model, chunks = models.embedder(), plan.chunks
        version = version_for(chunks, model)
        served = read_base_to_change(settings, plan.name)
        previous = served.index if served and served.dense_model == model and served.index != version else ""
        is_new = _needs_an_index(settings, served, chunks, model)
        costs = _cost_questions(settings, plan.name, served) if is_new else []
        agree(
            [*plan.questions, *costs],
            yes=plan.yes,
            plan=lambda: _plan(run, chunks, version=version, served=served),
        )
        # The same name in another project or region may be indexed at the same time.
        import_file = home() / "passages" / settings.where / f"{plan.name}-{version}.jsonl"
        changes: list[str] = []
        with report.step(f"write the passages of {version}") as step:
            ensure_bucket(settings)
            written = apply_passages(
                settings, plan.name, version, chunks.chunks, models, run.deadline, previous=previous, import_file=import_file
            )  # fmt: skip
            step.saw(str(written))
            if written.embedded or written.carried:
                changes.append("wrote the passages")
            report.facts["written"] = written.facts
        with report.step("validate the import file") as step:
            source = DataSource(data=str(import_file))
            validated = read_validated(settings, source)
            step.saw(f"{validated.size}, content {validated.content}")
        apply_description(settings, plan.name, _description(plan, version, model, validated))
        built = build(
            run,
            _build_plan(settings, plan.name, source, validated),
            validated,
            cost_agreed=is_new,
            yes=plan.yes,
        )
        import_file.unlink(missing_ok=True)
        changes += built.changes
        with report.step(f"verify {built.served.deployed_index_id}") as step:
            found = verify_passages(settings, built.served, version, chunks.chunks)
            step.saw(str(found))
            step.saw(found.unseen)
        if not built.is_served:
            serve(run, plan.name, built.served.version, ensure_served)
            changes.append(f"served the version {built.served.version}")
        return changes + self._prune(run, plan.name, version, validated.content)

    def verify(self, settings: VertexSettings, base: KnowledgeBase, chunks: Sequence[Chunk]) -> Agreement:
        """Compare what is served with what should be."""
        return verify_passages(settings, base.handle, base.index, chunks)

    def find(
        self,
        settings: VertexSettings,
        models: ModelSettings,
        base: KnowledgeBase,
        question: str,
        *,
        how: How,
        most: int,
        readers: Sequence[str],
    ) -> tuple[Passage, ...]:
        """The passages that a question finds, best first."""
        served: ServedIndex = base.handle
        return read_passages(settings, models, base, served, question, how=how, most=most, readers=readers)

    def all_passages(self, settings: VertexSettings, base: KnowledgeBase) -> tuple[Chunk, ...]:
        """Every passage that is served."""
        return tuple(read_texts(settings, base.name, base.index))

    def remove(self, run: VertexRun, name: str) -> None:
        """Remove a knowledge base with every version."""
        teardown(run, name)

    def _prune(self, run: VertexRun, name: str, version: str, imported: str) -> list[str]:
        """Remove the versions that nobody could roll back to, and what killed runs of other content left in the bucket.

        Where passages have only moved, two versions are of the same index: what is said of it must be the new one's alone.
        """
        there = read_versions(run.settings, name)
        back = {there.endpoint.replaced, there.endpoint.rolled_back_from}
        gone = prune(run, name, keep=back) if set(there.others) - back else []
        contents = {one.content for one in read_versions(run.settings, name).indexes.values()}
        described = read_descriptions(run.settings, name)
        others = contents - {imported}
        kept = [version, *(one.version for one in described.values() if one.imported in others)]
        files = remove_passages(run.settings, name, kept)
        return [f"removed {counted(len(gone or files), 'older version')}"] if gone or files else []


def _needs_an_index(
    settings: VertexSettings, served: KnowledgeBase | None, chunks: Chunks, model: str
) -> bool:
    """Whether another index is deployed for these passages: not for those that are served, or that have only moved."""
    if served is None or served.dense_model != model:
        return True
    there = read_texts(settings, served.name, served.index)
    return _embedded_of(there) != _embedded_of(chunks.chunks)


def _cost_questions(settings: VertexSettings, name: str, served: KnowledgeBase | None) -> list[Question]:
    """Ask for the cost of another deployed index before its passages are embedded, which is paid for too."""
    deployed = DeployedIndexSpec(name=name, location=settings.location)
    beside = "" if served is None else served.handle.version
    return cost_questions(settings, deployed, None, None, beside=beside)


def _embedded_of(chunks: Sequence[Chunk]) -> set[tuple[str, tuple[str, ...]]]:
    """What an index holds of passages beside their vectors: their ids, and who may read them."""
    return {(chunk.id, chunk.readers) for chunk in chunks}


def _older(settings: VertexSettings, name: str, wanted: str) -> list[str]:
    """The versions of the index that nobody could roll back to, once the wanted version is served."""
    there = read_versions(settings, name)
    contents = {one.imported: one.version for one in read_descriptions(settings, name).values()}
    served = there.indexes.get(there.serves)
    is_served = served is not None and contents.get(served.content) == wanted
    back = {there.endpoint.replaced, there.endpoint.rolled_back_from} if is_served else set[str]()
    return [one for one in there.others if one not in back]


def _plan(run: VertexRun, chunks: Chunks, *, version: str, served: KnowledgeBase | None) -> Plan:
    """What is done. The version's index, endpoint and deployed index are named once its passages are embedded."""
    settings, index = run.settings, "" if served is None else served.index
    deployed = DeployedIndexSpec(name=run.report.name, location=settings.location)
    is_whole = index == version
    begun = {one.version for one in read_descriptions(settings, run.report.name).values()}
    cost = hourly_cost(deployed, None)
    said = f"{cost} The sandbox costs nothing." if settings.is_sandbox else str(cost)
    return version_plan(
        run, chunks, version=version, served=index, is_whole=is_whole, is_begun=version in begun,
        going=_older(settings, run.report.name, version) if served else (),
        around=[
            *bucket(settings, sends=not is_whole),
            Resource(action="create" if served is None else "keep", kind="endpoint", name=run.report.name),
        ],
        hourly="" if is_whole else said, hourly_usd=0.0 if is_whole or settings.is_sandbox else cost.price,
    )  # fmt: skip


def _description(plan: IndexPlan, version: str, model: str, validated: ValidatedVectors) -> Description:
    chunks = plan.chunks
    return Description(
        version=version, imported=validated.content, content=chunks.content, chunks=len(chunks.chunks),
        documents=chunks.documents, splitter=chunks.splitting.mark, splitting=chunks.splitting, model=model,
        dimensions=validated.dimensions, text_files=text_files_for(len(chunks.chunks)),
    )  # fmt: skip


def _build_plan(
    settings: VertexSettings, name: str, source: DataSource, validated: ValidatedVectors
) -> BuildPlan:
    """An index of its own for every version: all vectors have length one, so the dot product is the cosine.

    Files alone change it (BATCH_UPDATE): what was streamed into a served version would be half of a new one.
    """
    return BuildPlan(
        source=source,
        index=IndexSpec(name=name, dimensions=validated.dimensions, update_method="BATCH_UPDATE"),
        endpoint="public",
        deployed=DeployedIndexSpec(name=name, location=settings.location),
        as_version=True,
    )
