"""Every automation that we keep in a Prefect server, as plain data: another one is another entry in `automations`.

Only runs of our flows' deployments count. One that somebody started from a terminal is found dead, but not started again: it ends
with its terminal, and has no work queue (`flows/running/deployed.py`). Trigger and action are those of Prefect's REST
API, `POST /automations/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flows import engines
from flows.running.terminals import TERMINAL
from flows.sweeping.events import SWEPT, SWEPT_TARGET

HEARTBEAT_SECONDS = 30
"""How often a run of the local stack's worker says that it is alive: Prefect's minimum; its default is 180."""
MISSED_HEARTBEATS = 3
"""After how many a run counts as dead. A busy machine delays one, seldom two."""
RESTARTS = 3
"""How often one run is started again. A run that dies each time, for want of memory, must come to an end."""

_EVENT = "prefect.flow-run."
_ENDS = ("Completed", "Failed", "TimedOut", "Cancelled", "Crashed", "Suspended", "Paused")
"""After these states nobody expects a heartbeat. AwaitingRetry is none of them: a run can die while it waits."""
_OF_A_WORKER = {"prefect.resource.role": "work-queue"}
"""What runs of a worker have and those of a terminal have not: who started one there sees how it ends."""
_OF_A_TERMINAL = {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TERMINAL}"}
_AT_ONCE = {"posture": "Reactive", "threshold": 1, "within": 0}


@dataclass(frozen=True)
class Automation:
    """One automation; its name is how it is found again, so that a new name is a new automation."""

    name: str
    line: str
    """What it does, for people."""
    trigger: Mapping[str, Any]
    actions: tuple[Mapping[str, Any], ...]


def automations(
    heartbeat_seconds: int = HEARTBEAT_SECONDS, *, notify: str | None = None
) -> tuple[Automation, ...]:
    """Those that we keep.

    Args:
        heartbeat_seconds: PREFECT_FLOWS_HEARTBEAT_FREQUENCY of the workers; of the slowest, if they differ.
        notify: the id of the block through which people are told; None for nobody.
    """
    kept = (_dead_runs(MISSED_HEARTBEATS * heartbeat_seconds), _restarts(), _retries_of_a_terminal())
    return kept if notify is None else (*kept, _failed(notify), _late(notify), _swept(notify))


def _dead_runs(seconds: int) -> Automation:
    """Prefect's documented detection of zombies, https://docs.prefect.io/v3/advanced/detect-zombie-flows."""
    heartbeat = f"{_EVENT}heartbeat"
    return Automation(
        name="vector-search: dead runs",
        line=f"A run that has sent no heartbeat for {seconds} s is Crashed: its process or its machine is gone.",
        trigger=_of_our_runs({}, after=[heartbeat], expect=[heartbeat, *(f"{_EVENT}{end}" for end in _ENDS)])
        | {"posture": "Proactive", "threshold": 1, "within": seconds},
        actions=(
            {
                "type": "change-flow-run-state",
                "state": "CRASHED",
                "message": f"No heartbeat for {seconds} s: the process of this run or its machine is gone.",
            },
        ),
    )


def _restarts() -> Automation:
    """The same run again, so that its parameters, its name and its count of starts stay with it.

    The limit lies in the count of starts, which Prefect puts into the event; 0 is a run that never reached our code.
    """
    starts = [str(count) for count in range(1, RESTARTS + 1)]
    return Automation(
        name="vector-search: restarts",
        line=f"A Crashed run is started again, {RESTARTS} times at most; it resumes from what the service has.",
        trigger=_of_our_runs(
            {"prefect.run-count": starts}, _OF_A_WORKER, after=[], expect=[f"{_EVENT}Crashed"]
        )
        | _AT_ONCE,
        actions=(
            {
                "type": "change-flow-run-state",
                "state": "SCHEDULED",
                "name": "AwaitingRetry",
                "message": "Started again after a crash; it resumes from what the service has.",
            },
        ),
    )


