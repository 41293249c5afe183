"""`elastic tour`: the seed notebook's path from a model to searches by meaning, each step checked.

The notebook's troubles are on the way: a deployment that does not fit is told so before it is started, ids are selected
by name and not by position, and the reindex is followed to its last document.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.elastic.deploy import download_model, start
from flows.elastic.embed import EmbedPlan, embed
from flows.elastic.load import load
from flows.elastic.search import shown
from flows.elastic.teardown import teardown
from flows.report import Report, listed, reporting
from flows.slots import holding
from tasks.elastic.cluster.capacity import DoesNotFit, verify_capacity
from tasks.elastic.cluster.cluster import verify_cluster
from tasks.elastic.cluster.deployments import read_deployment, remove_deployment
from tasks.elastic.cluster.inference import read_inferences, verify_inference
from tasks.elastic.cluster.models import read_model, remove_model
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
from tasks.elastic.settings import ElasticSettings, ElasticTarget, elastic_settings
from tasks.elastic.specs import DeploymentSpec, EmbeddedField, IndexSpec, text_field
from tasks.elastic.specs import Name as ElasticName
from tasks.elastic.verification.diagnosis import read_diagnosis
from tasks.errors import GateNotMet
from tasks.waiting import Deadline

TEXT = "This movie was totally awesome and had loads of adventure"
"""The notebook's sentence."""
QUERY = "investigation"
"""The notebook's query: it must find the detective films."""
TOKENS = 5
"""Tokens that the report shows."""


@flow(name="elastic tour", flow_run_name="tour {name} on {target}")
def tour(
    *,
    name: Annotated[ElasticName, Field(max_length=40)],
    films: str,
    queries: str,
    texts: str,
    target: ElasticTarget,
    model_id: str = ".elser_model_2",
    limit: Annotated[int, Field(ge=1)] | None = None,
    timeout_minutes: Annotated[float, Field(gt=0)] = 240,
) -> Report:
    """Take documents from a file to searches by meaning, check each step, and leave nothing behind.

    Model, deployments, inference, pipelines, reindex, search, template, statistics, a second corpus: the path of the
    notebook on ELSER. What the tour made goes at the end; the model only if the tour downloaded it.

    Args:
        name: Begins the name of everything that is made.
        films: JSON lines with id, title and plot.
        queries: JSON lines of query, expected ids and within, on the films.
        texts: A second corpus: JSON lines with id and gloss.
        target: Where: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set.
        model_id: The model: ELSER or its platform variant.
        limit: Only the first so many texts of the second corpus.
        timeout_minutes: Give up waiting after so many minutes.

    Example:
        vector-search elastic tour --name tour --films movies.jsonl --queries movie-queries.jsonl --texts texts.jsonl --target sandbox
    """
    settings, deadline = elastic_settings(target), Deadline.after(minutes=timeout_minutes)
    with reporting("elastic tour", name, target) as report, holding("elastic", name, deadline):
        verify_cluster(settings)
        model_was_there = read_model(settings, model_id) is not None
        download_model(settings, model_id, report, deadline)
        one = DeploymentSpec(id=f"{name}-one", model_id=model_id)
        start(settings, one, report, deadline)
        fitting = _the_second_deployment(settings, name, model_id, report)
        start(settings, fitting, report, deadline)
        _infer(settings, model_id, fitting.id, report)
        with report.step("infer a file of texts") as step:
            inferred = read_inferences(
                settings, fitting.id, DocumentSource(path=Path(films), id_field="id"), "plot", deadline
            )
            step.saw(
                f"{inferred.texts:,} texts in {inferred.calls} calls, the largest of {inferred.largest_call}"
            )
            step.saw(f"{inferred.per_second:.0f} a second, {len(inferred.truncated)} truncated")

        movies = IndexSpec(
            name=f"{name}-movies",
            properties={"plot": text_field()},
            default_pipeline=f"{name}-movies-lowercase",
        )
        load(settings, DocumentSource(path=Path(films), id_field="id"), movies, "title", report, deadline)
        plot = EmbeddedField(input="plot", output="plot_embedding")
        of_films = EmbedPlan(
            alias=f"{name}-films",
            source=movies.name,
            fields=(plot,),
            deployment=fitting.id,
            search_deployment=one.id,
            queries=Path(queries),
        )
        embed(settings, of_films, report, deadline)
        _search(settings, of_films, plot, report)
        _template(settings, of_films, plot, report)
        _statistics(settings, of_films, plot, report)

        glosses = IndexSpec(name=f"{name}-texts", properties={"gloss": text_field()})
        corpus = DocumentSource(path=Path(texts), id_field="id", limit=limit)
        load(settings, corpus, glosses, None, report, deadline)
        of_texts = EmbedPlan(
            alias=f"{name}-glosses",
            source=glosses.name,
            fields=(EmbeddedField(input="gloss", output="gloss_embedding"),),
            deployment=fitting.id,
            search_deployment=one.id,
        )
        embed(settings, of_texts, report, deadline)

        for plan in (of_films, of_texts):
            teardown(settings, read_inventory(settings, plan.alias), report, deadline)
        with report.step("remove what the tour made besides") as step:
            remove_template(settings, of_films.alias)
            for index in (movies.name, glosses.name):
                remove_index(settings, index, deadline)
            remove_pipeline(settings, f"{name}-movies-lowercase")
            for deployment in (fitting, one):
                remove_deployment(settings, deployment.id, deadline)
            if not model_was_there:
                remove_model(settings, model_id)
            step.saw(
                f"2 indices, 1 pipeline, 1 template, 2 deployments; the model {'stays' if model_was_there else 'too'}"
            )
        with report.step("see that nothing is left") as step:
            for alias in (of_films.alias, of_texts.alias):
                left = read_inventory(settings, alias)
                if not left.is_empty:
                    raise GateNotMet(f"What is left of {alias}", measured=str(left), wanted="nothing")
            step.saw("nothing")
    return report


