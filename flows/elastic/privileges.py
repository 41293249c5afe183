"""The privileges that each flow needs, least ones, and the step that asks for them before anything is made.

Names of privileges are the service's: https://www.elastic.co/docs/reference/elasticsearch/security-privileges. `manage` on an
index includes creating and deleting it, its settings, its mapping and its aliases. An alias is moved only with `manage` on
both the alias and the index.
"""

from __future__ import annotations

from flows.elastic.options import ElasticRun
from tasks.elastic.cluster.privileges import Need, verify_privileges
from tasks.elastic.indices.remotes import of_the_other_cluster
from tasks.elastic.settings import ElasticSettings
from tasks.interruption import WhenInterrupted

_READ_CLUSTER = Need(what="read the cluster, its license and its tasks", cluster=("monitor",))
_READ_MODELS = Need(what="read models and deployments, and infer", cluster=("monitor_ml",))
_DEPLOY = Need(what="download models, and start, scale and stop deployments", cluster=("manage_ml",))
_PIPELINES = Need(what="store and delete ingest pipelines", cluster=("manage_ingest_pipelines",))
_INFER = Need(what="ask the inference endpoint", cluster=("monitor_inference",))
_ENDPOINTS = Need(what="create and delete inference endpoints", cluster=("manage_inference",))
_TEMPLATES = Need(what="store and delete the search template", cluster=("manage",))

TO_DEPLOY = (_READ_CLUSTER, _DEPLOY)
TO_CHANGE_ENDPOINTS = (_READ_CLUSTER, _DEPLOY, _ENDPOINTS)
TO_CHANGE_REMOTE_ENDPOINTS = (_READ_CLUSTER, _ENDPOINTS)


def to_check(name: str | None, source: str | None) -> tuple[Need, ...]:
    """What all flows need of the cluster, and of the indices of a name and a source where they are given."""
    cluster = (_READ_CLUSTER, _DEPLOY, _ENDPOINTS, _PIPELINES)
    own = (*to_load(name, pipeline=False), *_to_change(name, "manage", "read", "write")) if name else ()
    return (*cluster, *own, *((_to_read(source),) if source else ()))


def to_load(name: str, *, pipeline: bool) -> tuple[Need, ...]:
    """What loading into an index needs; `pipeline`: it gets a default pipeline of ours."""
    index = Need(
        what="create the index and load documents", names=(name,), on_indices=("manage", "read", "write")
    )
    return (index, _PIPELINES) if pipeline else (index,)


def to_embed(
    name: str,
    source: str,
    *,
    pipeline: bool = True,
    endpoint: bool = False,
    remote: bool = False,
    scaling: bool = False,
    when_interrupted: WhenInterrupted = "leave-running",
) -> tuple[Need, ...]:
    """What embedding a source under a name needs.

    Args:
        name: the alias; its indices are `NAME-HASH`.
        source: the indices that are read.
        remote: the source is in another cluster.
        pipeline: a pipeline embeds, not the index itself.
        endpoint: an inference endpoint is asked.
        scaling: the allocations of the deployment change meanwhile.
        when_interrupted: whether an interruption cancels the reindex task.
    """
    needs = [_READ_CLUSTER, _READ_MODELS]
    needs += [_PIPELINES] if pipeline else []
    needs += [_INFER] if endpoint else []
    needs += [_DEPLOY] if scaling else []
    if when_interrupted == "cancel":
        needs.append(Need(what="cancel the reindex task on an interruption", cluster=("cancel_task",)))
    reading = () if remote else (_to_read(source),)
    return (*needs, *reading, *_to_change(name, "manage", "read", "write"))


def to_index_passages(name: str, *, sparse: bool) -> tuple[Need, ...]:
    """What a knowledge base needs; `sparse`: its passages are embedded through a pipeline and a deployment."""
    models = (_READ_MODELS, _PIPELINES) if sparse else ()
    return (_READ_CLUSTER, *models, *_to_change(name, "manage", "read", "write"))


def to_remove_passages(name: str) -> tuple[Need, ...]:
    """What removing a knowledge base needs."""
    return (_READ_CLUSTER, _PIPELINES, *_to_change(name, "manage"))


def to_adopt(index: str) -> tuple[Need, ...]:
    """What marking an index of somebody else needs, and moving an alias away from it."""
    return (
        Need(
            what="mark the old index, and move the alias away from it", names=(index,), on_indices=("manage",)
        ),
    )


def to_roll_back(name: str) -> tuple[Need, ...]:
    """What moving an alias back needs."""
    return _to_change(name, "manage")


def to_tear_down(name: str, *, models: bool) -> tuple[Need, ...]:
    """What a teardown needs; `models`: deployments or a model go too."""
    return (_READ_CLUSTER, _DEPLOY if models else _READ_MODELS, _PIPELINES, *_to_change(name, "manage"))


def to_tour(name: str) -> tuple[Need, ...]:
    """What the tour needs; all of its names begin with this one."""
    index = Need(
        what="create, load, embed, search and delete the indices of the tour",
        names=(f"{name}-*",),
        on_indices=("manage", "read", "write"),
    )
    return (_READ_CLUSTER, _DEPLOY, _PIPELINES, _TEMPLATES, index)


def ask_privileges(run: ElasticRun, *needs: Need) -> None:
    """Ask the cluster for the privileges of a flow, as its first step.

    Raises:
        PrivilegesMissing: with every one that is missing, and what it is needed for.
    """
    with run.report.step("privileges") as step:
        step.saw(str(verify_privileges(run.settings, needs)))


def ask_remote_privileges(run: ElasticRun, remote: ElasticSettings, source: str) -> None:
    """Ask the cluster that a source is in whether its key or user may read it.

    Raises:
        PrivilegesMissing: with every one that is missing.
        InvalidInput: it does not accept the credentials or the certificate is not trusted.
    """
    with run.report.step("privileges in the remote cluster") as step, of_the_other_cluster():
        step.saw(str(verify_privileges(remote, (_to_read(source),))))


def _to_read(source: str) -> Need:
    """Beside it `maintenance` is used to refresh the source, and is done without: then a refresh is waited for."""
    return Need(
        what="read the source and count its documents",
        names=tuple(source.split(",")),
        on_indices=("read", "view_index_metadata", "monitor"),
    )


def _to_change(name: str, *privileges: str) -> tuple[Need, ...]:
    """An alias, and the indices that are named after it."""
    indices = Need(
        what="create, fill, verify and delete the embedded indices",
        names=(f"{name}-*",),
        on_indices=privileges,
    )
    return indices, Need(
        what="move the alias, and search by it", names=(name,), on_indices=("manage", "read")
    )
