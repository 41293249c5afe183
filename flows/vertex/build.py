"""`vertex build`: vectors from a file to a deployed, queryable index."""

from __future__ import annotations

from pydantic import Field

from flows.engine_flow import engine_flow
from flows.options import Confirmed, Interruptible, Timed, agreement, timeout
from flows.report import Report, listed
from flows.runs import running
from flows.vertex.agreement import agree_to_first_deployments
from flows.vertex.build_steps import BuildPlan, build
from flows.vertex.engine import VERTEX
from flows.vertex.options import VertexOptions
from tasks.progress import say
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.imports.import_data import DataSource, read_validated
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


class BuildOptions(VertexOptions, Confirmed, Timed, Interruptible, frozen=True):
    """The options of `vertex build`; those of its index and its deployed index bear their specifications' names."""

    name: Name = Field(
        description="Names the index, its endpoint and its files: lowercase letters, digits and dashes, a letter first."
    )
    data: str = Field(
        description="HDF5 file in the ann-benchmarks layout (datasets train, test); a local path or a gs:// address."
    )
    limit: int | None = Field(default=None, ge=1, description="Load only the first N rows.")
    rules: DatapointRules = Field(
        default=DatapointRules(), description="Restricts and crowding tags given to each row."
    )
    algorithm: Algorithm = Field(
        default="tree-ah",
        description="tree-ah searches approximately and fast; brute-force exactly, for ground truth.",
    )
    distance_measure: DistanceMeasure = Field(
        default="DOT_PRODUCT_DISTANCE", description="How vectors are compared."
    )
    feature_norm: FeatureNorm = Field(
        default="NONE",
        description="UNIT_L2_NORM normalises every vector; with DOT_PRODUCT_DISTANCE that gives cosine similarity.",
    )
    update_method: UpdateMethod = Field(
        default="STREAM_UPDATE",
        description="STREAM_UPDATE takes upserts within seconds; BATCH_UPDATE only whole imports.",
    )
    shard_size: ShardSize | None = Field(
        default=None,
        description="Size of a shard; decides which machines can serve it. Default: the service's, medium.",
    )
    approximate_neighbors_count: int = Field(
        default=150,
        gt=0,
        description="Neighbors found by approximate search before exact reordering.",
    )
    leaf_node_embedding_count: int = Field(
        default=1000, gt=0, description="Datapoints in one leaf of the tree."
    )
    fraction_leaf_nodes_to_search: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Part of the leaves that a query searches: more is slower and finds more.",
    )
    endpoint: EndpointKind = Field(
        default="public",
        description="public is reached over the internet; vpc and private-service-connect from your network only.",
    )
    machine_type: str | None = Field(
        default=None,
        description="Machine of a replica, such as e2-standard-16. Default: automatic resources.",
    )
    min_replicas: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Replicas that always run, and are paid for. Default: as many as there are, 1 when new.",
    )
    max_replicas: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Replicas at most, under load. Default: as many as there are, at least min_replicas.",
    )
    yes: bool = agreement("the cost, and to other content in what is served,")
    timeout_minutes: float = timeout(240)


@engine_flow(VERTEX, "build", run_name="build {name} on {target}")
def build_index(options: BuildOptions) -> Report:
    """Vectors from an HDF5 file to a deployed, queryable index.

    Reads what is there and does only what is missing: run again after a crash it goes on, run again after success it
    changes nothing. Other data under the same name replace all content of the index, datapoints streamed into it too; when
    the index is deployed, that wants a yes.

    Example:
        vector-search vertex build --name products --data products.hdf5 --target sandbox
    """
    name, yes = options.name, options.yes
    source = DataSource(options.data, options.limit, options.rules)
    location = VERTEX.settings(options.target).location
    deployed = DeployedIndexSpec.model_validate(
        {**options.shared_with(DeployedIndexSpec), "location": location}
    )
    with running(VERTEX, "build", options) as run:
        agreed = agree_to_first_deployments(run, [deployed], options.shard_size, yes=yes)
        with run.report.step("validate the data") as step:
            validated = read_validated(run.settings, source)
            step.saw(
                f"{validated.rows:,} rows of {validated.dimensions} dimensions, content {validated.content}"
            )
        index = {**options.shared_with(IndexSpec), "dimensions": validated.dimensions}
        plan = BuildPlan(
            source=source,
            index=IndexSpec.model_validate(index),
            endpoint=options.endpoint,
            deployed=deployed,
        )
        built = build(run, plan, validated, cost_agreed=name in agreed, yes=yes)
        run.report.facts |= {
            "index": built.served.index,
            "endpoint": built.served.endpoint,
            "changes": built.changes,
        }
        say(
            f"Did: {listed(built.changes)}."
            if built.changes
            else "Nothing to do: all of it is there already."
        )
    return run.report
