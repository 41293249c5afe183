"""`elastic tour`: the path of the ELSER notebook from a model to searches by meaning, each step checked.

The notebook's pitfalls are avoided: a deployment that does not fit is refused before it is started, ids are selected by
name and not by position, and the reindex is followed to its last document.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from flows.elastic.deploy import download_model, start
from flows.elastic.embedding.plan import EmbedPlan
from flows.elastic.embedding.sparse_vector import SparseVectors
from flows.elastic.embedding.steps import embed
from flows.elastic.engine import ELASTIC
from flows.elastic.load import load
from flows.elastic.options import ElasticOptions, ElasticRun
from flows.elastic.privileges import ask_privileges, to_tour
from flows.elastic.search import shown
from flows.elastic.teardown import teardown, verify_nothing_left
from flows.engine_flow import engine_flow
from flows.options import Timed, timeout
from flows.report import Report
from flows.runs import running
from tasks.elastic.cluster.capacity import DoesNotFit, verify_capacity
from tasks.elastic.cluster.cluster import verify_cluster
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.deployments import remove_deployment
from tasks.elastic.cluster.inference import read_inferences, verify_inference
from tasks.elastic.cluster.serverless import verify_not_serverless
from tasks.elastic.data.documents import DocumentSource
from tasks.elastic.indices.embeddings import read_embedded
from tasks.elastic.indices.indices import remove_index
from tasks.elastic.indices.inventory import read_inventory
from tasks.elastic.indices.pipelines import remove_pipeline
from tasks.elastic.search.search import read_hits
from tasks.elastic.search.templates import (
    ensure_template,
    read_rendered_template,
    read_template_hits,
    remove_template,
    search_template,
)
from tasks.elastic.specs import DeploymentSpec, EmbeddedField, IndexSpec, Name, text_field
from tasks.elastic.verification.diagnosis import read_diagnosis
from tasks.errors import GateNotMet
from tasks.plurals import counted, listed

TEXT = "This movie was totally awesome and had loads of adventure"
"""The notebook's sentence."""
QUERY = "investigation"
"""The notebook's query, which must find the detective films."""
TOKENS = 5
"""Number of tokens that the report shows."""


class TourOptions(ElasticOptions, Timed, frozen=True):
    """The options of `elastic tour`."""

    name: Annotated[Name, Field(max_length=40)] = Field(
        description="Prefix for the name of everything that is created."
    )
    films: str = Field(description="JSON lines with id, title and plot.")
    queries: str = Field(
        description="JSON lines of sample queries on the films: query, expected ids and within."
    )
    texts: str = Field(description="A second corpus: JSON lines with id and gloss.")
    model_id: str = Field(default=".elser_model_2", description="The model: ELSER or its platform variant.")
    limit: int | None = Field(
        default=None, ge=1, description="Load only the first N texts of the second corpus."
    )
    timeout_minutes: float = timeout(240)

    @property
    def movies(self) -> IndexSpec:
        """The index of the films, with a default pipeline."""
        name = f"{self.name}-movies"
        return IndexSpec(name=name, properties={"plot": text_field()}, default_pipeline=f"{name}-lowercase")

    @property
    def glosses(self) -> IndexSpec:
        """The index of the second corpus."""
        return IndexSpec(name=f"{self.name}-texts", properties={"gloss": text_field()})


