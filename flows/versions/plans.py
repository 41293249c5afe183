"""The plans of swap, rollback and prune: which version would be served, and which would go."""

from __future__ import annotations

from typing import Any

from flows.plan import Difference, Plan, Resource
from flows.runs import Run
from tasks.versions import Versions


def move_plan(run: Run[Any], there: Versions[Any, Any], version: str) -> Plan:
    """What a swap or a rollback to a version would do.

    Raises:
        PermanentError: the version cannot be served.
    """
    if version == there.serves:
        return run.plan(_kept(there, version, "is served already"), hourly_usd=0.0)
    there.check_servable(version)
    moved = Difference(field="serves", there=there.serves, wanted=version)
    resources = [
        Resource(action="change", kind="served version", name=there.name, differences=(moved,)),
        _kept(there, version, "would be served"),
    ]
    if there.serves:
        resources.append(_kept(there, there.serves, "stays, and costs what it did, for a rollback"))
    return run.plan(*resources, hourly_usd=0.0)


def prune_plan(run: Run[Any], there: Versions[Any, Any], going: tuple[str, ...]) -> Plan:
    """What a prune would do.

    Raises:
        PermanentError: what is served cannot answer, so that nothing would be left; or others use what would go.
    """
    if going:
        there.check_servable(there.serves)
    there.check_removable(going)
    resources = [
        Resource(action="remove", kind="version", name=one, detail=there.about(one)) for one in going
    ]
    if there.serves:
        resources.append(_kept(there, there.serves, "is served"))
    hourly = "What the removed versions cost by the hour ends." if going else ""
    return run.plan(*resources, hourly=hourly, hourly_usd=0.0)


def _kept(there: Versions[Any, Any], version: str, why: str) -> Resource:
    return Resource(action="keep", kind="version", name=version, detail=f"{there.about(version)}; {why}")
