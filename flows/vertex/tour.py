"""`vertex tour`: the path of Google's stream-update notebook through the whole life of a streaming index, each step checked.

Every change to the index has an answer that must follow from it; the flow queries, compares and fails if they differ, and
recall is measured against exact search: that makes this a check and not only a demonstration.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

from pydantic import Field

from flows.engine_flow import engine_flow
from flows.options import Confirmed, Timed, agreement, timeout
from flows.report import Report
from flows.runs import running
from flows.vertex.agreement import agree_to_first_deployments
from flows.vertex.build_steps import BuildPlan, build
from flows.vertex.engine import VERTEX
from flows.vertex.options import DATA, DataOptions, VertexRun
from flows.vertex.teardown import teardown
from flows.vertex.tour_datapoint import stream_one_datapoint
from tasks.errors import InvalidInput
from tasks.plurals import counted, listed
from tasks.program import command
from tasks.progress import say
from tasks.vertex.data.rules import NOTEBOOK_RULES
from tasks.vertex.imports.import_data import DataSource, read_validated
from tasks.vertex.imports.tour_data import read_tour_data
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import Algorithm, DeployedIndexSpec, EndpointKind, IndexSpec, Name
from tasks.vertex.verification.recall import Recall, verify_recall
from tasks.vertex.verification.truths import Truth, read_truth

NOTEBOOK_FRACTION = 0.07
"""The notebook's leafNodesToSearchPercent of 7."""
FRACTIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0)
"""Leaf overrides, tried in ascending order until recall passes its gate."""


class TourOptions(DataOptions, Confirmed, Timed, frozen=True):
    """The options of `vertex tour`."""

    name: Annotated[Name, Field(max_length=57)] = Field(
        description="Names what is built: NAME and, for the exact index that recall is compared with, NAME-exact."
    )
    data: str = Field(
        description=f"File of vectors and queries: {DATA} Words in train_words of HDF5 are displayed."
    )
    limit: int | None = Field(default=None, ge=2, description="Load only the first N rows.")
    endpoint: EndpointKind = Field(
        default="vpc",
        description="How queries reach the index: vpc as in the notebook, public, or private-service-connect (sandbox only).",
    )
    k: int = Field(default=10, ge=2, description="Neighbors per query.")
    min_recall: float = Field(
        default=0.9, gt=0, le=1, description="The recall@k to reach with a leaf override."
    )
    yes: bool = agreement("the cost")
    timeout_minutes: float = timeout(480)

    @property
    def exact_name(self) -> str:
        """The name of the index that searches exactly."""
        return f"{self.name}-exact"

    @property
    def source(self) -> DataSource:
        """The rows, with the notebook's restricts and crowding tags."""
        return self.data_source(self.data, self.limit, NOTEBOOK_RULES)


@engine_flow(VERTEX, "tour", run_name="tour {name} on {target}")
def tour(options: TourOptions) -> Report:
    """Take vectors through the whole life of a streaming index, check each step, and leave nothing behind.

    Build, query, upsert, filter, crowd, remove, measure recall three ways, tear down: the path and the settings of
    Google's stream-update notebook. Fails if an answer is not the one that must follow from a step.

    Example:
        vector-search vertex tour --name glove-100 --data sandbox/data/glove-100-sample.hdf5 --target sandbox
    """
    settings = VERTEX.settings(options.target)
    _refuse_two_attachments(settings, options)
    names = (options.name, options.exact_name)
    with running(VERTEX, "tour", options, holds=names) as run:
        deployed = {one: DeployedIndexSpec(name=one, location=settings.location) for one in names}
        agreed = agree_to_first_deployments(run, [*deployed.values()], None, yes=options.yes)
        with _saying_what_stays(options):
            with run.report.chapter("the data") as chapter, run.report.step("validate the data") as step:
                validated = read_validated(settings, options.source, queries_needed=True)
                step.saw(
                    f"{counted(validated.rows, 'row')} of {counted(validated.dimensions, 'dimension')}, {validated.queries:,} queries"
                )
                chapter.saw(step.seen)
            if not validated.dimensions:
                raise InvalidInput(
                    "The tour takes dense vectors, and the data has sparse ones alone", value=options.data
                )

            def built(index: IndexSpec) -> ServedIndex:
                plan = BuildPlan(
                    source=options.source,
                    index=index,
                    endpoint=options.endpoint,
                    deployed=deployed[index.name],
                )
                done = build(run, plan, validated, cost_agreed=index.name in agreed, yes=options.yes)
                return done.served

            tree = _as_in_the_notebook(options.name, "tree-ah", validated.dimensions)
            data = read_tour_data(settings, options.source, tree)
            with run.report.chapter("a streaming index") as chapter:
                served = built(tree)
                chapter.saw(f"{tree.algorithm}, built, deployed and serving")
            with run.report.chapter("one new datapoint") as chapter:
                stream_one_datapoint(run, served, data, options.k)
                chapter.saw(
                    "upserted and found first, filtered by class, moved to another, crowded, retagged, removed: each answer as it must be"
                )
            with run.report.chapter("an exact index") as chapter:
                exact = built(_as_in_the_notebook(options.exact_name, "brute-force", validated.dimensions))
                chapter.saw("brute force, built, deployed and serving")
            with run.report.chapter(f"recall@{options.k}") as chapter:
                chapter.saw(_measure_recall(run, options, served, exact))
            with run.report.chapter("teardown") as chapter:
                for one in reversed(names):
                    teardown(run, one)
                chapter.saw("undeployed and removed; nothing is left")
    return run.report


