"""The command `deploy`: every flow a deployment on your own Prefect server, all in one process through one client."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from flows import engines
from flows.command_line.output import print_json
from flows.console import Seen, loading, plain, take_over
from flows.engine import Engine
from flows.stack.registration import register
from flows.targets import block_of, check_block
from flows.work_pools import POOLS, WorkPool
from tasks.errors import InvalidInput
from tasks.plurals import counted
from tasks.program import PROGRAM

_log = logging.getLogger(__name__)
_VARIABLE = re.compile(r"\{\{ \$(\w+) \}\}")


def deploy(
    *,
    work_pool_type: Annotated[Literal["process", "docker", "kubernetes"], Parameter()] = "process",
    engines: Annotated[
        tuple[str, ...], Parameter(name="--engine", negative_iterable="", show_default=False)
    ] = (),
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> None:
    """Register every flow as a deployment with your Prefect server.

    Creates what is missing and changes what differs, in the server that PREFECT_API_URL names: what
    `prefect deploy --all` does with the files in deployments/. Every target and image is read from its variable, and
    nothing is registered while one is missing.

    Args:
        work_pool_type: How a run is started: as a process of the worker's, as a container, or as a job of Kubernetes.
        engines: Only the flows of this engine; may be repeated. Default: of all.
        json: Print a JSON object instead of text: the number of deployments, their work pool and the server.

    Example:
        vector-search deploy --work-pool-type kubernetes --engine vertex
    """
    pool = POOLS[work_pool_type]
    _check_variables(pool, _chosen(engines))
    with loading(quiet=json):
        import_module("prefect.main")  # replaces the log handlers, so before `take_over`
        from flows.command_line.prefect_api import use_api  # noqa: PLC0415 -- help must not need Prefect

    url = use_api()
    _check_pool(pool, url)
    terminal = take_over(Console(stderr=True), quiet=json)
    try:
        count = register(pool.path, engines=engines, on_progress=_show(time.monotonic()))
    finally:
        terminal.end()
    if json:
        print_json({"deployments": count, "work_pool": pool.name, "api": url})
        return
    plain().print(
        f"{counted(count, 'deployment')} on the work pool {pool.name} of {url}. `prefect worker start --pool {pool.name}` runs them."
    )


def _show(began: float) -> Callable[[str], None]:
    """Shows the lines of the registration as one piece of long work."""

    def show(line: str) -> None:
        seen = Seen("register the deployments", line, elapsed=time.monotonic() - began)
        _log.info("%s: %s", seen.what, line, extra={"progress": seen})

    return show


def _chosen(names: Sequence[str]) -> list[Engine[Any]]:
    known = [engine.name for engine in engines.ENGINES]
    for name in names:
        if name not in known:
            raise InvalidInput(
                "There is no such engine", value=name, source="--engine", accepted=", ".join(known)
            )
    return [engine for engine in engines.ENGINES if not names or engine.name in names]


def _check_variables(pool: WorkPool, chosen: Sequence[Engine[Any]]) -> None:
    """See that every variable is set that the deployments are made with.

    Raises:
        InvalidInput: names those that are not, or the one that says something else.
    """
    accepted = {engine.target_variable: engine.targets for engine in chosen}
    example = {engine.target_variable: engine.real_target for engine in chosen}
    wanted = dict.fromkeys([*accepted, *_variables_of(pool)])
    if missing := [name for name in wanted if not os.environ.get(name)]:
        examples = " ".join(f"{name}={example.get(name, '...')}" for name in missing)
        raise InvalidInput(
            f"The deployments need {', '.join(missing)}", source="the environment",
            remedy=f"For example: export {examples} (or only some engines: `{PROGRAM} deploy --engine vertex`)",
        )  # fmt: skip
    for name, targets in accepted.items():
        block = block_of(os.environ[name])
        if block is not None:
            check_block(block, source=name)
        elif os.environ[name] not in targets:
            raise InvalidInput(
                "There is no such target", value=os.environ[name], source=name, accepted=f"{', '.join(targets)}, or block:NAME"
            )  # fmt: skip


def _variables_of(pool: WorkPool) -> Iterator[str]:
    for value in pool.job_variables.values():
        yield from _VARIABLE.findall(value)


def _check_pool(pool: WorkPool, url: str) -> None:
    """See that the work pool is there, and of its type.

    Raises:
        InvalidInput: it is not; names the command that creates it.
    """
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.exceptions import ObjectNotFound  # noqa: PLC0415

    try:
        with get_client(sync_client=True) as client:
            found = client.read_work_pool(pool.name)
    except ObjectNotFound as error:
        raise InvalidInput(
            f"The Prefect server at {url} has no work pool {pool.name}",
            remedy=f"Create it: `{pool.created_here()}`.",
        ) from error
    if found.type != pool.type:
        raise InvalidInput(
            f"The work pool {pool.name} is of another type", value=found.type, source=url, accepted=pool.type,
            remedy=f"Delete it (`prefect work-pool delete {pool.name}`) and create it again: `{pool.created_here()}`.",
        )  # fmt: skip
