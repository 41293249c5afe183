"""The plans of deploy, load, embed, rollback and prune, and of endpoints: what would become of models, deployments, indices and the alias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flows.durations.documented import embedding
from flows.elastic.options import ElasticRun
from flows.plan import Action, Difference, Plan, Resource, differences
from tasks.elastic.cluster.capacity import verify_capacity
from tasks.elastic.cluster.cluster import Cluster
from tasks.elastic.cluster.deployment_states import DeploymentState, read_deployment
from tasks.elastic.cluster.deployments import read_deployment_to_change
from tasks.elastic.cluster.endpoints import EndpointSpec, check_endpoint, read_endpoint, verify_unused
from tasks.elastic.cluster.models import read_download, read_model
from tasks.elastic.cluster.remote_endpoints import RemoteEndpointSpec, check_remote_endpoint
from tasks.elastic.data.documents import CheckedDocuments
from tasks.elastic.indices.aliases import Rollback, read_alias
from tasks.elastic.indices.indices import IndexState, read_index, read_number
from tasks.elastic.indices.pipelines import read_pipeline
from tasks.elastic.indices.superseded import Superseded
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import DeploymentSpec, IndexSpec, PipelineSpec
from tasks.plurals import counted

_HOURLY = "Nothing more: the cluster's nodes cost, not what runs on them."


def deploy_plan(
    run: ElasticRun, model_id: str, wanted: Sequence[DeploymentSpec], *, recreate: bool, fits: str
) -> Plan:
    """What `elastic deploy` would do.

    Args:
        run: the run.
        model_id: the model.
        wanted: the deployments.
        recreate: whether the model is deleted first, with its deployments.
        fits: what is to be said about the nodes' room; empty if nothing.
    """
    resources = _model(run.settings, model_id, recreate=recreate)
    resources += [_deployment(run.settings, spec, recreate=recreate) for spec in wanted]
    return run.plan(*resources, hourly=" ".join(filter(None, (fits, _HOURLY))), hourly_usd=0.0)


def _model(settings: ElasticSettings, model_id: str, *, recreate: bool) -> list[Resource]:
    there = read_model(settings, model_id)
    if recreate and there is not None:
        gone = Resource(action="remove", kind="model", name=model_id, detail="with its deployments")
        return [gone, Resource(action="create", kind="model", name=model_id, detail="downloaded again")]
    action: Action = "create"
    if there is not None and there.usable:
        action = "keep"
    elif there is not None:
        action = "change" if read_download(settings, model_id) is None else "adopt"
    details: dict[Action, str] = {
        "create": "downloaded by the cluster",
        "change": "its download is resumed",
        "adopt": "its download is followed",
    }
    return [Resource(action=action, kind="model", name=model_id, detail=details.get(action, ""))]


def _deployment(settings: ElasticSettings, spec: DeploymentSpec, *, recreate: bool) -> Resource:
    there = None if recreate else read_deployment_to_change(settings, spec)
    if there is None:
        number = str(spec.adaptive or spec.allocations)
        return Resource(
            action="create",
            kind="deployment",
            name=spec.id,
            detail=f"allocations {number}, threads each {spec.threads}",
        )
    return scaled(there, spec)


def scaled(there: DeploymentState, spec: DeploymentSpec) -> Resource:
    """A deployment whose allocations may change in place."""
    now: dict[str, Any] = {"adaptive_allocations": there.adaptive, "allocations": there.allocations}
    wanted: dict[str, Any] = {"adaptive_allocations": spec.adaptive}
    if spec.adaptive is None:
        wanted["allocations"] = spec.allocations
    changed = differences(now, wanted)
    action: Action = "change" if changed else "adopt" if there.state == "starting" else "keep"
    return Resource(action=action, kind="deployment", name=spec.id, differences=changed)


def load_plan(
    run: ElasticRun,
    checked: CheckedDocuments,
    name: str,
    there: IndexState | None,
    pipeline: PipelineSpec | None = None,
    *,
    adopts: bool = False,
) -> Plan:
    """What `elastic load` would do.

    Args:
        run: the run.
        checked: the documents.
        name: of the index.
        there: the index as it is.
        pipeline: its default pipeline, if the flow makes it.
        adopts: whether the index of somebody else is marked as ours.
    """
    resources = [_pipeline(run.settings, pipeline)] if pipeline else []
    held = read_number(run.settings, name) if there else 0
    is_held = there is not None and there.content == checked.content and held >= checked.documents
    if there is None:
        resources.append(Resource(action="create", kind="index", name=name))
    else:
        changed = (
            [] if is_held else [Difference(field="content", there=there.content, wanted=checked.content)]
        )
        if adopts and not there.ours:
            changed.append(Difference(field="mark", there="", wanted="ours"))
        action: Action = "change" if changed else "keep"
        resources.append(
            Resource(
                action=action,
                kind="index",
                name=name,
                detail=counted(held, "document"),
                differences=tuple(changed),
            )
        )
    return run.plan(
        *resources,
        sends=""
        if is_held
        else f"{counted(checked.documents, 'document')}; those of the same id are replaced",
        sends_count=0 if is_held else checked.documents,
        hourly=_HOURLY,
        hourly_usd=0.0,
    )


def _pipeline(settings: ElasticSettings, spec: PipelineSpec) -> Resource:
    there = read_pipeline(settings, spec.id)
    if there is None:
        return Resource(action="create", kind="pipeline", name=spec.id)
    action: Action = "keep" if there.spec == spec.spec else "change"
    return Resource(action=action, kind="pipeline", name=spec.id)


def embed_plan(
    run: ElasticRun,
    alias: str,
    index: IndexSpec,
    there: IndexState | None,
    documents: int,
    *,
    pipeline: PipelineSpec | None = None,
    also: Sequence[Resource] = (),
    allocations: int | None = None,
) -> Plan:
    """What `elastic embed` would do.

    Args:
        run: the run.
        alias: what searches use.
        index: the embedded index that is wanted, named after what it is made from.
        there: the same as it is; None if there is none.
        documents: how many the source has.
        pipeline: what embeds, unless the index does so itself.
        also: what else changes: allocations of deployments, an index that is adopted.
        allocations: of the ELSER deployment that embeds; None where something else does, whose speed nobody knows.
    """
    settings, embeds = run.settings, there is None or not there.content
    served = read_alias(settings, alias).index
    before = read_index(settings, served) if served and served != index.name else None
    resources = [*also, *([_pipeline(settings, pipeline)] if pipeline and embeds else [])]
    action: Action = "create" if there is None else "adopt" if embeds else "keep"
    # A new index is made beside the one that is served: what they are made from says why.
    changed = differences(before.meta.get("made_from") or {}, index.made_from) if before else ()
    resources.append(Resource(action=action, kind="index", name=index.name, differences=changed))
    move = (Difference(field="index", there=served, wanted=index.name),) if served != index.name else ()
    pointing: Action = "create" if not served else "change" if move else "keep"
    resources.append(Resource(action=pointing, kind="alias", name=alias, differences=move))
    if before is not None:
        resources.append(
            Resource(action="keep", kind="index", name=before.name, detail="stays for `elastic rollback`")
        )
    embedded = f"{counted(documents, 'document')} to embed; those that an earlier run has embedded stay"
    return run.plan(
        *resources,
        sends=embedded if embeds else "",
        sends_count=documents if embeds else 0,
        sends_expected=None if allocations is None else embedding(documents, allocations),
        hourly=_HOURLY,
        hourly_usd=0.0,
    )


def adopted(there: IndexState) -> Resource:
    """The index of somebody else that is marked as ours."""
    changed = () if there.ours else (Difference(field="mark", there="", wanted="ours"),)
    return Resource(
        action="change" if changed else "keep", kind="index", name=there.name, differences=changed
    )


def rollback_plan(run: ElasticRun, found: Rollback) -> Plan:
    """What `elastic rollback` would do."""
    there, goal = found.current.name, found.goal.name
    if there == goal:
        return run.plan(
            Resource(action="keep", kind="alias", name=run.report.name, detail=there), hourly_usd=0.0
        )
    move = Difference(field="index", there=there, wanted=goal)
    return run.plan(
        Resource(action="change", kind="alias", name=run.report.name, differences=(move,)),
        Resource(action="keep", kind="index", name=there, detail="stays"),
        hourly_usd=0.0,
    )


def prune_plan(run: ElasticRun, found: Superseded) -> Plan:
    """What `elastic prune` would do."""
    resources = [Resource(action="remove", kind="index", name=one) for one in found.indices]
    resources += [Resource(action="remove", kind="pipeline", name=one) for one in found.pipelines]
    resources += [Resource(action="keep", kind="index", name=one.index, detail=one.why) for one in found.kept]
    return run.plan(*resources, hourly_usd=0.0)


def endpoint_plan(run: ElasticRun, spec: EndpointSpec, cluster: Cluster) -> Plan:
    """What `elastic endpoint-ensure` would do.

    Raises:
        CannotChangeInPlace: the endpoint exists with what cannot change.
        DoesNotFit: there is none, and the nodes have no room for its model.
    """
    there = read_endpoint(run.settings, spec.id)
    resources = _model(run.settings, spec.model_id, recreate=False)
    detail = f"{spec.task_type} by {spec.model_id}"
    if cluster.serverless:  # where the deployment and its place are Elastic's
        action: Action = "create" if there is None else "keep"
        if there is not None:
            check_endpoint(spec, there)
        resources.append(Resource(action=action, kind="inference endpoint", name=spec.id, detail=detail))
        return run.plan(*resources, hourly=_HOURLY, hourly_usd=0.0)
    if there is None:
        verify_capacity(run.settings, [spec.deployment])
        resources.append(Resource(action="create", kind="inference endpoint", name=spec.id, detail=detail))
        resources.append(_deployment(run.settings, spec.deployment, recreate=False))
        return run.plan(*resources, hourly=_HOURLY, hourly_usd=0.0)
    check_endpoint(spec, there)
    resources.append(Resource(action="keep", kind="inference endpoint", name=spec.id, detail=detail))
    deployment = read_deployment(run.settings, spec.id)
    resources.append(
        _deployment(run.settings, spec.deployment, recreate=False)
        if deployment is None or deployment.has_failed
        else scaled(deployment, spec.deployment)
    )
    return run.plan(*resources, hourly=_HOURLY, hourly_usd=0.0)


def remote_endpoint_plan(run: ElasticRun, spec: RemoteEndpointSpec) -> Plan:
    """What `elastic endpoint-ensure --service openai` would do.

    Raises:
        CannotChangeInPlace: the endpoint exists with what cannot change.
    """
    there = read_endpoint(run.settings, spec.id)
    if there is not None:
        check_remote_endpoint(spec, there)
    action: Action = "create" if there is None else "keep"
    detail = f"text_embedding by {spec.model_id} at {spec.url}"
    return run.plan(
        Resource(action=action, kind="inference endpoint", name=spec.id, detail=detail), hourly_usd=0.0
    )


def endpoint_removal_plan(run: ElasticRun, name: str, *, has_endpoint: bool, has_deployment: bool) -> Plan:
    """What `elastic endpoint-delete` would do.

    Raises:
        EndpointInUse: pipelines or indices name it.
    """
    if has_endpoint:
        verify_unused(run.settings, name)
    going = [*(["inference endpoint"] if has_endpoint else []), *(["deployment"] if has_deployment else [])]
    return run.plan(*(Resource(action="remove", kind=kind, name=name) for kind in going), hourly_usd=0.0)
