"""`vertex build`: vectors from a file to a deployed, queryable index."""

from __future__ import annotations

from pydantic import Field

from flows.engine_flow import engine_flow
from flows.options import Confirmed, Interruptible, Timed, agreement, timeout
from flows.report import Report
from flows.runs import running
from flows.vertex.agreement import agree_to_first_deployments
from flows.vertex.build_steps import BuildPlan, build
from flows.vertex.engine import VERTEX
from flows.vertex.options import DATA, DataOptions, HybridOptions
from flows.vertex.private_ways import KIND as PRIVATE_SERVICE_CONNECT
from flows.vertex.private_ways import connected
from flows.vertex.version_steps import prune, verify_and_serve
from tasks.errors import InvalidInput
from tasks.plurals import listed
from tasks.program import command
from tasks.progress import say
from tasks.vertex.data.import_formats import ImportFormat
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex.imports.import_data import read_validated
from tasks.vertex.labels import parse_labels
from tasks.vertex.marks import MOST_SHARING
from tasks.vertex.network.private_service_connect import way_name
from tasks.vertex.specs import (
    Algorithm,
    DeployedIndexSpec,
    DeploymentTier,
    DistanceMeasure,
    EndpointKind,
    FeatureNorm,
    IndexSpec,
    Name,
    ShardSize,
    UpdateMethod,
    check_kms_key,
)

SPARSE_ONLY_DIMENSIONS = 768
"""Every index has dimensions, which count for dense vectors only; Google's example of sparse ones alone has these ("About hybrid search")."""


class BuildOptions(DataOptions, HybridOptions, DatapointRules, Confirmed, Timed, Interruptible, frozen=True):
    """The options of `vertex build`. Those of the index and the deployed index have the names of their specifications."""

    name: Name = Field(
        description="Names the index, its endpoint and its files: lowercase letters, digits and dashes, starting with a letter."
    )
    data: str = Field(description=f"File of vectors: {DATA}")
    limit: int | None = Field(default=None, ge=1, description="Load only the first N rows.")
    import_format: ImportFormat = Field(
        default="jsonl",
        description="How the import files are written: avro is smaller. The content is the same, so "
        "another format rebuilds nothing.",
    )
    algorithm: Algorithm = Field(
        default="tree-ah",
        description="tree-ah is fast and approximate; brute-force is exact, for ground truth.",
    )
    distance_measure: DistanceMeasure = Field(
        default="DOT_PRODUCT_DISTANCE", description="How vectors are compared."
    )
    feature_norm: FeatureNorm = Field(
        default="NONE",
        description="UNIT_L2_NORM normalizes every vector; with DOT_PRODUCT_DISTANCE this gives cosine similarity.",
    )
    update_method: UpdateMethod = Field(
        default="STREAM_UPDATE",
        description="STREAM_UPDATE serves upserts within seconds; BATCH_UPDATE takes imports of files (`vertex import`).",
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
        description="Fraction of the leaves that a query searches; more is slower and finds more.",
    )
    endpoint: EndpointKind = Field(
        default="public",
        description="public is reachable from the internet; vpc and private-service-connect only from your network.",
    )
    endpoint_name: Name | None = Field(
        default=None,
        description="Deploy on the endpoint of this name, which other names may share; it goes with the last of them. Default: where the "
        "name is already, or an endpoint of its own name. Replicas are billed by deployed index: sharing saves no cost.",
    )
    machine_type: str | None = Field(
        default=None,
        description="Machine type of a replica, such as e2-standard-16. Default: automatic resources.",
    )
    min_replicas: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Minimum number of replicas, which always run and are billed. Default: the current number, 1 for a new one.",
    )
    max_replicas: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Maximum number of replicas under load. Default: the current number, at least min_replicas.",
    )
    deployment_tier: DeploymentTier | None = Field(
        default=None,
        description="STORAGE serves from disk: cheaper, slower. Needs the shard_size SHARD_SIZE_SO_DYNAMIC, and takes no machine_type. "
        "Default: the service's own tier.",
    )
    kms_key: str | None = Field(
        default=None,
        description="Key that encrypts the index and its endpoint, in the same region: projects/PROJECT/locations/LOCATION/keyRings/RING/"
        "cryptoKeys/KEY. Default: Google's own.",
    )
    label: tuple[str, ...] = Field(
        default=(),
        description="A label of your own for the index and its endpoint, KEY=VALUE; can be given several times. Labels that are "
        "not named stay.",
    )
    as_version: bool = Field(
        default=False,
        description="Build other data or another configuration as a new version beside the served one, and serve it once it "
        "passes min_recall. It holds the file's rows, not what was streamed into the other. Both are deployed, and cost, until "
        "the old one is pruned.",
    )
    min_recall: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="The recall@10 that a new version must reach to be served; 0 only measures. For as_version.",
    )
    prune: bool = Field(
        default=False,
        description="Remove the other versions once the new one is served; no rollback then. For as_version.",
    )
    yes: bool = agreement("the cost, and to replacing the content of a deployed index,")
    timeout_minutes: float = timeout(240)


