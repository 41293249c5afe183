"""The steps of a build, from a file of vectors to a deployed, queryable index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from flows.confirmation import agree
from flows.versions.changes import prune_questions
from flows.vertex.agreement import cost_questions, overwrite_questions
from flows.vertex.build_plan import build_plan
from flows.vertex.options import VertexRun
from flows.vertex.private_ways import KIND as PRIVATE_SERVICE_CONNECT
from flows.vertex.private_ways import refuse_unreachable
from flows.vertex.sharing import sharing
from tasks.errors import CannotChangeInPlace, GateNotMet
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
from tasks.vertex.labels import check_number
from tasks.vertex.operations.operations import own_id
from tasks.vertex.resources.contents import apply_index_contents
from tasks.vertex.resources.deployed_indexes import (
    DeployedIndexState,
    read_deployed_index_to_change,
    refuse_elsewhere,
    wait_for_index_sync,
)
from tasks.vertex.resources.deploying import ensure_deployed_index, wait_for_deployed_index
from tasks.vertex.resources.endpoints import (
    EndpointState,
    endpoint_spec,
    ensure_endpoint,
    read_endpoint_to_change,
    remove_endpoint_twins,
    wait_for_endpoint,
)
from tasks.vertex.resources.indexes import (
    IndexState,
    ensure_index,
    read_index_to_change,
    read_indexes,
    remove_index_twins,
    wait_for_index,
)
from tasks.vertex.resources.labelled import ensure_endpoint_labels, ensure_index_labels
from tasks.vertex.resources.served import ServedIndex, served_index, way_through
from tasks.vertex.resources.versions import VertexVersions, version_for
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import (
    FIRST,
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
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """The user's own, of the index and of its endpoint."""
    as_version: bool = False
    """Whether other content or another configuration becomes a new version beside the served one."""

    @property
    def name(self) -> str:
        """The name of everything that is built."""
        return self.index.name

    @property
    def endpoint_name(self) -> str:
        """What its endpoint is created under, which other names may share."""
        return self.index.endpoint_name or self.name

    def on(self, indexes: Mapping[str, IndexState]) -> BuildPlan:
        """The same result on the endpoint for which the indexes of the name were built, if there are any.

        Raises:
            CannotChangeInPlace: another endpoint is asked for.
        """
        built_for = next((one.endpoint_name or self.name for one in indexes.values()), self.endpoint_name)
        if self.index.endpoint_name and built_for != self.endpoint_name:
            raise CannotChangeInPlace(
                "index", self.name, field="endpoint_name", there=built_for, wanted=self.endpoint_name,
                remedy=f"Leave out --endpoint-name, choose another --name, or tear {self.name} down first.",
            )  # fmt: skip
        return replace(self, index=self.index.model_copy(update={"endpoint_name": built_for}))

    def of(self, version: str) -> BuildPlan:
        """The same result in a version of the name."""
        mark = {"version": version}
        return replace(
            self, index=self.index.model_copy(update=mark), deployed=self.deployed.model_copy(update=mark)
        )


@dataclass
class Build:
    """What a build did."""

    served: ServedIndex
    changes: list[str] = field(default_factory=list)
    """Every change that it made; empty if everything was already there."""
    is_served: bool = True
    """Whether queries go to what was built; a new version must be switched to."""


