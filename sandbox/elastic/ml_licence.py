"""Whether the licence allows machine learning, and the refusal of what it does not allow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sandbox.elastic import errors_ml
from sandbox.elastic.cluster import Cluster
from sandbox.elastic.exchange import Reply, Request
from sandbox.elastic.routing import Handler, Route


def require(cluster: Cluster) -> None:
    """Go on only with a licence for machine learning.

    Raises:
        Refusal: there is none.
    """
    if cluster.options.licence == "basic":
        raise errors_ml.NO_LICENCE(metadata={"license.expired.feature": "ml"})


def licensed(routes: Iterable[Route]) -> tuple[Route, ...]:
    """The same routes, each refused without the licence."""
    return tuple(replace(route, handler=_guarded(route.handler)) for route in routes)


def _guarded(handler: Handler) -> Handler:
    def handle(cluster: Cluster, request: Request) -> Reply | dict[str, object]:
        require(cluster)
        return handler(cluster, request)

    return handle
