"""What the key or user may do, asked of the cluster before anything is made, so that no flow stops half way with a 403.

Everybody may ask for their own privileges (`POST /_security/user/_has_privileges`); a greater privilege includes the smaller
ones, and one on `films*` those on `films-1`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tasks.calls import ServiceRefused
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings
from tasks.errors import PermanentError
from tasks.steps import step

_NOT_THERE = (400, 404, 405, 410)
"""What a cluster without the APIs of security answers: 400 `no handler found`, or 405 where only the method is unknown."""
_NO_TYPE = "unknown"
"""Such an answer is one line of text and not an error object; a 400 with a type is a mistake of ours."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What one part of a flow needs."""

    what: str
    """Completes "needed to ...": `download and deploy models`."""
    cluster: tuple[str, ...] = ()
    """Cluster privileges, by their names in the service."""
    names: tuple[str, ...] = ()
    """Indices, aliases and patterns that `on_indices` is needed on."""
    on_indices: tuple[str, ...] = ()
    """Index privileges, by their names in the service."""


@dataclass(frozen=True)
class Missing:
    """Privileges that are missing for one part of a flow."""

    what: str
    cluster: tuple[str, ...]
    indices: tuple[tuple[str, tuple[str, ...]], ...]
    """Index, alias or pattern, and the privileges that are missing on it."""

    def __str__(self) -> str:
        parts = [f"the cluster privilege {name}" for name in self.cluster]
        parts += [f"{', '.join(privileges)} on {name}" for name, privileges in self.indices]
        return f"{'; '.join(parts)} (needed to {self.what})"


@dataclass(frozen=True)
class Privileges:
    """What a cluster answered about the key or user."""

    user: str
    """Empty if it was not answered."""
    missing: tuple[Missing, ...] = ()
    unknown: str = ""
    """Why nothing is known of the privileges; empty if they are known."""

    def lacks(self, privilege: str) -> bool:
        """Whether this cluster privilege is known to be missing."""
        return any(privilege in one.cluster for one in self.missing)

    def __str__(self) -> str:
        if self.unknown:
            return self.unknown
        return (
            "; ".join(["missing", *map(str, self.missing)])
            if self.missing
            else f"{self.user} has all that is needed"
        )


class PrivilegesMissing(PermanentError):
    """The key or user may not do what a flow would do."""

    def __init__(self, privileges: Privileges) -> None:
        self.user, self.missing = privileges.user, privileges.missing
        listed = " ".join(f"({number}) {one}." for number, one in enumerate(self.missing, start=1))
        super().__init__(
            f"The API key or user ({self.user}) lacks privileges, so nothing was begun. Missing: {listed} Add them to its role, or "
            "create an API key with role descriptors that have them (an API key has at most the privileges of its owner), and run "
            "the same command again."
        )


@step("read the privileges")
def read_privileges(settings: ElasticSettings, needs: tuple[Need, ...]) -> Privileges:
    """Which of these privileges the key or user lacks.

    A cluster without security, and one that does not let the caller ask, is no error: `unknown` says so.
    """
    indices = [
        {"names": list(n.names), "privileges": list(n.on_indices)} for n in needs if n.names and n.on_indices
    ]
    try:
        with calling("ask for the privileges"):
            found = connect(settings).security.has_privileges(
                cluster=_all(need.cluster for need in needs), index=indices or None
            )
    except ServiceRefused as error:
        if error.status == 403:
            return Privileges(
                "", unknown=f"may not be asked for ({error.said}); a step that is not allowed will say so"
            )
        if error.status in _NOT_THERE and error.type == _NO_TYPE:
            return Privileges(
                "", unknown="not checked: security is off in this cluster, so everybody may do everything"
            )
        raise
    on_cluster, on_index = found["cluster"], found["index"]
    missing = (
        Missing(
            need.what,
            tuple(name for name in need.cluster if not on_cluster[name]),
            tuple(
                (name, lacking)
                for name in need.names
                if (lacking := tuple(one for one in need.on_indices if not on_index[name][one]))
            ),
        )
        for need in needs
    )
    return Privileges(found["username"], tuple(one for one in missing if one.cluster or one.indices))


@step("verify the privileges")
def verify_privileges(settings: ElasticSettings, needs: tuple[Need, ...]) -> Privileges:
    """The privileges, if none is missing or nothing is known of them.

    Raises:
        PrivilegesMissing: with every one that is missing, and what it is needed for.
    """
    found: Privileges = read_privileges.fn(settings, needs)
    if found.missing:
        raise PrivilegesMissing(found)
    return found


def _all(parts: Iterable[tuple[str, ...]]) -> list[str]:
    return list(dict.fromkeys(name for part in parts for name in part))
