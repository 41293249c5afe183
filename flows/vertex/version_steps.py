"""The steps that serve a version of a name, and that prune those which are not served."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from flows.confirmation import Question
from flows.vertex.options import VertexRun
from tasks.program import command
from tasks.progress import say
from tasks.vertex.imports.import_data import DataSource
from tasks.vertex.imports.storage import remove_import_files
from tasks.vertex.network.private_service_connect import remove_way
from tasks.vertex.resources.deployed_indexes import undeploy_command
from tasks.vertex.resources.deploying import remove_deployed_index
from tasks.vertex.resources.indexes import remove_index
from tasks.vertex.resources.inventory import TiedToOthers
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.resources.versions import NoSuchVersion, Versions, ensure_served, read_versions
from tasks.vertex.verification.recall import RecallTooLow, verify_recall
from tasks.vertex.verification.truths import ALPHA, read_truths


def verify_and_serve(
    run: VertexRun,
    built: ServedIndex,
    source: DataSource,
    min_recall: float,
    *,
    alpha: float = ALPHA,
    rrf_constant: float = 0,
) -> None:
    """Measure a version that is deployed but not served, then serve it.

    Args:
        run: the run that this is part of.
        built: the version, as it is deployed.
        source: the data that it was built from, with queries.
        min_recall: the recall@10 to reach, 0 to 1, with each kind of query that the data has.
        alpha: the weight of the dense ranking in hybrid queries.
        rrf_constant: what the exact merge of the two rankings adds to a rank.

    Raises:
        RecallTooLow: the gate is not met; what was served before is still served.
    """
    settings, report = run.settings, run.report
    with report.step(f"recall@10 of version {built.version}") as step:
        try:
            for truth in read_truths(settings, built, source, alpha=alpha, rrf_constant=rrf_constant):
                recall = verify_recall(settings, built, truth, min_recall=min_recall)
                step.saw(str(recall))
                report.facts[recall.fact] = recall.model_dump()
        except RecallTooLow:
            say(
                f"The version {built.version} stays deployed and is not served. "
                f"`{command('vertex swap', name=built.name, to=built.version)}` serves it nevertheless, "
                f"`{command('vertex prune', name=built.name)}` removes it."
            )
            raise
    serve(run, built.name, built.version)


def serve(run: VertexRun, name: str, version: str) -> None:
    """Serve a version that is deployed."""
    with run.report.step(f"serve version {version} of {name}") as step:
        endpoint = ensure_served(run.settings, name, version).there
        step.saw(f"served, before {endpoint.replaced or endpoint.rolled_back_from or 'nothing else'}")


def prune_questions(there: Versions, serves: str) -> list[Question]:
    """Ask before the versions go that are not served then.

    Raises:
        TiedToOthers: others deployed one of them on an endpoint of theirs; nothing was changed.
    """
    going = [version for version in there.indexes if version != serves]
    _refuse_ties(there, going)
    if not going:
        return []
    listed = "; ".join(there.described(version) for version in going)
    consequence = f"It would remove every version but {serves}, for good: {listed}."
    return [Question("prune the other versions", consequence)]


def prune(run: VertexRun, name: str, keep: Collection[str] = ()) -> list[str]:
    """Remove every version of a name that is not served, what is billed by the hour first.

    Args:
        run: the run that this is part of.
        name: of the versions.
        keep: versions that stay too, for a rollback.

    Returns:
        The versions that went.

    Raises:
        NoSuchVersion: what is to be served is not deployed, so that nothing would be left.
        TiedToOthers: others deployed one of them on an endpoint of theirs; nothing was changed.
    """
    settings, report, deadline = run.settings, run.report, run.deadline
    there = read_versions(settings, name, deadline)
    if there.others and there.serves not in there.deployed:
        raise NoSuchVersion(name, there.serves, deployed=there.deployed, serves=there.serves)
    going = [version for version in there.others if version not in keep]
    _refuse_ties(there, going)
    for version in going:
        with report.step(f"remove version {version} of {name}") as step:
            if there.endpoint.kind == "private-service-connect":
                remove_way(settings, name, version, deadline)
            undeployed = remove_deployed_index(settings, name, deadline, version)
            removed = remove_index(settings, name, deadline, version)
            step.saw(f"{len(undeployed)} undeployed, {len(removed)} removed")
    if there.serves in there.indexes:
        # Also when a killed run has removed the versions, but not yet their files.
        kept = (index for version, index in there.indexes.items() if version not in going)
        remove_import_files(settings, name, {content for index in kept for content in index.files})
    return going


def of(version: ServedIndex, versions: Sequence[ServedIndex]) -> str:
    """The end of a step's title that says which of several versions it works on."""
    return f" of version {version.version}" if len(versions) > 1 else ""


def say_versions(there: Versions) -> str:
    """Say which version is served and which others there are. Returns it."""
    said = versions_in_words(there)
    say(said)
    return said


def versions_in_words(there: Versions) -> str:
    """Which version is served and which others there are."""
    served = f"{there.name} serves the version {there.described(there.serves)}"
    others = "; ".join(there.described(version) for version in there.others)
    return f"{served}. Other versions: {others}." if others else f"{served}. There is no other version."


def _refuse_ties(there: Versions, versions: Sequence[str]) -> None:
    own = there.endpoint.resource.rpartition("/")[2]
    foreign = [
        f"the index {index.resource} is also served by the endpoint {endpoint} as the deployed index {id_} (`{undeploy_command(endpoint, id_)}`)"
        for index in (there.indexes[version] for version in versions)
        for endpoint, id_ in index.deployed
        if endpoint.rpartition("/")[2] != own
    ]
    if foreign:
        raise TiedToOthers(there.name, foreign=foreign)
