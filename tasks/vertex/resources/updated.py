"""What an update of a name goes to, streamed or imported: every version of it, so that a swap or a rollback loses none."""

from __future__ import annotations

from tasks.errors import PermanentError
from tasks.program import command
from tasks.steps import step
from tasks.vertex.operations.adoption import list_ours, version_of
from tasks.vertex.resources.indexes import INDEXES
from tasks.vertex.resources.served import NotServed, ServedIndex, read_served_index
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import UpdateMethod


class VersionTakesNone(PermanentError):
    """A version that is not served does not take the updates that the served one takes."""

    def __init__(self, name: str, version: str, *, why: str) -> None:
        self.name, self.version, self.why = name, version, why
        super().__init__(
            f"Updates go to every version of {name}, so that a rollback loses none, but the version {version} does not take "
            f"them: {why}. Nothing was sent. `{command('vertex prune', name=name)}` removes the versions that are not served; an "
            "unfinished one is finished by the build that began it: "
            f"`{command('vertex build', name=name, data='FILE.hdf5', as_version=True)}`. Then run this again."
        )


@step("read the versions of {name} that updates go to")
def read_updated(settings: VertexSettings, name: str, method: UpdateMethod) -> tuple[ServedIndex, ...]:
    """Every version of a name, the served one first.

    Args:
        settings: the target.
        name: the name that the user gave.
        method: how the update comes: streamed, or as a batch. A served version that does not take it is returned alone, for the
            update to refuse.

    Raises:
        NotServed: nothing is served under the name.
        VersionTakesNone: another version cannot take what the served one takes.
    """
    served = read_served_index.fn(settings, name)
    if served.update_method != method:
        return (served,)
    versions = {version_of(made.resource) for made in list_ours(settings, INDEXES, name)}
    others = [_other(settings, served, version, method) for version in sorted(versions - {served.version})]
    return served, *others


def _other(settings: VertexSettings, served: ServedIndex, version: str, method: UpdateMethod) -> ServedIndex:
    try:
        other = read_served_index.fn(settings, served.name, version)
    except NotServed as error:
        raise VersionTakesNone(served.name, version, why=error.missing) from error
    if other.dimensions != served.dimensions:
        why = f"it has {other.dimensions:,} dimensions, the served one has {served.dimensions:,}"
    elif other.update_method != method:
        why = f"its update method is {other.update_method}"
    elif other.is_overwritten:
        why = "a build started to replace all its content and did not see the end"
    else:
        return other
    raise VersionTakesNone(served.name, version, why=why)
