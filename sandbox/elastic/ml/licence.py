"""Whether the licence allows machine learning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.elastic.ml import errors as ml_errors
from sandbox.elastic.options import Licence
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route

_LICENSED = (
    "ml.put_trained_model",
    "ml.put_trained_model_definition_part",
    "ml.put_trained_model_vocabulary",
    "ml.put_trained_model_alias",
    "ml.start_trained_model_deployment",
    "ml.update_trained_model_deployment",
    "ml.infer_trained_model",
)


class MachineLearningLicence:
    """The licence, as far as machine learning is concerned."""

    def __init__(self, kind: Licence) -> None:
        self._kind = kind

    def require(self) -> None:
        """Refuse to go on without a licence for machine learning.

        Raises:
            Refusal: there is none.
        """
        if self._kind == "basic":
            raise ml_errors.NO_LICENCE.refusal(metadata={"license.expired.feature": "ml"})

    def guarded(self, route: Route) -> Route:
        """The route, refused without the licence if it needs it. Getting, stopping and deleting do not need it."""
        if route.api not in _LICENSED:
            return route

        def handle(request: Request) -> Reply | dict[str, Any]:
            self.require()
            return route.handler(request)

        return replace(route, handler=handle)
