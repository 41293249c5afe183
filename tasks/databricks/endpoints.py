"""Endpoints: ensured, marked, waited for, removed. An endpoint's name is the name, so there is never a second one.

The service has no tags on an index, so the marks of an index are custom tags of its endpoint, beside other people's:

spec      hash of the index's immutable configuration
content   hash of the data that the index was loaded with; only once all of it is there
coming    in place of `content`: hash of the data that a load is bringing
replaces  beside `coming`: there was other content before, so that a full count proves nothing
serves    of several indexes beside each other, as of a knowledge base: the version that is searched
replaced  beside `serves`: the version that was searched before

Tags cannot be given at creation. An endpoint without a tag and without an index that the same user made is what a run leaves that
was killed in between; it is adopted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from databricks.sdk.service.vectorsearch import CustomTag, EndpointInfo, EndpointType

from tasks.calls import NotFound
from tasks.databricks.clients import connect
from tasks.databricks.errors import AlreadyExists, CreationFailed, calling
from tasks.databricks.settings import DatabricksSettings
from tasks.errors import NotOurs
from tasks.marks import is_ours, marks
from tasks.outcomes import Ensured
from tasks.program import command
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline, Look, wait_until

USUAL_SECONDS = 300.0
"""Until an endpoint is online; from memory."""
_FAILED = ("OFFLINE", "STOPPING", "STOPPED")
"""States that do not become ONLINE by themselves (the AI Search client gives up at them too)."""
_CONTENT = ("content", "coming", "replaces")


@dataclass(frozen=True, kw_only=True)
class EndpointState:
    """An endpoint as it was last read."""

    name: str
    state: str
    said: str
    indexes: int
    tags: Mapping[str, str]
    is_marked: bool
    """Whether it bears our marks; else it is one that a killed run has just made."""

    @property
    def spec(self) -> str:
        """The mark of its index's configuration, or empty."""
        return self.tags.get("spec", "") if self.is_marked else ""

    @property
    def content(self) -> str:
        """Hash of the data that its index holds; empty until all of it is there."""
        return self.tags.get("content", "") if self.is_marked else ""

    @property
    def coming(self) -> str:
        """Hash of the data that a load began to bring."""
        return self.tags.get("coming", "") if self.is_marked else ""

    @property
    def serves(self) -> str:
        """The version that is searched; empty where there is only one index."""
        return self.tags.get("serves", "") if self.is_marked else ""

    @property
    def replaced(self) -> str:
        """The version that was searched before."""
        return self.tags.get("replaced", "") if self.is_marked else ""

    @property
    def replaces(self) -> bool:
        """Whether the load that began is not the first."""
        return self.is_marked and "replaces" in self.tags


def find_endpoint(settings: DatabricksSettings, name: str) -> EndpointInfo | None:
    """The endpoint of a name, whoever made it, or None."""
    try:
        with calling(f"read endpoint {name}"):
            return connect(settings).endpoints.get_endpoint(name)
    except NotFound:
        return None


def own_endpoint(settings: DatabricksSettings, name: str) -> EndpointState | None:
    """Our endpoint of a name, or None. One that is being deleted counts as absent.

    Raises:
        NotOurs: somebody else made it.
    """
    there = find_endpoint(settings, name)
    if there is None or _state(there) == "DELETED":
        return None
    return _owned(settings, there, name)


@step("ensure endpoint {name}")
def ensure_endpoint(
    settings: DatabricksSettings, name: str, *, spec: str, content: str, has_index: bool, deadline: Deadline
) -> Ensured[EndpointState]:
    """The endpoint of a name, created unless it is there, with the marks of the index that it is for.

    Without an index the marks are those of the one that is to be made, whatever there was before.

    Args:
        settings: the target.
        name: of the endpoint.
        spec: hash of the index's configuration.
        content: hash of the data that the index will be loaded with; empty where the index itself says what it holds.
        has_index: whether its index is there.
        deadline: bounds the wait for a deletion that an earlier run began.

    Raises:
        NotOurs: somebody else made it.
    """
    _let_go(settings, name, deadline)
    created = False
    if find_endpoint(settings, name) is None:
        try:
            with calling(f"create endpoint {name}"):
                connect(settings).endpoints.create_endpoint(name, EndpointType.STANDARD)
            created = True
        except AlreadyExists:
            say(f"The endpoint {name} was created in the meantime.")
    there = own_endpoint(settings, name)
    if there is None:
        raise _gone(name)
    kept = {key: value for key, value in there.tags.items() if key not in _CONTENT}
    tags = {**kept, **marks(name, spec, **({"coming": content} if content else {}))}
    if not there.is_marked or (not has_index and tags != there.tags):
        _tag(settings, name, tags)
        there = own_endpoint(settings, name)
        if there is None:
            raise _gone(name)
    return Ensured(there, "created" if created else "nothing")


