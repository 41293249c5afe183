"""The plan of a build: what would become of bucket, index, endpoint and deployed index."""

from __future__ import annotations

from collections.abc import Sequence

from flows.plan import Action, Difference, Plan, Resource, differences
from flows.vertex.options import VertexRun
from tasks.vertex.costs import building_cost, hourly_cost
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex.imports.buckets import read_bucket
from tasks.vertex.resources.deployed_indexes import DeployedIndexState
from tasks.vertex.resources.deploying import read_deploying
from tasks.vertex.resources.endpoints import EndpointState
from tasks.vertex.resources.indexes import IndexState
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import DeployedIndexSpec, EndpointKind, IndexSpec


def build_plan(
    run: VertexRun,
    *,
    index: IndexSpec,
    deployed: DeployedIndexSpec,
    kind: EndpointKind,
    labels: dict[str, str],
    validated: ValidatedVectors,
    indexes: Sequence[IndexState],
    endpoint: EndpointState | None,
    ours: DeployedIndexState | None,
    beside: str,
    prunes: bool,
) -> Plan:
    """What a build would do, from what it has read.

    Args:
        run: the run that this is part of.
        index: the index that is wanted, of the version that is to be built.
        deployed: the deployed index that is wanted.
        kind: of the endpoint.
        labels: the user's own.
        validated: the data.
        indexes: those of the name, of every version.
        endpoint: as it is; None if there is none.
        ours: the deployed index as it is.
        beside: the version that is served meanwhile; empty if there is none.
        prunes: whether the other versions go afterwards.
    """
    settings = run.settings
    there = next((one for one in indexes if one.version == index.version), None)
    sends = there is None or there.content != validated.content
    resources = [*bucket(settings, sends=sends), _index(index, there, validated, labels)]
    resources += [
        Resource(action="remove", kind="index", name=f"{index.name}, version {one.version}", detail=one.size)
        for one in indexes
        if prunes and one.version != index.version
    ]
    resources.append(_endpoint(index, kind, endpoint, labels, beside=beside))
    resources.append(_deployed(settings, deployed, endpoint, ours))
    new, cost = _cost(settings, index, deployed, there, ours)
    return run.plan(
        *resources,
        sends=f"{validated.size}, as import files and from there into the index" if sends else "",
        sends_count=validated.rows if sends else 0,
        hourly=new,
        hourly_usd=cost,
        once=building_cost(validated) if sends else "",
    )


def bucket(settings: VertexSettings, *, sends: bool) -> list[Resource]:
    """What would become of the bucket, if import files are sent; else nobody looks at it."""
    if not sends:
        return []
    action: Action = "create" if read_bucket(settings) is None else "keep"
    return [Resource(action=action, kind="bucket", name=settings.bucket_name)]


def _index(
    spec: IndexSpec, there: IndexState | None, validated: ValidatedVectors, labels: dict[str, str]
) -> Resource:
    wanted = f"{spec.algorithm}, {spec.update_method}, {validated.vectors}"
    if there is None:
        return Resource(action="create", kind="index", name=spec.name, detail=wanted)
    changed = differences(there.labels, labels)
    action: Action = "change" if changed else "keep"
    if there.content != validated.content:
        content = Difference(field="content", there=there.content, wanted=validated.content)
        vectors = Difference(field="vectors", there=there.size, wanted=validated.vectors)
        changed = (content, vectors, *changed)
        # An overwrite that an earlier run began is followed.
        action = "adopt" if there.coming == validated.content else "change"
    if there.making:
        action = "adopt"
    return Resource(action=action, kind="index", name=spec.name, detail=there.resource, differences=changed)


def _endpoint(
    spec: IndexSpec,
    kind: EndpointKind,
    there: EndpointState | None,
    labels: dict[str, str],
    *,
    beside: str,
) -> Resource:
    name = spec.endpoint_name or spec.name
    if there is None:
        return Resource(action="create", kind="endpoint", name=name, detail=kind)
    changed = differences(there.labels, labels)
    if beside:
        changed = (Difference(field="served version", there=beside, wanted=spec.version), *changed)
    action: Action = "adopt" if there.making else "change" if changed else "keep"
    return Resource(action=action, kind="endpoint", name=name, detail=there.resource, differences=changed)


def _deployed(
    settings: VertexSettings,
    spec: DeployedIndexSpec,
    endpoint: EndpointState | None,
    there: DeployedIndexState | None,
) -> Resource:
    least, most = spec.replicas(None if there is None else there.replicas)
    machine = spec.machine_type or "automatic resources"
    detail = f"{machine}, {least} to {most} replicas" if most > least else f"{machine}, {least} replicas"
    if least == most == 1:
        detail = f"{machine}, 1 replica"
    action: Action = "create"
    changed: tuple[Difference, ...] = ()
    if endpoint is not None and spec.id in read_deploying(settings, endpoint.resource):
        action = "adopt"
    elif there is not None:
        if there.replicas is not None:
            now = {"min_replicas": there.replicas[0], "max_replicas": there.replicas[1]}
            changed = differences(now, {"min_replicas": least, "max_replicas": most})
        action = "change" if changed else "keep"
    return Resource(action=action, kind="deployed index", name=spec.id, detail=detail, differences=changed)


def _cost(
    settings: VertexSettings,
    index: IndexSpec,
    deployed: DeployedIndexSpec,
    there: IndexState | None,
    ours: DeployedIndexState | None,
) -> tuple[str, float | None]:
    """What a build adds to the cost by the hour: nothing where as many replicas run already."""
    before = None if ours is None else ours.replicas
    least, most = deployed.replicas(before)
    if before is not None and least <= before[0] and most <= before[1]:
        return "", 0.0
    cost = hourly_cost(deployed, index.shard_size if there is None else there.shard_size, before)
    if settings.is_sandbox:
        return f"{cost} The sandbox costs nothing.", 0.0
    more = least - (before[0] if before else 0)
    return str(cost), None if cost.price is None else cost.price * more
