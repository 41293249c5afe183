"""The stand-ins, one line each. Whatever serves all of them reads this list and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.databricks.service import DATABRICKS
from sandbox.elastic.service import ELASTIC
from sandbox.model_server.service import MODEL_SERVER
from sandbox.service import Service
from sandbox.vertex.service import VERTEX

SERVICES: tuple[Service[Any], ...] = (
    VERTEX,
    ELASTIC,
    DATABRICKS,
    MODEL_SERVER,
)

Chosen = Mapping[str, Any]
"""The options of each service that runs, by the service's name."""


def chosen(options: Iterable[object]) -> Chosen:
    """The services that these options belong to; without any, all services with their defaults.

    Raises:
        TypeError: options of no service.
    """
    given = tuple(options)
    unknown = [each for each in given if type(each) not in {service.options for service in SERVICES}]
    if unknown:
        raise TypeError(f"{unknown[0]!r} are the options of no service.")
    if not given:
        return {service.name: service.options() for service in SERVICES}
    return {service.name: each for service in SERVICES for each in given if type(each) is service.options}