@engine_flow(ELASTIC, "tour", run_name="tour {name} on {target}")
def tour(options: TourOptions) -> Report:
    """Take documents from a file to searches by meaning, check each step, and leave nothing but the model.

    Model, deployments, inference, pipelines, reindex, search, template, statistics, a second corpus: the path of the
    ELSER notebook. What the tour created is removed at the end. The model stays: it uses only disk, others may use it by
    then, and a tour that continues a killed one could not know which of the two downloaded it.

    Example:
        vector-search elastic tour --name tour --films movies.jsonl --queries movie-queries.jsonl --texts texts.jsonl --target sandbox
    """
    name, model_id = options.name, options.model_id
    with running(ELASTIC, "tour", options) as run:
        verify_not_serverless(
            run.settings, "elastic tour", needs="deployments of its own on machine-learning nodes"
        )
        ask_privileges(run, *to_tour(name))
        verify_cluster(run.settings)
        chapter = run.report.chapter
        one = DeploymentSpec(id=f"{name}-one", model_id=model_id)
        with chapter("model and deployments") as told:
            download_model(run, model_id)
            start(run, one)
            fitting = _the_second_deployment(run, name, model_id)
            start(run, fitting)
            told.saw(
                f"{model_id} downloaded; {one.id} and {fitting.id} started, with as much as fits the node"
            )
        films = DocumentSource(path=Path(options.films), id_field="id")
        with chapter("inference") as told:
            told.saw(_infer(run, model_id, fitting.id))
            told.saw(_infer_a_file(run, fitting.id, films))
        plot = EmbeddedField(input="plot", output="plot_embedding")
        of_films = SparseVectors(
            plan=EmbedPlan(
                alias=f"{name}-films",
                source=options.movies.name,
                fields=(plot,),
                queries=Path(options.queries),
            ),
            deployment=fitting.id,
            search_deployment=one.id,
        )
        with chapter("films") as told:
            loaded = load(run, films, options.movies, "title", ("plot",))
            embed(run, of_films)
            told.saw(
                f"{counted(loaded.documents, 'plot')} loaded, embedded by a reindex and verified with sample queries; the alias points at them"
            )
        with chapter(f"search {QUERY!r}") as told:
            told.saw(_search(run, of_films, plot))
            _template(run, of_films, plot)
            _statistics(run, of_films, plot)

        texts = DocumentSource(path=Path(options.texts), id_field="id", limit=options.limit)
        of_texts = SparseVectors(
            plan=EmbedPlan(
                alias=f"{name}-glosses",
                source=options.glosses.name,
                fields=(EmbeddedField(input="gloss", output="gloss_embedding"),),
            ),
            deployment=fitting.id,
            search_deployment=one.id,
        )
        with chapter("a second corpus") as told:
            loaded = load(run, texts, options.glosses, None, ("gloss",))
            embed(run, of_texts)
            told.saw(f"{counted(loaded.documents, 'text')} loaded, embedded and verified")

        with chapter("teardown") as told:
            for each in (of_films, of_texts):
                teardown(run, read_inventory(run.settings, each.plan.alias))
            _remove_the_rest(run, options, of_films.plan.alias, (fitting, one))
            verify_nothing_left(run, of_films.plan.alias, of_texts.plan.alias)
            told.saw("nothing is left but the model")
    return run.report


def _infer_a_file(run: ElasticRun, deployment_id: str, films: DocumentSource) -> str:
    """Infer them, and return how fast it went."""
    with run.report.step("infer a file of texts") as step:
        inferred = read_inferences(run.settings, deployment_id, films, "plot", run.deadline)
        step.saw(
            f"{inferred.texts:,} texts in {inferred.calls} calls, the largest of {inferred.largest_call}"
        )
        step.saw(f"{inferred.per_second:.0f} per second, {len(inferred.truncated)} truncated")
    return f"{inferred.texts:,} texts, {inferred.per_second:.0f} per second"


def _remove_the_rest(
    run: ElasticRun, options: TourOptions, template: str, deployments: tuple[DeploymentSpec, ...]
) -> None:
    with run.report.step("remove what else the tour created") as step:
        remove_template(run.settings, template)
        for index in (options.movies, options.glosses):
            remove_index(run.settings, index.name, run.deadline)
        if pipeline := options.movies.default_pipeline:
            remove_pipeline(run.settings, pipeline)
        for deployment in deployments:
            remove_deployment(run.settings, deployment.id, run.deadline)
        step.saw("2 indices, 1 pipeline, 1 template, 2 deployments")
        step.saw(f"the model {options.model_id} stays; elastic teardown --model-id deletes it")


