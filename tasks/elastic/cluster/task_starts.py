"""The start of a task in the cluster whose reply may be lost or late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from elastic_transport import ConnectionTimeout
from elasticsearch import Elasticsearch

from tasks.elastic.cluster.reindex_tasks import find_task
from tasks.elastic.cluster.serverless import is_serverless
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings
from tasks.waiting import came_late


def started(
    settings: ElasticSettings, opaque_id: str, doing: str, start: Callable[[Elasticsearch], Any]
) -> str:
    """Start a task and return it, or the one of a start that was given up and is carried out late.

    The client never retries a start, and the step does only after that: two tasks would embed every document twice.

    Args:
        settings: the target.
        opaque_id: by which the task is found again; none with it runs yet.
        doing: completes "Could not ...".
        start: makes the call.
    """
    with calling(doing):
        try:
            return start(connect(settings).options(opaque_id=opaque_id))["task"]
        except ConnectionTimeout:
            if (late := _late_task(settings, opaque_id)) is None:
                raise
            return late


def _late_task(settings: ElasticSettings, opaque_id: str) -> str | None:
    if is_serverless(settings):
        return None
    return came_late("see whether a task began after all", lambda: find_task(settings, [opaque_id]))
