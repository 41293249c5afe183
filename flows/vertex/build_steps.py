"""The steps of a build, from a file of vectors to a deployed, queryable index."""

from __future__ import annotations

from dataclasses import dataclass, field

from flows.vertex.agreement import agree, cost_questions, overwrite_questions
from flows.vertex.options import VertexRun
from tasks.errors import GateNotMet
from tasks.progress import say
from tasks.vertex.data.import_formats import ImportFormat
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.imports.import_data import (
    DataSource,
    ensure_local_import_files,
    forget_local_import_files,
    local_folder,
)
from tasks.vertex.imports.storage import apply_import_files, import_folder, import_uri, remove_import_files
from tasks.vertex.resources.deployed_indexes import (
    DeployedIndexState,
    ensure_deployed_index,
    read_deployed_index_to_change,
    wait_for_deployed_index,
    wait_for_index_sync,
)
from tasks.vertex.resources.endpoints import (
    endpoint_spec,
    ensure_endpoint,
    read_endpoint_to_change,
    remove_endpoint_twins,
    wait_for_endpoint,
)
from tasks.vertex.resources.indexes import (
    IndexState,
    apply_index_contents,
    ensure_index,
    read_index_to_change,
    remove_index_twins,
    wait_for_index,
)
from tasks.vertex.resources.served import ServedIndex, served_index, way_through
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import (
    DeployedIndexSpec,
    EndpointKind,
    IndexSpec,
)


@dataclass(frozen=True, kw_only=True)
class BuildPlan:
    """The result that a build is to reach."""

    source: DataSource
    index: IndexSpec
    """Its dimensions are those of the data."""
    endpoint: EndpointKind
    deployed: DeployedIndexSpec
    import_format: ImportFormat = "jsonl"
    """How the import files are written, if they are: the content is the same."""

    @property
    def name(self) -> str:
        """The name of everything that is built."""
        return self.index.name


@dataclass
class Build:
    """What a build did."""

    served: ServedIndex
    changes: list[str] = field(default_factory=list)
    """Every change that it made; empty if everything was already there."""


def build(
    run: VertexRun, plan: BuildPlan, validated: ValidatedVectors, *, cost_agreed: bool, yes: bool
) -> Build:
    """Chain the steps of a build. The tour calls this too.

    Args:
        run: the run that this is part of.
        plan: the result to reach.
        validated: the data, as validation found them.
        cost_agreed: the cost of this first deployment was already agreed to.
        yes: agree to everything else.
    """
    settings, report, deadline = run.settings, run.report, run.deadline
    name, changes = plan.name, list[str]()
    # Wrong settings, resources of others and differences that cannot be changed in place are found before anything is changed or billed.
    wanted_endpoint = endpoint_spec(settings, name, plan.endpoint)
    there = read_index_to_change(settings, plan.index, deadline)
    endpoint_there = read_endpoint_to_change(settings, wanted_endpoint, deadline)
    ours = None
    if there is not None and endpoint_there is not None:
        ours = read_deployed_index_to_change(
            settings, plan.deployed, endpoint=endpoint_there.resource, index=there.resource
        )
    shard_size = plan.index.shard_size if there is None else there.shard_size
    costs = [] if cost_agreed else cost_questions(settings, plan.deployed, shard_size, ours)
    agree([*costs, *overwrite_questions(there, validated)], yes=yes)

    if there is None or there.content != validated.content:
        with report.step(f"upload import files of {name}") as step:
            step.saw(_upload(settings, plan, validated, changes))

    with report.step(f"create index {name}") as step:
        index = _index(run, plan, validated, there, changes)
        step.saw(
            f"{plan.index.algorithm}, {plan.index.update_method}, {index.vectors_count:,} vectors ({_id(index.resource)})"
        )

    with report.step(f"create endpoint {name}") as step:
        endpoint = ensure_endpoint(settings, wanted_endpoint, deadline).there
        if endpoint_there is None:
            changes.append("created the endpoint")
        endpoint = wait_for_endpoint(settings, wanted_endpoint, endpoint, deadline, run.when_interrupted)
        if remove_endpoint_twins(settings, name, endpoint.resource, deadline):
            changes.append("removed a twin of the endpoint")
        step.saw(f"{endpoint.kind} ({_id(endpoint.resource)})")

    with report.step(f"deploy index {name}") as step:
        # As above: a retry after a lost reply finds what this run deployed.
        if ours is None or not ours.serves:
            changes.append("deployed the index")
        deployed = _deployed(run, plan, endpoint.resource, index.resource, changes)
        if index.overwritten:
            wait_for_index_sync(settings, endpoint.resource, deployed.id, index.overwritten, deadline)
        served = served_index(settings, name, index, endpoint, deployed)
        step.saw(f"{deployed.id} at {served.address or 'no address yet'}")
        if deployed.service_attachment:
            step.saw(f"service attachment {deployed.service_attachment}")
            say(way_through(settings, served, deployed.service_attachment))
    # From here on nothing serves or imports the old contents.
    if remove_import_files(settings, name, keep_content=validated.content):
        changes.append("removed the old import files")
    return Build(served, changes)