def _the_second_deployment(run: ElasticRun, name: str, model_id: str) -> DeploymentSpec:
    """The notebook's second deployment or, since that does not fit, the nearest one that does; refused before it is started."""
    requested = DeploymentSpec(
        id=f"{name}-configured", model_id=model_id, allocations=3, threads=8, queue_capacity=7000
    )
    with run.report.step("3 allocations of 8 threads, as in the notebook") as step:
        continues = read_deployment(run.settings, requested.id) is not None  # a killed tour had started one
        try:
            verify_capacity(run.settings, [requested])
        except DoesNotFit as error:
            nearest = error.placement.nearest
            if nearest is None:
                raise
            if not continues and read_deployment(run.settings, requested.id) is not None:
                raise GateNotMet(
                    f"The deployment {requested.id}", measured="started", wanted="not started"
                ) from error
            step.saw(f"do not fit, and nothing was started; {nearest} do")
            changed = {"allocations": nearest.allocations, "threads": nearest.threads}
            return DeploymentSpec.model_validate({**requested.model_dump(), **changed})
        step.saw("fit on these nodes")
    return requested


def _infer(run: ElasticRun, model_id: str, deployment_id: str) -> str:
    """Infer a text both ways, and return its heaviest tokens."""
    with run.report.step("infer by model and by deployment id") as step:
        by_model = verify_inference(run.settings, model_id, TEXT)
        by_deployment = verify_inference(run.settings, deployment_id, TEXT)
        if by_model.tokens.keys() != by_deployment.tokens.keys():
            raise GateNotMet(
                "The tokens by deployment id", measured=len(by_deployment.tokens), wanted="those by model id"
            )
        best = listed(f"{token} {weight:.2f}" for token, weight in list(by_model.tokens.items())[:TOKENS])
        step.saw(f"{len(by_model.tokens)} tokens: {best}")
    return step.seen


def _search(run: ElasticRun, way: SparseVectors, field: EmbeddedField) -> str:
    """Search both ways, and return the best films."""
    with run.report.step(f"search {QUERY!r}") as step:
        model = read_embedded(run.settings, way.plan.alias).search_deployment
        older = read_hits(run.settings, way.plan.alias, QUERY, field, model, size=5, kind="text_expansion")
        newer = read_hits(run.settings, way.plan.alias, QUERY, field, model, size=5)
        if not newer.hits or not older.hits:
            raise GateNotMet(f"The number of films found by {QUERY!r}", measured=0, wanted="some")
        for hit in newer.hits[:3]:
            step.saw(f"{hit.id} ({hit.score:.2f}): {shown(hit, field)}")
        step.saw(f"text_expansion: {listed(hit.id for hit in older.hits)}")
    return listed(f"{hit.id} ({hit.score:.2f})" for hit in newer.hits[:3])


def _template(run: ElasticRun, way: SparseVectors, field: EmbeddedField) -> None:
    with run.report.step("search template") as step:
        ensure_template(run.settings, way.plan.alias, search_template(field.output, way.search_deployment))
        size = 3
        parameters = {"query": 'the "perfect" crime', "size": size}
        rendered = read_rendered_template(run.settings, way.plan.alias, parameters)
        if rendered["size"] != size:
            raise GateNotMet("The rendered size", measured=rendered["size"], wanted=size)
        hits = read_template_hits(run.settings, way.plan.alias, way.plan.alias, parameters).hits
        if len(hits) > size or not hits:
            raise GateNotMet("The number of hits by template", measured=len(hits), wanted=f"1 to {size}")
        step.saw(f"rendered and run: {listed(hit.id for hit in hits)}")


def _statistics(run: ElasticRun, way: SparseVectors, field: EmbeddedField) -> None:
    with run.report.step("statistics and hot threads") as step:
        diagnosis = read_diagnosis(run.settings, way.plan.alias, (field,))
        for deployment in diagnosis.deployments:
            step.saw(
                f"{deployment.id}: {deployment.inferences:,} inferences, {deployment.rejected:,} rejected"
            )
        step.saw(f"{len(diagnosis.threads)} busy threads")
        for finding in diagnosis.findings:
            step.saw(f"{finding.what}: {finding.seen}; {finding.change}")
