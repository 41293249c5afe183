"""Registers the deployments of a file, all in one process through one client: two requests each.

`prefect deploy --all` makes a client and half a dozen requests for every deployment, and looks into the folder that it runs in. Its
file is read here with its meaning; deployments/prefect.yaml has no steps, triggers or blocks. Started by `up` as
`python -m flows.stack.registration FILE`; its last line says how far it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

LOADING = "loading the flows"
_FIELDS = ("string", "integer", "number", "array")
"""What the UI has a field for that can be empty."""


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def register(file: Path, *, engines: Sequence[str] = (), on_progress: Callable[[str], None] = say) -> int:
    """Register the deployments of a file with the server of PREFECT_API_URL: created, or changed to what the file says.

    Args:
        file: as deployments/prefect.yaml; `{{ $NAME }}` stands for an environment variable.
        engines: only the deployments of these, by their tags; empty for all.
        on_progress: is told how far it is.

    Returns:
        How many there are.
    """
    on_progress(LOADING)
    import yaml  # noqa: PLC0415 -- said first: the rest takes seconds
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.flows import load_flow_from_entrypoint  # noqa: PLC0415
    from prefect.utilities.callables import parameter_schema  # noqa: PLC0415
    from prefect.utilities.templating import apply_values  # noqa: PLC0415

    written: list[dict[str, Any]] = [
        one
        for one in yaml.safe_load(file.read_text())["deployments"]
        if not engines or set(engines) & set(one.get("tags", ()))
    ]
    deployments = apply_values(written, {})
    with get_client(sync_client=True) as client:
        for number, deployment in enumerate(deployments, 1):
            flow = load_flow_from_entrypoint(deployment["entrypoint"])
            limit = deployment.get("concurrency_limit", {})
            client.create_deployment(
                flow_id=client.create_flow_from_name(flow.name),
                name=deployment["name"],
                entrypoint=deployment["entrypoint"],
                version=flow.version,
                description=deployment.get("description", flow.description),
                tags=deployment.get("tags"),
                work_pool_name=deployment["work_pool"]["name"],
                job_variables=deployment["work_pool"].get("job_variables"),
                parameters=deployment.get("parameters"),
                parameter_openapi_schema=form(parameter_schema(flow).model_dump(exclude_unset=True)),
                enforce_parameter_schema=True,
                schedules=[_schedule(each) for each in deployment.get("schedules", ())],
                concurrency_limit=limit.get("limit"),
                concurrency_options={"collision_strategy": limit["collision_strategy"]} if limit else None,  # pyright: ignore[reportArgumentType] -- validated by the client
                pull_steps=[],
            )
            on_progress(f"{number} of {len(deployments)} deployments")
    return len(deployments)


def form(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a flow's parameters with a plain field for each that may be left out.

    The UI shows a choice between a type and "None" for what may also be null, and its field only after the right one is chosen.
    Without a default the server takes null for it all the same (prefect.utilities.schema_tools.validation).

    Args:
        schema: as Prefect makes it from the flow's signature.
    """
    return schema | {"properties": {name: _plain(one) for name, one in schema["properties"].items()}}


def _plain(written: dict[str, Any]) -> dict[str, Any]:
    kinds = [one for one in written.get("anyOf", ()) if one != {"type": "null"}]
    if len(kinds) != 1 or kinds[0].get("type") not in _FIELDS or written.get("default") is not None:
        return written
    (kind,) = kinds
    choices = {"enum": [*kind["enum"], None]} if "enum" in kind else {}
    return {key: value for key, value in written.items() if key not in ("anyOf", "default")} | kind | choices


def _schedule(written: dict[str, Any]) -> Any:
    from prefect.client.schemas.actions import DeploymentScheduleCreate  # noqa: PLC0415
    from prefect.client.schemas.schedules import CronSchedule  # noqa: PLC0415

    return DeploymentScheduleCreate(
        schedule=CronSchedule(cron=written["cron"], timezone=written["timezone"]),
        active=written["active"],
        parameters=written["parameters"],
        slug=written["slug"],
    )


if __name__ == "__main__":
    register(Path(sys.argv[1]))