def build(
    run: VertexRun,
    plan: BuildPlan,
    validated: ValidatedVectors,
    *,
    cost_agreed: bool,
    yes: bool,
    prunes: bool = False,
) -> Build:
    """Chain the steps of a build. The tour calls this too.

    Args:
        run: the run that this is part of.
        plan: the result to reach.
        validated: the data, as validation found them.
        cost_agreed: the cost of this first deployment was already agreed to.
        yes: agree to everything else.
        prunes: whether the caller removes the other versions afterwards, which is asked for here.
    """
    settings, report, deadline = run.settings, run.report, run.deadline
    name, changes = plan.name, list[str]()
    # Wrong settings, resources of others and differences that cannot be changed in place are found before anything is changed or billed.
    found = _look(run, plan, validated)
    plan, there, ours = found.plan, found.index, found.deployed
    if found.beside and plan.endpoint == PRIVATE_SERVICE_CONNECT:
        refuse_unreachable(settings, name)
    shard_size = plan.index.shard_size if there is None else there.shard_size
    costs = []
    if not cost_agreed:
        costs = cost_questions(settings, plan.deployed, shard_size, ours, beside=found.beside)
    pruning = prune_questions(found.versions, plan.index.version) if prunes and found.versions else []
    agree(
        [*costs, *overwrite_questions(there, validated), *pruning],
        yes=yes,
        plan=lambda: build_plan(
            run, index=plan.index, deployed=plan.deployed, kind=plan.endpoint, labels=dict(plan.labels), validated=validated,
            indexes=tuple(found.indexes.values()), endpoint=found.endpoint, ours=ours, beside=found.beside, prunes=prunes,
        ),
    )  # fmt: skip

    if there is None or there.content != validated.content:
        with report.step(f"upload import files of {name}") as step:
            step.saw(_upload(settings, plan, validated, changes))

    with report.step(f"index {name}", changes) as step:
        index = _index(run, plan, validated, there, changes)
        step.saw(
            f"{plan.index.algorithm}, {plan.index.update_method}, {index.size} ({own_id(index.resource)})"
        )

    endpoint = _endpoint(run, plan, found.endpoint, changes)
    with report.step(f"deployed index {name}", changes) as step:
        # As above: a retry after a lost reply finds what this run deployed.
        if ours is None or not ours.serves:
            changes.append("deployed the index")
        deployed = _deployed(run, plan, endpoint.resource, index.resource, changes)
        if index.overwritten:
            wait_for_index_sync(settings, name, endpoint.resource, deployed.id, index.overwritten, deadline)
        served = served_index(settings, name, index, endpoint, deployed)
        step.saw(f"{deployed.id} at {served.address or 'no address yet'}")
        if deployed.service_attachment:
            step.saw(f"service attachment {deployed.service_attachment}")
            say(way_through(settings, served, deployed.service_attachment))
    # From here on nothing serves or imports the old contents; other versions keep theirs, which may be imported now.
    others = (one for one in found.indexes.values() if one.version != plan.index.version)
    kept = {content for one in (index, *others) for content in one.files}
    if remove_import_files(settings, name, kept):
        changes.append("removed the old import files")
    return Build(served, changes, is_served=not found.beside)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What there is before a build changes anything."""

    plan: BuildPlan
    """With the version that is to be built."""
    serves: str
    indexes: dict[str, IndexState]
    """Of every version."""
    index: IndexState | None
    """Of the version that is to be built."""
    endpoint: EndpointState | None
    deployed: DeployedIndexState | None
    versions: VertexVersions | None

    @property
    def beside(self) -> str:
        """The version that is served while another is built beside it; else empty."""
        return self.serves if self.plan.index.version != self.serves else ""


def _look(run: VertexRun, plan: BuildPlan, validated: ValidatedVectors) -> _Found:
    settings, name, deadline = run.settings, plan.name, run.deadline
    indexes = read_indexes(settings, name, deadline)
    plan = plan.on(indexes)
    wanted_endpoint = endpoint_spec(settings, plan.endpoint_name, plan.endpoint, plan.index.kms_key)
    endpoint = read_endpoint_to_change(settings, wanted_endpoint, name, deadline)
    version = serves = FIRST if endpoint is None else endpoint.serves
    versions = None
    if endpoint is not None:
        versions = VertexVersions(name=name, location=settings.location, endpoint=endpoint, indexes=indexes)
    if plan.as_version:
        machine = plan.deployed.machine_type or plan.deployed.deployment_tier
        version = version_for(versions, indexes, plan.index, validated.content, machine)
    plan, deployed = plan.of(version), None
    index = read_index_to_change(settings, plan.index, deadline)
    for labels in (one.labels for one in (index, endpoint) if one is not None):
        check_number(plan.labels, labels, resource=f"what is named {name}")
    if index is not None:
        refuse_elsewhere(plan.deployed.id, index, "" if endpoint is None else endpoint.resource)
    if endpoint is not None and index is not None:
        deployed = read_deployed_index_to_change(
            settings, plan.deployed, endpoint=endpoint.resource, index=index.resource
        )
    return _Found(
        plan=plan,
        serves=serves,
        indexes=indexes,
        index=index,
        endpoint=endpoint,
        deployed=deployed,
        versions=versions,
    )


def _endpoint(
    run: VertexRun, plan: BuildPlan, there: EndpointState | None, changes: list[str]
) -> EndpointState:
    settings, deadline, name = run.settings, run.deadline, plan.endpoint_name
    wanted = endpoint_spec(settings, name, plan.endpoint, plan.index.kms_key)
    with sharing(run, plan.name, name), run.report.step(f"endpoint {name}", changes) as step:
        endpoint = ensure_endpoint(settings, wanted, deadline, plan.labels).there
        if there is None:
            changes.append("created the endpoint")
        endpoint = wait_for_endpoint(settings, wanted, endpoint, deadline, run.when_interrupted)
        if remove_endpoint_twins(settings, name, endpoint.resource, deadline):
            changes.append("removed a twin of the endpoint")
        labelled = ensure_endpoint_labels(settings, plan.name, endpoint, plan.labels)
        if labelled.changed:
            changes.append("changed the labels of the endpoint")
        step.saw(f"{endpoint.kind} ({own_id(endpoint.resource)})")
    return labelled.there


def _upload(
    settings: VertexSettings, plan: BuildPlan, validated: ValidatedVectors, changes: list[str]
) -> str:
    name, content = plan.name, validated.content
    ensure_bucket(settings)
    files = ensure_local_import_files(settings, name, plan.source, content, plan.import_format).there
    # Writing the files takes time: meanwhile the teardown of another name may have deleted the bucket, while it was empty.
    ensure_bucket(settings)
    folder = import_folder(content, plan.import_format)
    upload = apply_import_files(settings, name, folder, files, local_folder(settings, name, content))
    forget_local_import_files(settings, name)
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
    index = ensure_index(
        settings, plan.index, contents_uri=uri, content=content, deadline=deadline, labels=plan.labels
    ).there
    index = wait_for_index(settings, plan.index, index, deadline, run.when_interrupted)
    if remove_index_twins(settings, plan.index, index.resource, deadline):
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
    labelled = ensure_index_labels(settings, name, index, plan.labels, deadline)
    index = labelled.there
    if labelled.changed:
        changes.append("changed the labels of the index")
    if changes:
        check_counts(name, index, validated, there, uri=uri)
    return index


def check_counts(
    name: str, index: IndexState, validated: ValidatedVectors, before: IndexState | None, *, uri: str
) -> None:
    """Compare what an index holds, by its statistics, with the data that it was built from.

    Args:
        name: of the index.
        index: after the build.
        validated: the data.
        before: the index as it was before the build; None if there was none.
        uri: where the import files are.

    Raises:
        GateNotMet: the index has fewer vectors, dense or sparse. Counts that lag behind, 0 or that of before,
            are no fault, and streamed datapoints only raise them.
    """
    earlier = (0, 0) if before is None else (before.vectors_count, before.sparse_vectors_count)
    for noun, count, wanted, was in (
        ("vectors", index.vectors_count, validated.dense_rows, earlier[0]),
        ("sparse vectors", index.sparse_vectors_count, validated.sparse_rows, earlier[1]),
    ):
        if count < wanted and count not in (0, was):
            raise GateNotMet(
                f"The number of {noun} in index {name}",
                measured=f"{count:,}",
                wanted=f"{wanted:,}",
                remedy=f"Check the import files under {uri}.",
            )


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
