"""The command `automations`: what Prefect's server does by itself about our runs, created, shown and removed."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators
from rich.console import Console
from rich.table import Table

from flows.automations import catalog, upkeep
from flows.command_line.output import print_json
from flows.console import loading, plain
from flows.stack.stack import Stack
from tasks.errors import InvalidInput
from tasks.program import PROGRAM
from tasks.settings import home

_VARIABLE = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"


def automations(
    *,
    remove: Annotated[bool, Parameter(negative="")] = False,
    heartbeat_seconds: Annotated[
        int | None, Parameter(validator=validators.Number(gte=catalog.HEARTBEAT_SECONDS))
    ] = None,
    notify: str | None = None,
    json: Annotated[bool, Parameter(negative="", show_default=False)] = False,
) -> None:
    """Let Prefect's server find runs whose process has died and start them again.

    Creates the automations that are missing in the Prefect server that PREFECT_API_URL names, otherwise in the local
    stack's, where `up` has already done it. Brings ours up to date; touches nobody else's.

    Args:
        remove: Remove them instead.
        heartbeat_seconds: PREFECT_FLOWS_HEARTBEAT_FREQUENCY of your workers; the largest, if they differ. A run counts as
            dead after three missed heartbeats. Default: what Prefect's settings say here.
        notify: The notification block through which you are told of failed runs, gates that are not met, late runs and sweeps that
            found something, as `prefect block ls` writes it: slack-webhook/on-call. `none` to be told no more. Default: as before.
        json: Print a JSON list instead of a table.

    Example:
        vector-search automations --notify slack-webhook/on-call
    """
    with loading(quiet=json):
        from flows.command_line.prefect_api import (  # noqa: PLC0415 -- help must not need Prefect
            requests,
            runs_automations,
            use_api,
        )

    url = use_api()
    every = heartbeat_seconds or _heartbeat(is_local=url == Stack(home()).api_url)
    with requests() as call:
        if remove:
            seen = upkeep.remove(call, catalog.automations(every))
        else:
            seen = upkeep.ensure(call, catalog.automations(every, notify=_block(call, notify)))
        acts = remove or runs_automations(call)
    if not acts:
        Console(stderr=True).print(
            f"warning: the Prefect server at {url} runs no automation: its service for triggers is switched off "
            "(PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED)."
        )
    if json:
        print_json([one._asdict() for one in seen])
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("automation", "state", "what it does"):
        table.add_column(column)
    for one in seen:
        table.add_row(one.name, one.done, one.line)
    plain().print(table if seen else f"Prefect at {url} has no automation that was created here.")
    if not remove:
        _say_the_condition(every)


def _block(call: upkeep.Call, notify: str | None) -> str | None:
    """The block to tell people through: the one that is named, otherwise the one that there is."""
    if notify is None:
        return upkeep.notified(call)
    return None if notify == "none" else upkeep.notification_block(call, notify)


def _heartbeat(*, is_local: bool) -> int:
    if is_local:
        return catalog.HEARTBEAT_SECONDS
    from prefect.settings import get_current_settings  # noqa: PLC0415

    every = get_current_settings().flows.heartbeat_frequency
    if every is None:
        raise InvalidInput(
            "Prefect's settings switch heartbeats off, and without them nobody knows that a run has died",
            source=_VARIABLE,
            remedy=f"Set it, here and for your workers, or run `{PROGRAM} automations --heartbeat-seconds N`.",
        )
    return every


def _say_the_condition(every: int) -> None:
    plain().print(
        f"Workers must send heartbeats at least every {every} s ({_VARIABLE}), else runs that are alive are taken for dead."
    )