def _the_second_deployment(
    settings: ElasticSettings, name: str, model_id: str, report: Report
) -> DeploymentSpec:
    """The notebook's second deployment, told that it does not fit before it is started; and the nearest that does."""
    wished = DeploymentSpec(
        id=f"{name}-configured", model_id=model_id, allocations=3, threads=8, queue_capacity=7000
    )
    with report.step("3 allocations of 8 threads, as in the notebook") as step:
        try:
            verify_capacity(settings, [wished])
        except DoesNotFit as error:
            nearest = error.placement.nearest
            if nearest is None:
                raise
            if read_deployment(settings, wished.id) is not None:
                raise GateNotMet(
                    f"The deployment {wished.id}", measured="started", wanted="not started"
                ) from error
            step.saw(f"do not fit, and nothing was started; {nearest} do")
            changed = {"allocations": nearest.allocations, "threads": nearest.threads}
            return DeploymentSpec.model_validate({**wished.model_dump(), **changed})
        step.saw("fit on these nodes")
    return wished


def _infer(settings: ElasticSettings, model_id: str, deployment_id: str, report: Report) -> None:
    with report.step("infer by model and by deployment id") as step:
        by_model = verify_inference(settings, model_id, TEXT)
        by_deployment = verify_inference(settings, deployment_id, TEXT)
        if by_model.tokens.keys() != by_deployment.tokens.keys():
            raise GateNotMet(
                "The tokens by deployment id", measured=len(by_deployment.tokens), wanted="those by model id"
            )
        best = listed(f"{token} {weight:.2f}" for token, weight in list(by_model.tokens.items())[:TOKENS])
        step.saw(f"{len(by_model.tokens)} tokens: {best}")


def _search(settings: ElasticSettings, plan: EmbedPlan, field: EmbeddedField, report: Report) -> None:
    with report.step(f"search {QUERY!r}") as step:
        model = read_embedded(settings, plan.alias).search_deployment
        older = read_hits(settings, plan.alias, QUERY, field.output, model, size=5, kind="text_expansion")
        newer = read_hits(settings, plan.alias, QUERY, field.output, model, size=5)
        if not newer.hits or not older.hits:
            raise GateNotMet(f"The number of films found by {QUERY!r}", measured=0, wanted="some")
        for hit in newer.hits[:3]:
            step.saw(f"{hit.id} ({hit.score:.2f}): {shown(hit, field.input)}")
        step.saw(f"text_expansion: {listed(hit.id for hit in older.hits)}")


def _template(settings: ElasticSettings, plan: EmbedPlan, field: EmbeddedField, report: Report) -> None:
    with report.step("search template") as step:
        ensure_template(settings, plan.alias, search_template(field.output, plan.search_deployment))
        size = 3
        parameters = {"query": 'the "perfect" crime', "size": size}
        rendered = read_rendered_template(settings, plan.alias, parameters)
        if rendered["size"] != size:
            raise GateNotMet("The rendered size", measured=rendered["size"], wanted=size)
        hits = read_template_hits(settings, plan.alias, plan.alias, parameters).hits
        if len(hits) > size or not hits:
            raise GateNotMet("The number of hits by template", measured=len(hits), wanted=f"1 to {size}")
        step.saw(f"rendered and run: {listed(hit.id for hit in hits)}")


def _statistics(settings: ElasticSettings, plan: EmbedPlan, field: EmbeddedField, report: Report) -> None:
    with report.step("statistics and hot threads") as step:
        diagnosis = read_diagnosis(settings, plan.alias, (field,))
        for deployment in diagnosis.deployments:
            step.saw(
                f"{deployment.id}: {deployment.inferences:,} inferences, {deployment.rejected:,} rejected"
            )
        step.saw(f"{len(diagnosis.threads)} busy threads")
        for finding in diagnosis.findings:
            step.saw(f"{finding.what}: {finding.seen}; {finding.change}")