@engine_flow(VERTEX, "build", run_name="build {name} on {target}")
def build_index(options: BuildOptions) -> Report:
    """Build a deployed, queryable index from a file of vectors.

    Reads what exists and creates only what is missing: a run after a crash resumes, a run after success changes nothing.
    Different data under the same name replaces the whole content of the index, including datapoints streamed or imported into it; if
    the index is deployed, this needs a confirmation. With as_version it is built as a new version instead, measured, and
    served without downtime; the version before stays for `vertex rollback` until `vertex prune`.

    Example:
        vector-search vertex build --name products --data products.hdf5 --target sandbox
    """
    name, yes = options.name, options.yes
    _refuse_unsuited(options)
    labels = parse_labels(options.label)
    rules = DatapointRules.model_validate(options.shared_with(DatapointRules))
    source = options.data_source(options.data, options.limit, rules)
    location = VERTEX.settings(options.target).location
    check_kms_key(options.kms_key, location)
    deployed = DeployedIndexSpec.model_validate(
        {**options.shared_with(DeployedIndexSpec), "location": location}
    )
    with running(VERTEX, "build", options) as run:
        agreed = agree_to_first_deployments(
            run, [deployed], options.shard_size, yes=yes, endpoint_name=options.endpoint_name
        )
        with run.report.step("validate the data") as step:
            validated = read_validated(run.settings, source, queries_needed=options.as_version)
            step.saw(f"{validated.size}, content {validated.content}")
            for found in remarks(validated):
                step.saw(found)
                say(found)
        dimensions = validated.dimensions or SPARSE_ONLY_DIMENSIONS
        index = {**options.shared_with(IndexSpec), "dimensions": dimensions}
        plan = BuildPlan(
            source=source,
            index=IndexSpec.model_validate(index),
            endpoint=options.endpoint,
            deployed=deployed,
            import_format=options.import_format,
            as_version=options.as_version,
            labels=labels,
        )
        built = build(run, plan, validated, cost_agreed=name in agreed, yes=yes, prunes=options.prune)
        if not built.is_served:
            built.served = connected(run, built.served)
            verify_and_serve(
                run,
                built.served,
                source,
                options.min_recall,
                alpha=options.alpha,
                rrf_constant=options.rrf_constant,
            )
            built.changes.append(f"served the version {built.served.version}")
        if options.prune and (gone := prune(run, name)):
            built.changes.append(f"removed {listed(f'the version {one}' for one in gone)}")
        run.report.facts |= {
            "index": built.served.index,
            "endpoint": built.served.endpoint,
            "deployed_index_id": built.served.deployed_index_id,
            "version": built.served.version,
            "changes": built.changes,
        }
        say(
            f"Done: {listed(built.changes)}."
            if built.changes
            else "Nothing to do: everything is already there."
        )
    return run.report


def remarks(validated: ValidatedVectors) -> list[str]:
    """What was done with the data that nobody asked for, and what was left, with the options that take it."""
    found = list[str]()
    if validated.converted_from:
        found.append(f"The vectors are {validated.converted_from} and were converted to float32.")
    if validated.unused:
        names = listed([name if name.startswith("and ") else f"`{name}`" for name in validated.unused])
        found.append(
            f"Not used: {names}. --restrict-columns takes a column as a filter, --crowding-column as crowding tags, "
            "--ids-from as ids, --vectors-from as vectors, --sparse-from a group of sparse rows."
        )
    return found


def _refuse_unsuited(options: BuildOptions) -> None:
    if options.prune and not options.as_version:
        raise InvalidInput(
            "Only a build of a new version prunes the others", value=True, source="prune",
            accepted="prune together with as_version", remedy=f"`{command('vertex prune', name=options.name)}` removes the versions that are not served.",
        )  # fmt: skip
    shares = options.endpoint_name not in (None, options.name)
    if shares and len(options.name) > MOST_SHARING:
        raise InvalidInput(
            "This name is too long for an endpoint that is shared: labels of the endpoint say which version of it is served",
            value=options.name, source="name", accepted=f"at most {MOST_SHARING} characters, with endpoint_name",
        )  # fmt: skip
    longest = 63 - len(way_name("", "0" * 12))
    if options.as_version and options.endpoint == PRIVATE_SERVICE_CONNECT and len(options.name) > longest:
        raise InvalidInput(
            "This name is too long for versions behind Private Service Connect: forwarding rules are named by it and the version",
            value=options.name, source="name", accepted=f"at most {longest} characters, with as_version",
        )  # fmt: skip
