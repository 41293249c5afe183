"""`elastic rollback`: the alias back to the index before."""

from __future__ import annotations

from prefect import flow

from flows.report import Report, reporting
from flows.slots import holding
from tasks.elastic.indices.aliases import ensure_rollback
from tasks.elastic.settings import ElasticTarget, elastic_settings
from tasks.elastic.specs import Name
from tasks.progress import say
from tasks.waiting import Deadline


@flow(name="elastic rollback", flow_run_name="roll back {name} on {target}")
def roll_back(*, name: Name, target: ElasticTarget, to: str | None = None) -> Report:
    """Let the alias point at the index before again. Done twice, it changes nothing the second time.

    Args:
        name: The alias.
        target: Where: sandbox, or elastic with ELASTIC_URL or ELASTIC_CLOUD_ID and credentials set.
        to: The index to go to. Default: the one that the alias pointed at before.

    Example:
        vector-search elastic rollback --name films --target sandbox
    """
    settings, deadline = elastic_settings(target), Deadline.after(minutes=5)
    with reporting("elastic rollback", name, target) as report, holding("elastic", name, deadline):
        with report.step(f"alias {name}") as step:
            move = ensure_rollback(settings, name, to)
            step.saw(f"points at {move.index}, before at {move.previous or 'nothing'}")
        if not move.changed:
            say("Nothing to do: the alias was rolled back already.")
    return report
