"""The plan of `answers index`: which version would be built and served, and what would be sent for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flows.plan import Action, Difference, Plan, Resource
from flows.runs import Run
from tasks.answers.chunks import Chunks
from tasks.plurals import counted


def version_plan(
    run: Run[Any],
    chunks: Chunks,
    *,
    version: str,
    is_whole: bool,
    is_begun: bool,
    served: str,
    going: Sequence[str] = (),
    around: Sequence[Resource] = (),
    hourly: str = "",
    hourly_usd: float | None = 0.0,
) -> Plan:
    """What `answers index` would do.

    Args:
        run: the run.
        chunks: what the version is to hold.
        version: its name, which follows from what it holds and what embeds it.
        is_whole: whether it is there with everything.
        is_begun: whether an earlier run began it.
        served: the version that is served; empty for none.
        going: older versions that are removed afterwards.
        around: what else is made: a bucket, an endpoint.
        hourly: what is new in cost by the hour, in words.
        hourly_usd: the same in USD; None if it is not known.
    """
    action: Action = "keep" if is_whole else "adopt" if is_begun else "create"
    passages = counted(len(chunks.chunks), "passage")
    detail = f"{passages} of {counted(chunks.documents, 'document')}"
    resources = [*around, Resource(action=action, kind="version", name=version, detail=detail)]
    if served != version:
        moved = Difference(field="serves", there=served, wanted=version)
        resources.append(
            Resource(
                action="change" if served else "create",
                kind="served version",
                name=run.report.name,
                differences=(moved,),
            )
        )
    if served and served != version:
        resources.append(Resource(action="keep", kind="version", name=served, detail="stays for a rollback"))
    resources += [Resource(action="remove", kind="version", name=one) for one in going]
    return run.plan(
        *resources,
        sends=""
        if is_whole
        else f"{passages}; those that an earlier version has embedded alike are carried over",
        sends_count=0 if is_whole else len(chunks.chunks),
        hourly=hourly,
        hourly_usd=hourly_usd,
        once="" if is_whole else "The embedding of the passages that are new.",
    )
