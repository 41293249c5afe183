"""`vertex tour`: the seed notebook's path through the whole life of a streaming index, each step checked.

Every change to the index has an answer that must follow from it; the flow asks, compares and fails when they differ, and
recall is measured against exact search: that is what makes this a check and not a show.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.report import Report, listed, reporting
from flows.slots import holding
from flows.vertex.agreement import agree_to_first_deployments
from flows.vertex.build import BuildPlan, build
from flows.vertex.teardown import teardown
from flows.vertex.tour_datapoint import stream_one_datapoint
from tasks.errors import InvalidInput
from tasks.program import PROGRAM
from tasks.progress import say
from tasks.vertex.data.rules import SEED_RULES
from tasks.vertex.imports.import_data import DataSource, read_validated
from tasks.vertex.imports.tour_data import read_tour_data
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import VertexSettings, VertexTarget, vertex_settings
from tasks.vertex.specs import Algorithm, DeployedIndexSpec, EndpointKind, IndexSpec, Name
from tasks.vertex.verification.recall import Truth, read_truth, verify_recall
from tasks.waiting import Deadline

SEED_FRACTION = 0.07
"""The seed's leafNodesToSearchPercent of 7."""
FRACTIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0)
"""Leaf overrides, tried from below until recall passes its gate."""


@flow(name="vertex tour", flow_run_name="tour {name} on {target}")
def tour(
    *,
    name: Annotated[Name, Field(max_length=57)],
    data: str,
    target: VertexTarget,
    limit: Annotated[int, Field(ge=2)] | None = None,
    endpoint: EndpointKind = "vpc",
    k: Annotated[int, Field(ge=2)] = 10,
    min_recall: Annotated[float, Field(gt=0, le=1)] = 0.9,
    yes: bool = False,
    timeout_minutes: Annotated[float, Field(gt=0)] = 480,
) -> Report:
    """Take vectors through the whole life of a streaming index, check each step, and leave nothing behind.

    Build, query, upsert, filter, crowd, remove, measure recall three ways, tear down: the path of Google's stream-update
    notebook, with settings as there. Fails when an answer is not the one that must follow from a step.

    Args:
        name: Names what is made: NAME and, for the exact index that recall is compared with, NAME-exact.
        data: HDF5 file in the ann-benchmarks layout with train and test; words in train_words are shown.
        target: Where to go: sandbox, or google-cloud with VERTEX_PROJECT and VERTEX_LOCATION set.
        limit: Load only the first so many rows.
        endpoint: How queries travel; vpc as in the notebook, public from anywhere, private-service-connect in a sandbox only.
        k: Neighbors a query.
        min_recall: What recall@k must reach with a leaf override.
        yes: Agree to what it costs without being asked.
        timeout_minutes: Give up waiting after so many minutes.

    Example:
        vector-search vertex tour --name glove-100 --data sandbox/data/glove-100-sample.hdf5 --target sandbox
    """
    settings, deadline = vertex_settings(target), Deadline.after(minutes=timeout_minutes)
    _refuse_two_attachments(settings, endpoint)
    source, exact_name = DataSource(data, limit, SEED_RULES), f"{name}-exact"
    deployed = {one: DeployedIndexSpec(name=one, location=settings.location) for one in (name, exact_name)}

    def specified(of: str, algorithm: Algorithm) -> IndexSpec:
        return IndexSpec(
            name=of,
            dimensions=validated.dimensions,
            algorithm=algorithm,
            approximate_neighbors_count=150,
            leaf_node_embedding_count=500,
            fraction_leaf_nodes_to_search=SEED_FRACTION,
        )

    def built(index: IndexSpec) -> ServedIndex:
        plan = BuildPlan(source=source, index=index, endpoint=endpoint, deployed=deployed[index.name])
        return build(
            settings, plan, validated, report, deadline, cost_agreed=index.name in agreed, yes=yes
        ).served

    with (
        reporting("vertex tour", name, target) as report,
        holding("vertex", name, deadline),
        holding("vertex", exact_name, deadline),
    ):
        agreed = agree_to_first_deployments(settings, [*deployed.values()], None, deadline, yes=yes)
        with _saying_what_stays(name, exact_name, target):
            with report.step("validate the data") as step:
                validated = read_validated(settings, source, queries_needed=True)
                step.saw(
                    f"{validated.rows:,} rows of {validated.dimensions} dimensions, {validated.queries:,} queries"
                )

            tree = specified(name, "tree-ah")
            words = read_tour_data(settings, source, tree)
            served = built(tree)
            stream_one_datapoint(settings, served, words, report, deadline, k)

            exact = built(specified(exact_name, "brute-force"))
            with report.step(f"recall at {SEED_FRACTION:.0%} of the leaves, as in the notebook") as step:
                truth = read_truth(settings, served, source, k=k)
                step.saw(str(verify_recall(settings, served, truth)))
            with report.step(f"recall of at least {min_recall:g} with more leaves") as step:
                step.saw(_enough_leaves(settings, served, truth, min_recall))
            with report.step("recall of brute force") as step:
                step.saw(str(verify_recall(settings, exact, truth, min_recall=0.999)))

            for one in (exact_name, name):
                teardown(settings, one, report, deadline)
    return report


def _refuse_two_attachments(settings: VertexSettings, endpoint: EndpointKind) -> None:
    if endpoint == "private-service-connect" and not settings.is_sandbox:
        raise InvalidInput(
            "The tour has two endpoints, each with a service attachment of its own, and VERTEX_PRIVATE_ADDRESS is one address",
            value=endpoint,
            source="endpoint",
            accepted="public or vpc",
            remedy="`vertex build` makes one endpoint, and takes private-service-connect.",
        )


def _enough_leaves(settings: VertexSettings, served: ServedIndex, truth: Truth, min_recall: float) -> str:
    """Search more and more of the leaves until recall passes its gate, and tell each try."""
    tries: list[str] = []
    for fraction in FRACTIONS:
        gate = min_recall if fraction == FRACTIONS[-1] else None
        recall = verify_recall(settings, served, truth, fraction=fraction, min_recall=gate)
        tries.append(f"{recall.recall:.3f} at {fraction:.0%}")
        if recall.recall >= min_recall:
            break
    return listed(tries)


@contextmanager
def _saying_what_stays(name: str, exact_name: str, target: VertexTarget) -> Generator[None]:
    try:
        yield
    except BaseException:
        remove = f"{PROGRAM} vertex teardown --target {target} --yes --name"
        say(
            f"The tour did not end. What it made stays, and the same command goes on from there; to remove it: "
            f"`{remove} {exact_name}` and `{remove} {name}`."
        )
        raise
