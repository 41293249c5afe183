"""The versions of a name: which there are, which of them is searched, and how that changes.

The service has no alias. A version is an index of its own on the name's endpoint, `main.default.films_5f0c9a2e71bd` beside
`main.default.films`, and nothing but a tag of the endpoint changes when another one is searched.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

from tasks.databricks.endpoints import (
    EndpointState,
    apply_served_mark,
    ensure_served,
    own_endpoint,
)
from tasks.databricks.errors import NoSuchVersion
from tasks.databricks.indexes import IndexState, find_index, list_versions, read_loaded_index
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import FIRST, IndexSpec
from tasks.errors import InvalidInput, PermanentError
from tasks.marks import fingerprint
from tasks.outcomes import Ensured
from tasks.plurals import counted
from tasks.program import command
from tasks.steps import step
from tasks.versions import Versions


@dataclass(frozen=True, kw_only=True)
class DatabricksVersions(Versions[EndpointState, IndexState]):
    """The versions of a name; `all` has those too that a killed build only began."""

    engine: ClassVar[str] = "databricks"

    @property
    def all(self) -> tuple[str, ...]:
        """Every version, the first one first."""
        return tuple(dict.fromkeys((*self.indexes, *self.endpoint.versions)))

    @property
    def loaded(self) -> tuple[str, ...]:
        """Those that can be searched: all of their data is there."""
        return tuple(version for version in self.indexes if self._is_whole(version))

    def check_servable(self, version: str) -> None:
        """Refuse to search what is not loaded completely.

        Raises:
            NoSuchVersion: it is not there, or not loaded completely.
        """
        if version not in self.loaded:
            raise NoSuchVersion(self.name, version, there=self.loaded, serves=self.serves)

    def about(self, version: str) -> str:
        """Where a version is and what it holds, in words: `main.default.films, 1,000 rows`."""
        if (index := self.indexes.get(version)) is None:
            return "there is no index of it"
        unfinished = "" if self._is_whole(version) else ", not loaded completely"
        return f"{index.full_name}, {counted(index.rows, 'row')}{unfinished}"

    def _is_whole(self, version: str) -> bool:
        index, there = self.indexes[version], self.endpoint
        if not index.is_online:
            return False
        if there.is_of_passages:
            # They describe themselves, and one that was searched was whole then.
            return version in (there.serves, there.replaced, there.rolled_back_from)
        return there.marks_of(version).is_loaded


class UnlikeVersions(PermanentError):
    """A version does not take the rows that the served one takes."""

    def __init__(self, name: str, version: str, *, why: str) -> None:
        self.name, self.version, self.why = name, version, why
        super().__init__(
            f"Changes of rows go to every version of {name}, so that a rollback loses none, and the version {version} does not take them: "
            f"{why}. Nothing was changed. `{command('databricks prune', name=name)}` removes the versions that are not served."
        )


def version_for(endpoint: EndpointState | None, spec: IndexSpec, content: str) -> str:
    """The version that holds this content under this configuration, or the one that a new index of it becomes.

    Args:
        endpoint: of the name; None where there is none yet.
        spec: the configuration that is wanted.
        content: hash of the data that it is to hold.
    """
    if endpoint is None or not endpoint.versions:
        return FIRST
    wanted = (spec.spec, content)
    marked = {version: endpoint.marks_of(version) for version in endpoint.versions}
    same = [version for version, each in marked.items() if (each.spec, each.content or each.coming) == wanted]
    if same:
        return endpoint.serves if endpoint.serves in same else same[-1]
    # The same in every run that would build it. A version keeps its mark when a plain build replaces what it holds.
    made = (fingerprint([*wanted, number]) for number in count())
    return next(version for version in made if version not in marked)


@step("read the versions of {name}")
def read_versions(settings: DatabricksSettings, name: str) -> DatabricksVersions:
    """The versions of a name.

    Raises:
        InvalidInput: nothing was built under the name.
        NotOurs: somebody else made the endpoint.
    """
    endpoint = own_endpoint(settings, name)
    if endpoint is None or not endpoint.is_marked:
        raise InvalidInput(
            "Nothing of this project is served under this name", value=name, source="name",
            remedy=f"Build it with `{command('databricks build', name=name, data='FILE')}`.",
        )  # fmt: skip
    there = sorted(
        filter(None, list_versions(settings, endpoint).values()), key=lambda one: (one != FIRST, one)
    )
    found = {version: find_index(settings, name, version) for version in there}
    # One that is being deleted is listed until it is gone.
    indexes = {version: index for version, index in found.items() if index is not None}
    return DatabricksVersions(name=name, endpoint=endpoint, indexes=indexes)


@step("check that the name {name} is free for a tour")
def read_free_name(
    settings: DatabricksSettings, name: str, contents: Collection[str]
) -> EndpointState | None:
    """The endpoint of a name, if there is one, which has nothing but versions with these contents.

    Raises:
        InvalidInput: it has others, or is that of a knowledge base: whoever asks will remove them.
        NotOurs: somebody else made it.
    """
    endpoint = own_endpoint(settings, name)
    if endpoint is None:
        return None
    marked = [endpoint.marks_of(version) for version in endpoint.versions]
    if endpoint.is_of_passages or any((each.content or each.coming) not in contents for each in marked):
        raise InvalidInput(
            "This name holds something else, and a tour removes what is under its name at its end", value=name, source="name",
            accepted="a name under which nothing was built, or that of a tour on the same data that was interrupted",
        )  # fmt: skip
    return endpoint


@step("swap {name} to version {version}")
def ensure_swap(settings: DatabricksSettings, name: str, version: str) -> Ensured[EndpointState]:
    """The endpoint of a name, searched in this version from now on.

    Raises:
        NoSuchVersion: it is not there, or not loaded completely.
    """
    there = read_versions.fn(settings, name)
    if version == there.serves:
        return Ensured(there.endpoint)
    there.check_servable(version)
    return ensure_served.fn(settings, name, version)


@step("roll {name} back")
def ensure_rollback(settings: DatabricksSettings, name: str) -> Ensured[EndpointState]:
    """The endpoint of a name, searched in the version before the last swap. A second rollback changes nothing.

    Raises:
        NothingToRollBackTo: there was no swap.
        NoSuchVersion: the version before is not there any more.
    """
    there = read_versions.fn(settings, name)
    back = there.back()
    if back == there.serves:
        return Ensured(there.endpoint)
    return Ensured(
        apply_served_mark(settings, there.endpoint, back, rolled_back_from=there.serves), "changed"
    )


@step("read the versions of {name} whose rows change")
def read_changed_versions(settings: DatabricksSettings, name: str) -> tuple[IndexState, ...]:
    """The versions that a change of rows goes to, the served one first. One that is still being loaded gets the rows of its file alone.

    Raises:
        InvalidInput, LoadUnderWay: as `read_loaded_index`.
        UnlikeVersions: one of them does not take the rows of the served one.
    """
    served = read_loaded_index.fn(settings, name)
    there = read_versions.fn(settings, name)
    others = [there.indexes[version] for version in there.loaded if version != served.version]
    for other in others:
        if why := _difference(served, other):
            raise UnlikeVersions(name, other.version, why=why)
    return (served, *others)


def _difference(served: IndexState, other: IndexState) -> str:
    """Why an index does not take the rows of another; empty if it does."""
    if not other.is_direct:
        return "its rows come from a source table"
    if other.dimensions != served.dimensions:
        return f"it has {counted(other.dimensions, 'dimension')}, the served one has {served.dimensions:,}"
    if other.columns != served.columns:
        return (
            f"it has the columns {', '.join(other.columns)}, the served one has {', '.join(served.columns)}"
        )
    return ""