def _upload(
    settings: VertexSettings, plan: BuildPlan, validated: ValidatedVectors, changes: list[str]
) -> str:
    name, content = plan.name, validated.content
    ensure_bucket(settings)
    files = ensure_local_import_files(settings, name, plan.source, content, plan.import_format).there
    # Writing the files takes time: meanwhile the teardown of another name may have deleted the bucket, while it was empty.
    ensure_bucket(settings)
    folder = import_folder(content, plan.import_format)
    upload = apply_import_files(settings, name, folder, files, local_folder(name, content))
    forget_local_import_files(name)
    if upload.uploaded or upload.removed:
        changes.append("uploaded the import files")
    return f"{upload.uploaded} uploaded, {upload.unchanged} unchanged, {upload.bytes_sent:,} bytes"


def _index(
    run: VertexRun,
    plan: BuildPlan,
    validated: ValidatedVectors,
    there: IndexState | None,
    changes: list[str],
) -> IndexState:
    settings, deadline = run.settings, run.deadline
    name, content = plan.name, validated.content
    uri = import_uri(settings, name, import_folder(content, plan.import_format))
    index = ensure_index(settings, plan.index, contents_uri=uri, content=content, deadline=deadline).there
    index = wait_for_index(settings, plan.index, index, deadline, run.when_interrupted)
    if remove_index_twins(settings, name, index.resource, deadline):
        changes.append("removed a twin of the index")
    # Asked of the first look, not of the step: after a lost reply its retry finds the index that this run created.
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
            when_interrupted=run.when_interrupted,
        )
        changes.append("replaced the contents of the index")
    # Statistics that lag show 0 or the previous count; streamed datapoints only raise it.
    lagging = (0, 0 if there is None else there.vectors_count)
    if changes and index.vectors_count < validated.rows and index.vectors_count not in lagging:
        raise GateNotMet(
            f"The number of vectors in index {name}",
            measured=f"{index.vectors_count:,}",
            wanted=f"{validated.rows:,}",
            remedy=f"Check the import files under {uri}.",
        )
    return index


def _deployed(
    run: VertexRun, plan: BuildPlan, endpoint: str, index: str, changes: list[str]
) -> DeployedIndexState:
    settings, deadline = run.settings, run.deadline
    while True:
        begun = ensure_deployed_index(
            settings, plan.deployed, endpoint=endpoint, index=index, deadline=deadline
        )
        if begun.did != "nothing" and begun.there.serves:
            changes.append("changed the replicas")
        there = wait_for_deployed_index(settings, plan.deployed, begun.there, deadline, run.when_interrupted)
        # What an earlier run started can be compared with the request only once it has ended.
        if begun.did != "adopted":
            return there


def _id(resource: str) -> str:
    return resource.rpartition("/")[2]