@step("wait for endpoint {name}")
def wait_for_endpoint(settings: DatabricksSettings, name: str, deadline: Deadline) -> EndpointState:
    """The endpoint, once it is online.

    Raises:
        CreationFailed: it is offline or stopped.
        DeadlinePassed: it is still being provisioned; the same command waits on.
    """

    def look() -> Look[EndpointState]:
        there = own_endpoint(settings, name)
        if there is None:
            raise _gone(name)
        if there.state in _FAILED:
            raise CreationFailed(
                "endpoint", name, state=there.state, said=there.said,
                remedy=f"Start it if somebody stopped it, or remove it with `{command('databricks teardown', name=name)}`.",
            )  # fmt: skip
        return Look(seen=there.state, value=there, done=there.state == "ONLINE")

    return wait_until(
        f"endpoint {name}", look, deadline, usual=None if settings.is_sandbox else USUAL_SECONDS
    )


@step("mark what index {name} holds")
def apply_content_mark(
    settings: DatabricksSettings, name: str, *, content: str = "", coming: str = "", replaces: bool = False
) -> None:
    """Say in the endpoint's tags what its index holds, or what a load is about to bring. Other people's tags stay."""
    there = own_endpoint(settings, name)
    if there is None:
        raise _gone(name)
    wanted = {"content": content, "coming": coming, "replaces": "yes" if replaces else ""}
    kept = {key: value for key, value in there.tags.items() if key not in _CONTENT}
    tags = kept | {key: value for key, value in wanted.items() if value}
    if tags != there.tags:
        _tag(settings, name, tags)


@step("serve version {version} of {name}")
def ensure_served(settings: DatabricksSettings, name: str, version: str) -> Ensured[EndpointState]:
    """Let searches of a name go to this version. The tags change in one call; the version before is kept in them."""
    there = own_endpoint(settings, name)
    if there is None:
        raise _gone(name)
    if there.serves == version:
        return Ensured(there, "nothing")
    before = {"replaced": there.serves} if there.serves else {}
    _tag(settings, name, {**there.tags, **before, "serves": version})
    return Ensured(own_endpoint(settings, name) or there, "changed")


@step("remove endpoint {name}")
def remove_endpoint(settings: DatabricksSettings, name: str, deadline: Deadline) -> tuple[str, ...]:
    """Remove an endpoint that we made, and wait until it is gone.

    Returns:
        Its name, if it was there.

    Raises:
        NotOurs: somebody else made it.
        ServiceRefused: it has indexes.
    """
    there = own_endpoint(settings, name)
    if there is not None:
        try:
            with calling(f"delete endpoint {name}"):
                connect(settings).endpoints.delete_endpoint(name)
        except NotFound:
            pass
    _let_go(settings, name, deadline)
    return (name,) if there is not None else ()


def list_endpoints(settings: DatabricksSettings) -> list[EndpointInfo]:
    """All endpoints of the workspace."""
    with calling("list the endpoints"):
        return list(connect(settings).endpoints.list_endpoints())


def tags_of(there: EndpointInfo) -> dict[str, str]:
    """The custom tags of an endpoint."""
    return {tag.key: tag.value or "" for tag in there.custom_tags or ()}


def _let_go(settings: DatabricksSettings, name: str, deadline: Deadline) -> None:
    """Wait until an endpoint that is being deleted is gone."""

    def look() -> Look[bool]:
        there = find_endpoint(settings, name)
        is_going = there is not None and _state(there) == "DELETED"
        return Look(seen="being deleted" if is_going else "gone", value=True, done=not is_going)

    if not look().done:
        wait_until(f"the deletion of endpoint {name}", look, deadline)


def _owned(settings: DatabricksSettings, there: EndpointInfo, name: str) -> EndpointState:
    tags, count = tags_of(there), there.num_indexes or 0
    is_marked = is_ours(tags, name)
    if not is_marked and (tags or count or there.creator != _me(settings)):
        raise NotOurs("endpoint", name, resource=settings.host, remedy="Choose another --name.")
    status = there.endpoint_status
    said = (status.message if status else None) or "no reason given"
    return EndpointState(
        name=name, state=_state(there), said=said, indexes=count, tags=tags, is_marked=is_marked
    )


def _me(settings: DatabricksSettings) -> str:
    with calling("read who calls"):
        return connect(settings).users.me().user_name or ""


def _state(there: EndpointInfo) -> str:
    status = there.endpoint_status
    return status.state.value if status and status.state else "UNKNOWN"


def _tag(settings: DatabricksSettings, name: str, tags: Mapping[str, str]) -> None:
    with calling(f"mark endpoint {name}"):
        connect(settings).endpoints.update_endpoint_custom_tags(
            name, [CustomTag(key, value) for key, value in tags.items()]
        )


def _gone(name: str) -> NotFound:
    return NotFound(
        f"read endpoint {name}", service="Databricks", status="RESOURCE_DOES_NOT_EXIST", said="it is gone"
    )
