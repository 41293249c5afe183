"""The steps that serve a version of a name, and that prune those which are not served."""

from __future__ import annotations

from collections.abc import Collection

from flows.versions.changes import VersionSteps, serve
from flows.vertex.engine import VERTEX
from flows.vertex.options import VertexRun
from tasks.program import command
from tasks.progress import say
from tasks.vertex.imports.import_data import DataSource
from tasks.vertex.imports.storage import remove_import_files
from tasks.vertex.network.private_service_connect import remove_way
from tasks.vertex.resources.deploying import remove_deployed_index
from tasks.vertex.resources.indexes import remove_index
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.resources.versions import ensure_rollback, ensure_served, read_versions
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
    serve(run, built.name, built.version, ensure_served)


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
    if there.others:
        there.check_servable(there.serves)
    going = [version for version in there.others if version not in keep]
    there.check_removable(going)
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


VERSIONS = VersionSteps(
    engine=VERTEX,
    read=read_versions,
    read_all=lambda run, name: read_versions(run.settings, name, run.deadline),
    serve=ensure_served,
    roll_back=ensure_rollback,
    prune=prune,
)
