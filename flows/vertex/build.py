"""`vertex build`: vectors from a file to a deployed, queryable index."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.report import Report, listed, reporting
from flows.slots import holding
from flows.vertex.agreement import agree, agree_to_first_deployments, cost_questions, overwrite_questions
from tasks.errors import GateNotMet
from tasks.interruption import WhenInterrupted
from tasks.progress import say
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.imports.import_data import (
    DataSource,
    ensure_local_import_files,
    forget_local_import_files,
    local_folder,
    read_validated,
)
from tasks.vertex.imports.storage import apply_import_files, import_uri, remove_import_files
from tasks.vertex.resources.deployed_indexes import (
    DeployedIndexState,
    ensure_deployed_index,
    read_deployed_index_as_wanted,
    wait_for_deployed_index,
    wait_for_index_sync,
)
from tasks.vertex.resources.endpoints import (
    endpoint_spec,
    ensure_endpoint,
    read_endpoint,
    remove_endpoint_twins,
    wait_for_endpoint,
)
from tasks.vertex.resources.indexes import (
    IndexState,
    apply_index_contents,
    ensure_index,
    read_index,
    remove_index_twins,
    wait_for_index,
)
from tasks.vertex.resources.served import ServedIndex, served_index, way_through
from tasks.vertex.settings import VertexSettings, VertexTarget, vertex_settings
from tasks.vertex.specs import (
    Algorithm,
    DeployedIndexSpec,
    DistanceMeasure,
    EndpointKind,
    FeatureNorm,
    IndexSpec,
    Name,
    ShardSize,
    UpdateMethod,
)
from tasks.waiting import Deadline


@dataclass(frozen=True)
class BuildPlan:
    """What a build is to end with."""

    source: DataSource
    index: IndexSpec
    """Its dimensions are those of the data."""
    endpoint: EndpointKind
    deployed: DeployedIndexSpec
    when_interrupted: WhenInterrupted = "leave-running"

    @property
    def name(self) -> str:
        """The name of all that is made."""
        return self.index.name


@dataclass
class Build:
    """What a build did."""

    served: ServedIndex
    changes: list[str] = field(default_factory=list)
    """Every change that it made; empty when all was there already."""


@flow(name="vertex build", flow_run_name="build {name} on {target}")
def build_index(
    *,
    name: Name,
    data: str,
    target: VertexTarget,
    limit: Annotated[int, Field(ge=1)] | None = None,
    rules: DatapointRules = DatapointRules(),  # noqa: B008 -- frozen
    algorithm: Algorithm = "tree-ah",
    distance_measure: DistanceMeasure = "DOT_PRODUCT_DISTANCE",
    feature_norm: FeatureNorm = "NONE",
    update_method: UpdateMethod = "STREAM_UPDATE",
    shard_size: ShardSize | None = None,
    approximate_neighbors_count: Annotated[int, Field(gt=0)] = 150,
    leaf_node_embedding_count: Annotated[int, Field(gt=0)] = 1000,
    fraction_leaf_nodes_to_search: Annotated[float, Field(gt=0, lt=1)] = 0.05,
    endpoint: EndpointKind = "public",
    machine_type: str | None = None,
    min_replicas: Annotated[int, Field(ge=1, le=1000)] | None = None,
    max_replicas: Annotated[int, Field(ge=1, le=1000)] | None = None,
    yes: bool = False,
    timeout_minutes: Annotated[float, Field(gt=0)] = 240,
    when_interrupted: WhenInterrupted = "leave-running",
) -> Report:
    """Vectors from an HDF5 file to a deployed, queryable index.

    Reads what is there and does only what is missing: run again after a crash it goes on, run again after success it
    changes nothing. Other data under the same name replace all content of the index, datapoints streamed into it too; when
    the index is deployed, that wants a yes.

    Args:
        name: Names the index, its endpoint and its files: lowercase letters, digits and dashes, a letter first.
        data: HDF5 file in the ann-benchmarks layout (datasets train, test); a local path or a gs:// address.
        target: Where to build: sandbox, or google-cloud with VERTEX_PROJECT and VERTEX_LOCATION set.
        limit: Load only the first so many rows.
        rules: Restricts and crowding tags given to each row.
        algorithm: tree-ah searches approximately and fast; brute-force exactly, for ground truth.
        distance_measure: How vectors are compared.
        feature_norm: UNIT_L2_NORM normalises every vector; with DOT_PRODUCT_DISTANCE that gives cosine similarity.
        update_method: STREAM_UPDATE takes upserts within seconds; BATCH_UPDATE only whole imports.
        shard_size: Size of a shard; decides which machines can serve it. Default: the service's, medium.
        approximate_neighbors_count: Neighbors found by approximate search before exact reordering.
        leaf_node_embedding_count: Datapoints in one leaf of the tree.
        fraction_leaf_nodes_to_search: Part of the leaves that a query searches: more is slower and finds more.
        endpoint: public is reached over the internet; vpc and private-service-connect from your network only.
        machine_type: Machine of a replica, such as e2-standard-16. Default: automatic resources.
        min_replicas: Replicas that always run, and are paid for. Default: as many as there are, 1 when new.
        max_replicas: Replicas at most, under load. Default: as many as there are, at least min_replicas.
        yes: Agree to what it costs, and to other content in what is served, without being asked.
        timeout_minutes: Give up waiting after so many minutes; what runs at the service goes on.
        when_interrupted: On Ctrl-C or cancel, leave the running operation or ask the service to cancel it.

    Example:
        vector-search vertex build --name products --data products.hdf5 --target sandbox
    """
    settings, deadline = vertex_settings(target), Deadline.after(minutes=timeout_minutes)
    source = DataSource(data, limit, rules)
    deployed = DeployedIndexSpec(
        name=name,
        location=settings.location,
        machine_type=machine_type,
        min_replicas=min_replicas,
        max_replicas=max_replicas,
    )
    with reporting("vertex build", name, target) as report, holding("vertex", name, deadline):
        agreed = agree_to_first_deployments(settings, [deployed], shard_size, deadline, yes=yes)
        with report.step("validate the data") as step:
            validated = read_validated(settings, source)
            step.saw(
                f"{validated.rows:,} rows of {validated.dimensions} dimensions, content {validated.content}"
            )
        plan = BuildPlan(
            source=source,
            index=IndexSpec(
                name=name,
                dimensions=validated.dimensions,
                algorithm=algorithm,
                distance_measure=distance_measure,
                feature_norm=feature_norm,
                update_method=update_method,
                shard_size=shard_size,
                approximate_neighbors_count=approximate_neighbors_count,
                leaf_node_embedding_count=leaf_node_embedding_count,
                fraction_leaf_nodes_to_search=fraction_leaf_nodes_to_search,
            ),
            endpoint=endpoint,
            deployed=deployed,
            when_interrupted=when_interrupted,
        )
        built = build(settings, plan, validated, report, deadline, cost_agreed=name in agreed, yes=yes)
        report.facts |= {
            "index": built.served.index,
            "endpoint": built.served.endpoint,
            "changes": built.changes,
        }
        say(
            f"Did: {listed(built.changes)}."
            if built.changes
            else "Nothing to do: all of it is there already."
        )
    return report


def build(
    settings: VertexSettings,
    plan: BuildPlan,
    validated: ValidatedVectors,
    report: Report,
    deadline: Deadline,
    *,
    cost_agreed: bool,
    yes: bool,
) -> Build:
    """Chain the steps of a build. The tour calls this too.

    Args:
        settings: the target.
        plan: what it is to end with.
        validated: what the look at the data found.
        report: gets the steps.
        deadline: ends every wait.
        cost_agreed: the cost of this first deployment was asked for already.
        yes: agree to all that remains to be asked.
    """
    name, changes = plan.name, list[str]()
    # Wrong settings, strangers and what cannot change in place are found before anything is changed or paid for.
    wanted_endpoint = endpoint_spec(settings, name, plan.endpoint)
    there = read_index(settings, name, deadline, plan.index)
    endpoint_there = read_endpoint(settings, name, deadline, wanted_endpoint)
    ours = None
    if there is not None and endpoint_there is not None:
        ours = read_deployed_index_as_wanted(
            settings, plan.deployed, endpoint=endpoint_there.resource, index=there.resource
        )
    shard_size = plan.index.shard_size if there is None else there.shard_size
    costs = [] if cost_agreed else cost_questions(settings, plan.deployed, shard_size, ours)
    agree([*costs, *overwrite_questions(there, validated)], yes=yes)

    if there is None or there.content != validated.content:
        with report.step(f"upload import files of {name}") as step:
            step.saw(_upload(settings, plan, validated, changes))

    with report.step(f"create index {name}") as step:
        index = _index(settings, plan, validated, there, changes, deadline)
        step.saw(
            f"{plan.index.algorithm}, {plan.index.update_method}, {index.vectors_count:,} vectors ({_id(index.resource)})"
        )

    with report.step(f"create endpoint {name}") as step:
        if endpoint_there is None:
            changes.append("created the endpoint")
        endpoint = ensure_endpoint(settings, wanted_endpoint, deadline)
        endpoint = wait_for_endpoint(settings, wanted_endpoint, endpoint, deadline, plan.when_interrupted)
        if remove_endpoint_twins(settings, name, endpoint.resource, deadline):
            changes.append("removed a twin of the endpoint")
        step.saw(f"{endpoint.kind} ({_id(endpoint.resource)})")

    with report.step(f"deploy index {name}") as step:
        deployed = _deployed(settings, plan, endpoint.resource, index.resource, changes, deadline)
        if index.overwritten:
            wait_for_index_sync(settings, endpoint.resource, deployed.id, index.overwritten, deadline)
        served = served_index(settings, name, index, endpoint, deployed)
        step.saw(f"{deployed.id} at {served.address or 'no address yet'}")
        if deployed.service_attachment:
            step.saw(f"service attachment {deployed.service_attachment}")
            say(way_through(settings, served, deployed.service_attachment))
    # Only now does nothing serve or import the old contents any more.
    if remove_import_files(settings, name, keep_content=validated.content):
        changes.append("removed the old import files")
    return Build(served, changes)


def _upload(
    settings: VertexSettings, plan: BuildPlan, validated: ValidatedVectors, changes: list[str]
) -> str:
    name, content = plan.name, validated.content
    ensure_bucket(settings)
    files = ensure_local_import_files(settings, name, plan.source, content)
    # That took its time: the teardown of another name may have removed the bucket, when it was empty.
    ensure_bucket(settings)
    upload = apply_import_files(settings, name, content, files, local_folder(name, content))
    forget_local_import_files(name)
    if upload.uploaded or upload.removed:
        changes.append("uploaded the import files")
    return f"{upload.uploaded} uploaded, {upload.unchanged} unchanged, {upload.bytes_sent:,} bytes"


def _index(
    settings: VertexSettings,
    plan: BuildPlan,
    validated: ValidatedVectors,
    there: IndexState | None,
    changes: list[str],
    deadline: Deadline,
) -> IndexState:
    name, content = plan.name, validated.content
    uri = import_uri(settings, name, content)
    index = ensure_index(settings, plan.index, contents_uri=uri, content=content, deadline=deadline)
    index = wait_for_index(settings, plan.index, index, deadline, plan.when_interrupted)
    if remove_index_twins(settings, name, index.resource, deadline):
        changes.append("removed a twin of the index")
    if there is None:
        changes.append("created the index")
    if index.content != content:
        index = apply_index_contents(
            settings,
            plan.index,
            index,
            contents_uri=uri,
            content=content,
            deadline=deadline,
            when_interrupted=plan.when_interrupted,
        )
        changes.append("replaced the contents of the index")
    # Statistics that lag say 0 or what was there before; streamed datapoints only raise the count.
    lagging = (0, 0 if there is None else there.vectors_count)
    if changes and index.vectors_count < validated.rows and index.vectors_count not in lagging:
        raise GateNotMet(
            f"The number of vectors in index {name}",
            measured=f"{index.vectors_count:,}",
            wanted=f"{validated.rows:,}",
            remedy=f"Look at the import files under {uri}.",
        )
    return index


def _deployed(
    settings: VertexSettings,
    plan: BuildPlan,
    endpoint: str,
    index: str,
    changes: list[str],
    deadline: Deadline,
) -> DeployedIndexState:
    while True:
        deployed = ensure_deployed_index(
            settings, plan.deployed, endpoint=endpoint, index=index, deadline=deadline
        )
        if deployed.making:
            changes.append("changed the replicas" if deployed.serves else "deployed the index")
        there = wait_for_deployed_index(settings, plan.deployed, deployed, deadline, plan.when_interrupted)
        # What an earlier run began can only be compared with what is wanted now when it has ended.
        if not deployed.adopted:
            return there


def _id(resource: str) -> str:
    return resource.rpartition("/")[2]
