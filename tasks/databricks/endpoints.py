"""Endpoints: ensured, marked, waited for, removed. An endpoint's name is the name, so there is never a second one.

The service has no tags on an index, so the marks of an index are custom tags of its endpoint, beside other people's:

spec, content, coming, replaces, found  of each version (tasks/databricks/marks.py)
serves            the version that is searched; without it, the first
served_since      when that was decided, in seconds since 1970
replaced          the version that was searched before a swap
rolled_back_from  in place of `replaced`: the version that was searched before a rollback

Tags cannot be given at creation. An endpoint without a tag and without an index that the same user made is what a run leaves that
was killed in between; it is adopted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from databricks.sdk.service.vectorsearch import CustomTag, EndpointInfo, EndpointType

from tasks.calls import NotFound, ServiceUnwell
from tasks.databricks.clients import connect
from tasks.databricks.errors import AlreadyExists, CreationFailed, calling, was_given_up
from tasks.databricks.marks import VersionMarks, marked_versions, marks_of, tags_of, with_marks
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import FIRST, PASSAGES, STANDARD, EndpointKind
from tasks.errors import NotOurs
from tasks.marks import MANAGED_BY, is_ours
from tasks.outcomes import Ensured
from tasks.program import command
from tasks.progress import say
from tasks.steps import step
from tasks.waiting import Deadline, Look, came_late, wait_until

USUAL_SECONDS = 300.0
"""Until an endpoint is online; from memory."""
_FAILED = ("OFFLINE", "STOPPING", "STOPPED")
"""States that do not become ONLINE by themselves (the AI Search client gives up at them too)."""
_NOT_PROVISIONED = "OFFLINE"
"""One that somebody stopped says STOPPED."""
_SERVED = ("serves", "served_since", "replaced", "rolled_back_from")


@dataclass(frozen=True, kw_only=True)
class EndpointState:
    """An endpoint as it was last read."""

    name: str
    kind: str = STANDARD
    """STANDARD or STORAGE_OPTIMIZED."""
    state: str
    said: str
    indexes: int
    tags: Mapping[str, str]
    is_marked: bool
    """Whether it bears our marks; else it is one that a killed run has just made."""

    @property
    def is_of_passages(self) -> bool:
        """Whether its indexes are those of a knowledge base, which describe themselves."""
        return self.marks_of(FIRST).spec == PASSAGES

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that builds began, the first one first."""
        return marked_versions(self.tags) if self.is_marked else ()

    @property
    def serves(self) -> str:
        """The version that is searched; empty of a knowledge base that has none yet."""
        return self._tag("serves") or ("" if self.is_of_passages else FIRST)

    @property
    def served_since(self) -> float:
        """When it was last decided which version is searched, in seconds since 1970; 0 if it never was."""
        since = self._tag("served_since")
        return float(since) if since.isdigit() else 0.0

    @property
    def replaced(self) -> str:
        """The version that was searched before the last swap; empty after a rollback."""
        return self._tag("replaced")

    @property
    def rolled_back_from(self) -> str:
        """The version that was searched before a rollback, which was the last change."""
        return self._tag("rolled_back_from")

    def marks_of(self, version: str) -> VersionMarks:
        """What is marked of a version."""
        return marks_of(self.tags if self.is_marked else {}, version)

    def _tag(self, key: str) -> str:
        return self.tags.get(key, "") if self.is_marked else ""


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


@step("read endpoint {name}")
def read_endpoint(settings: DatabricksSettings, name: str) -> EndpointState | None:
    """As `own_endpoint`, and tried again."""
    return own_endpoint(settings, name)


@step("ensure endpoint {name}")
def ensure_endpoint(
    settings: DatabricksSettings,
    name: str,
    *,
    version: str = FIRST,
    spec: str,
    content: str,
    has_index: bool,
    deadline: Deadline,
    kind: EndpointKind = STANDARD,
) -> Ensured[EndpointState]:
    """The endpoint of a name, created unless it is there, with the marks of the version that is to be made on it.

    One of ours that could not be provisioned, and so has no index, is removed and created again.

    Without an index of the version the marks are those of the one that is to be made, whatever there was before.

    Args:
        settings: the target.
        name: of the endpoint.
        version: that is to be made.
        spec: hash of its index's configuration.
        content: hash of the data that it will be loaded with; empty where the index itself says what it holds.
        has_index: whether its index is there.
        deadline: bounds the wait for a deletion that an earlier run began.
        kind: of an endpoint that is created.

    Raises:
        NotOurs: somebody else made it.
    """
    _let_go(settings, name, deadline)
    failed = own_endpoint(settings, name)
    if failed is not None and failed.state == _NOT_PROVISIONED and not failed.indexes:
        say(
            f"The endpoint {name} is {failed.state} and empty ({failed.said}): it is removed and created again."
        )
        remove_endpoint.fn(settings, name, deadline)
    created = False
    if find_endpoint(settings, name) is None:
        try:
            with calling(f"create endpoint {name}"):
                connect(settings).endpoints.create_endpoint(name, EndpointType(kind))
            created = True
        except AlreadyExists:
            say(f"The endpoint {name} was created in the meantime.")
    there = own_endpoint(settings, name)
    if there is None:
        raise _gone(name)
    wanted = VersionMarks(spec=spec, coming=content)
    tags = with_marks({**there.tags, "managed_by": MANAGED_BY, "name": name}, version, wanted)
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
    settings: DatabricksSettings,
    name: str,
    version: str = FIRST,
    *,
    content: str = "",
    coming: str = "",
    replaces: bool = False,
) -> None:
    """Say in the endpoint's tags what a version holds, or what a load is about to bring. Other people's tags stay."""

    def marked(before: VersionMarks) -> VersionMarks:
        return VersionMarks(spec=before.spec, content=content, coming=coming, replaces=replaces)

    _mark(settings, name, version, marked)