def _as_in_the_notebook(name: str, algorithm: Algorithm, dimensions: int) -> IndexSpec:
    return IndexSpec(
        name=name,
        dimensions=dimensions,
        algorithm=algorithm,
        approximate_neighbors_count=150,
        leaf_node_embedding_count=500,
        fraction_leaf_nodes_to_search=NOTEBOOK_FRACTION,
    )


def _measure_recall(run: VertexRun, options: TourOptions, served: ServedIndex, exact: ServedIndex) -> str:
    """Measure it three ways, and return it in words."""
    settings, report, min_recall = run.settings, run.report, options.min_recall
    with report.step(f"recall at {NOTEBOOK_FRACTION:.0%} of the leaves, as in the notebook") as step:
        truth = read_truth(settings, served, options.source, k=options.k)
        measured = [verify_recall(settings, served, truth)]
        step.saw(str(measured[0]))
    with report.step(f"recall of at least {min_recall:g} with more leaves") as step:
        tries = _enough_leaves(settings, served, truth, min_recall)
        step.saw(listed(f"{one.recall:.3f} at {one.fraction:.0%}" for one in tries))
    report.facts["recall_by_leaves"] = [
        {"leaves": one.fraction or NOTEBOOK_FRACTION, "recall": one.recall, "p50": one.p50}
        for one in measured + tries
    ]
    with report.step("recall of brute force") as step:
        best = verify_recall(settings, exact, truth, min_recall=0.999)
        step.saw(str(best))
    by_leaves = listed(
        f"{one.recall:.3f} at {one.fraction or NOTEBOOK_FRACTION:.0%}" for one in measured + tries
    )
    return f"{by_leaves} of the leaves; {best.recall:.3f} by brute force"


def _refuse_two_attachments(settings: VertexSettings, options: TourOptions) -> None:
    if options.endpoint == "private-service-connect" and not settings.is_sandbox:
        raise InvalidInput(
            "The tour has two endpoints with a service attachment each, but VERTEX_PRIVATE_ADDRESS is one address",
            value=options.endpoint,
            source="endpoint",
            accepted="public or vpc",
            remedy="A build creates one endpoint and accepts it: "
            f"`{command('vertex build', name=options.name, data=options.data, endpoint='private-service-connect')}`.",
        )


def _enough_leaves(
    settings: VertexSettings, served: ServedIndex, truth: Truth, min_recall: float
) -> list[Recall]:
    """Search more and more of the leaves until recall passes its gate."""
    tries: list[Recall] = []
    for fraction in FRACTIONS:
        gate = min_recall if fraction == FRACTIONS[-1] else None
        recall = verify_recall(settings, served, truth, fraction=fraction, min_recall=gate)
        tries.append(recall)
        if recall.recall >= min_recall:
            break
    return tries


@contextmanager
def _saying_what_stays(options: TourOptions) -> Generator[None]:
    try:
        yield
    except BaseException:
        say(
            f"The tour did not finish. What it built stays, and the same command resumes; to remove it: "
            f"`{command('vertex teardown', name=options.exact_name, yes=True)}` and "
            f"`{command('vertex teardown', name=options.name, yes=True)}`."
        )
        raise