def _retries_of_a_terminal() -> Automation:
    """Retry in the UI schedules the run again, but without a queue no worker ever takes it: it would wait for ever, late."""
    return Automation(
        name="vector-search: terminal retries",
        line="Retry of a run that a terminal started is Cancelled, with what to do instead: no worker has its files.",
        trigger=_of_our_runs({}, _OF_A_TERMINAL, after=[], expect=[f"{_EVENT}AwaitingRetry"]) | _AT_ONCE,
        actions=(
            {
                "type": "change-flow-run-state",
                "state": "CANCELLED",
                "message": "A run that a terminal started cannot be retried here: no worker has the terminal's files and settings. "
                "Run its command again there, which resumes from what the service has, or start a run of the deployment.",
            },
        ),
    )


def _failed(block: str) -> Automation:
    """A gate that is not met fails its run, and is the message of its state, with the number measured."""
    ends = ("Failed", "Crashed", "TimedOut")
    return Automation(
        name="vector-search: failed runs",
        line="A worker's run that fails or crashes is reported: a gate that is not met, a nightly check, a build.",
        trigger=_of_our_runs({}, _OF_A_WORKER, after=[], expect=[f"{_EVENT}{end}" for end in ends])
        | _AT_ONCE,
        actions=(
            _notification(
                block, "{{ flow_run.name }}: {{ flow_run.state.name }}", "{{ flow_run.state.message }}"
            ),
        ),
    )


def _late(block: str) -> Automation:
    """Prefect calls a run late that should have begun 15 s ago (PREFECT_API_SERVICES_LATE_RUNS_AFTER_SECONDS)."""
    return Automation(
        name="vector-search: late runs",
        line="A run that no worker has begun in time is reported: a nightly check that does not run finds nothing.",
        trigger=_of_our_runs({}, after=[], expect=[f"{_EVENT}Late"]) | _AT_ONCE,
        actions=(
            _notification(
                block,
                "{{ deployment.name }} is late",
                "No worker has begun the run {{ flow_run.name }}. Is one running?",
            ),
        ),
    )


def _swept(block: str) -> Automation:
    return Automation(
        name="vector-search: sweeps that found something",
        line="What a scheduled sweep finds idle or expired is reported, with its cost a day.",
        trigger={
            "type": "event",
            "match": {"prefect.resource.id": f"{SWEPT_TARGET}*"},
            "match_related": [_OF_A_WORKER],
            "for_each": ["prefect.resource.id"],
            "after": [],
            "expect": [SWEPT],
        }
        | _AT_ONCE,
        actions=(_notification(block, "To sweep on {{ event.resource.name }}", "{{ event.payload.found }}"),),
    )


def _notification(block: str, subject: str, body: str) -> Mapping[str, Any]:
    """Templates are Prefect's: https://docs.prefect.io/v3/concepts/event-triggers#templating."""
    link = "{% if flow_run %}\n\n{{ flow_run|ui_url }}{% endif %}"
    return {
        "type": "send-notification",
        "block_document_id": block,
        "subject": subject,
        "body": f"{body}{link}",
    }


def _of_our_runs(
    labels: Mapping[str, Any], *related: Mapping[str, Any], after: list[str], expect: list[str]
) -> dict[str, Any]:
    """An event of a run of one of our flows that has a deployment; each run is watched by itself.

    Args:
        labels: of the run.
        related: what else it has.
        after: events that begin the watch.
        expect: events that end it, or that are waited for.
    """
    flows = [f"{engine.name} {entry.name}" for engine in engines.ENGINES for entry in engine.flows] + [
        "sweep"
    ]
    return {
        "type": "event",
        "match": {"prefect.resource.id": f"{_EVENT}*", **labels},
        "match_related": [
            {"prefect.resource.role": "flow", "prefect.resource.name": flows},
            {"prefect.resource.role": "deployment"},
            *map(dict, related),
        ],
        "for_each": ["prefect.resource.id"],
        "after": after,
        "expect": expect,
    }