@step("mark how many texts of index {name} were found")
def apply_found_mark(settings: DatabricksSettings, name: str, version: str, found: float) -> None:
    """Say in the endpoint's tags which share of a sample of texts found their own row, so that an unchanged build need not ask again."""
    _mark(settings, name, version, lambda before: replace(before, found=f"{found:g}"))


@step("remove the marks of version {version} of {name}")
def remove_marks(settings: DatabricksSettings, name: str, version: str) -> tuple[str, ...]:
    """Forget a version of which nothing else is left. Returns the tags that went."""
    there = own_endpoint(settings, name)
    if there is None:
        return ()
    tags = with_marks(there.tags, version, VersionMarks())
    if tags != there.tags:
        _tag(settings, name, tags)
    return tuple(key for key in there.tags if key not in tags)


@step("serve version {version} of {name}")
def ensure_served(settings: DatabricksSettings, name: str, version: str) -> Ensured[EndpointState]:
    """Let searches of a name go to this version, which must be whole. The tags change in one call and keep the version before."""
    there = own_endpoint(settings, name)
    if there is None:
        raise _gone(name)
    if there.serves == version:
        return Ensured(there)
    return Ensured(apply_served_mark(settings, there, version, replaced=there.serves), "changed")


def apply_served_mark(
    settings: DatabricksSettings, there: EndpointState, version: str, **before: str
) -> EndpointState:
    """Move the mark of what is searched, in one call.

    Args:
        settings: the target.
        there: the endpoint.
        version: that is searched from now on.
        before: `replaced` or `rolled_back_from`, with the version that was searched until now.
    """
    others = {key: value for key, value in there.tags.items() if key not in _SERVED}
    moved = {"serves": version, "served_since": str(int(time.time())), **before}
    _tag(settings, there.name, {**others, **{key: value for key, value in moved.items() if value}})
    return own_endpoint(settings, there.name) or there


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


@cache
def read_endpoint_type(settings: DatabricksSettings, name: str, id_: str) -> str:  # noqa: ARG001 -- a key of the cache
    """STANDARD or STORAGE_OPTIMIZED, asked once for each endpoint: it never changes, and one that is made anew has another id."""
    there = find_endpoint(settings, name)
    if there is None:
        raise _gone(name)
    return _kind(there)


def list_endpoints(settings: DatabricksSettings) -> list[EndpointInfo]:
    """All endpoints of the workspace."""
    with calling("list the endpoints"):
        return list(connect(settings).endpoints.list_endpoints())


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
    return endpoint_state(there)


def endpoint_state(there: EndpointInfo) -> EndpointState:
    """An endpoint that we made, as it was read."""
    name, tags, status = there.name or "", tags_of(there), there.endpoint_status
    return EndpointState(
        name=name,
        kind=_kind(there),
        state=_state(there),
        said=(status.message if status else None) or "no reason given",
        indexes=there.num_indexes or 0,
        tags=tags,
        is_marked=is_ours(tags, name),
    )


def _me(settings: DatabricksSettings) -> str:
    with calling("read who calls"):
        return connect(settings).users.me().user_name or ""


def _kind(there: EndpointInfo) -> str:
    return there.endpoint_type.value if there.endpoint_type else STANDARD


def _state(there: EndpointInfo) -> str:
    status = there.endpoint_status
    return status.state.value if status and status.state else "UNKNOWN"


def _tag(settings: DatabricksSettings, name: str, tags: Mapping[str, str]) -> None:
    """Replace all tags of an endpoint, and do not leave behind a call that may still be carried out."""
    given = [CustomTag(key, value) for key, value in tags.items()]
    try:
        with calling(f"mark endpoint {name}"):
            connect(settings).endpoints.update_endpoint_custom_tags(name, given)
    except ServiceUnwell as error:
        # Tried again at once, the first call could be carried out after the mark that comes next, and undo it.
        if not (was_given_up(error) and _is_tagged_late(settings, name, tags)):
            raise


def _is_tagged_late(settings: DatabricksSettings, name: str, tags: Mapping[str, str]) -> bool:
    def tagged() -> EndpointInfo | None:
        there = find_endpoint(settings, name)
        return there if there is not None and tags_of(there) == tags else None

    return came_late(f"see whether {name} is marked after all", tagged) is not None


def _mark(
    settings: DatabricksSettings, name: str, version: str, marked: Callable[[VersionMarks], VersionMarks]
) -> None:
    there = own_endpoint(settings, name)
    if there is None:
        raise _gone(name)
    tags = with_marks(there.tags, version, marked(there.marks_of(version)))
    if tags != there.tags:
        _tag(settings, name, tags)


def _gone(name: str) -> NotFound:
    return NotFound(
        f"read endpoint {name}", service="Databricks", status="RESOURCE_DOES_NOT_EXIST", said="it is gone"
    )
