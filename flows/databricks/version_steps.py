"""The steps that serve a version of a name, and that prune those which are not served."""

from __future__ import annotations

from flows.confirmation import Question
from flows.databricks.options import DatabricksRun
from tasks.databricks.endpoints import ensure_served, remove_marks
from tasks.databricks.errors import NoSuchVersion
from tasks.databricks.indexes import IndexState, remove_index
from tasks.databricks.source_tables import remove_table
from tasks.databricks.versions import Versions, read_versions
from tasks.progress import say


def serve(run: DatabricksRun, name: str, version: str) -> None:
    """Serve a version that was measured."""
    with run.report.step(f"serve version {version} of {name}") as step:
        endpoint = ensure_served(run.settings, name, version).there
        step.saw(f"served, before {endpoint.replaced or endpoint.rolled_back_from or 'nothing else'}")


def prune_questions(there: Versions, serves: str) -> list[Question]:
    """Ask before the versions go that are not served then."""
    going = pruned(there, serves)
    if not going:
        return []
    listed = "; ".join(there.described(version) for version in going)
    consequence = f"It would remove every version but {serves}, for good: {listed}."
    return [Question("prune the other versions", consequence)]


def pruned(there: Versions, serves: str) -> list[str]:
    """The versions that a prune removes once this one is served."""
    served = [there.serves] if there.serves not in ("", serves) else []
    return [version for version in there.others if version != serves] + served


def prune(run: DatabricksRun, name: str) -> list[str]:
    """Remove every version of a name that is not served. Returns the versions that went.

    Raises:
        NoSuchVersion: what is to be served is not there, so that nothing would be left.
    """
    settings, report, deadline = run.settings, run.report, run.deadline
    there = read_versions(settings, name)
    going = there.others
    if going and there.serves not in there.loaded:
        raise NoSuchVersion(name, there.serves, there=there.loaded, serves=there.serves)
    for version in going:
        with report.step(f"remove version {version} of {name}") as step:
            removed = [
                *remove_index(settings, name, deadline, version),
                *remove_table(settings, name, version),
            ]
            # Last: by its marks the next run finds what a killed one has left.
            remove_marks(settings, name, version)
            step.saw(f"{' and '.join(removed) or 'nothing'} removed")
    return [*going]


def of(version: IndexState, versions: tuple[IndexState, ...]) -> str:
    """The end of a step's title that says which of several versions it works on."""
    return f" of version {version.version}" if len(versions) > 1 else ""


def say_versions(there: Versions) -> str:
    """Say which version is served and which others there are. Returns it."""
    serves = f"the version {there.described(there.serves)}" if there.serves else "no version"
    served = f"{there.name} serves {serves}"
    others = "; ".join(there.described(version) for version in there.others)
    said = f"{served}. Other versions: {others}." if others else f"{served}. There is no other version."
    say(said)
    return said
