"""Service Usage: which APIs a project has enabled, and that a newly enabled one does not answer at once."""

from __future__ import annotations

import time

from sandbox.google_cloud import errors
from sandbox.google_cloud.calls import Call, Handler, Reply
from sandbox.google_cloud.connections import shown
from sandbox.google_cloud.operations import Operations
from sandbox.google_cloud.project import PROJECT_NUMBER
from sandbox.google_cloud.store import Body, Operation, Store

_FOLDER = "services/"
_ENABLE_SECONDS = 20.0
_PROPAGATION_SECONDS = 60.0
_MOST_ENABLED, _MOST_READ = 20, 30
_ENABLE, _ENABLE_MANY = "serviceusage.services.enable", "serviceusage.services.batchEnable"


class Services:
    """The handlers, by the methods' ids."""

    def __init__(self, store: Store, operations: Operations, clock_factor: float) -> None:
        self._store, self._operations = store, operations
        self._propagation = _PROPAGATION_SECONDS / clock_factor
        self.handlers: dict[str, Handler] = {
            "serviceusage.services.get": self._get,
            "serviceusage.services.list": self._list,
            "serviceusage.services.batchGet": self._batch_get,
            _ENABLE: self._enable,
            _ENABLE_MANY: self._batch_enable,
        }
        operations.register(_ENABLE, self._enabled)
        operations.register(_ENABLE_MANY, self._enabled)

    def refuse_if_disabled(self, api: str) -> None:
        """Refuse a call of an API that is not enabled, or was enabled a moment ago.

        Raises:
            Refusal: 403.
        """
        found = self._store.get(_FOLDER + api)
        if found is None or time.time() < found["answers_from"]:
            raise errors.SERVICE_DISABLED.refusal(api=api, project=PROJECT_NUMBER)

    def _get(self, call: Call) -> Reply:
        return Reply(self._service(call.params["service"]))

    def _list(self, call: Call) -> Reply:
        asked = call.asked("filter")
        if asked not in ("", "state:ENABLED"):
            raise errors.NOT_IMITATED.refusal(what=f"the filter {asked!r}")
        names = [path.removeprefix(_FOLDER) for path in self._store.under(_FOLDER)]
        return Reply({"services": [self._service(name) for name in names]})

    def _batch_get(self, call: Call) -> Reply:
        names = [name.rpartition("/")[2] for name in call.query.get("names", [])]
        self._check_count("names", names, _MOST_READ)
        return Reply({"services": [self._service(name) for name in names]})

    def _enable(self, call: Call) -> Reply:
        return self._begin(_ENABLE, [call.params["service"]])

    def _batch_enable(self, call: Call) -> Reply:
        names = [str(name) for name in call.body.get("serviceIds", [])]
        self._check_count("service_ids", names, _MOST_ENABLED)
        return self._begin(_ENABLE_MANY, names)

    def _begin(self, method: str, names: list[str]) -> Reply:
        for name in names:
            self._service(name)
        new = [name for name in names if self._store.get(_FOLDER + name) is None]
        if not new:
            response = self._response(method, names)
            return Reply({"name": "operations/noop.DONE_OPERATION", "done": True, "response": response})
        operation = self._operations.begin(
            method,
            "services",
            {"names": names},
            _ENABLE_SECONDS,
            prefix=f"operations/acat.p2-{PROJECT_NUMBER}-",
        )
        return Reply(shown(operation), changed=", ".join(new))

    def _enabled(self, operation: Operation) -> Body:
        for name in operation.request["names"]:
            if self._store.get(_FOLDER + name) is None:
                self._store.put(_FOLDER + name, {"answers_from": operation.ends + self._propagation})
        return self._response(operation.method, operation.request["names"])

    def _response(self, method: str, names: list[str]) -> Body:
        kind = "type.googleapis.com/google.api.serviceusage.v1."
        if method == _ENABLE:
            return {"@type": f"{kind}EnableServiceResponse", "service": self._service(names[0])}
        return {
            "@type": f"{kind}BatchEnableServicesResponse",
            "services": [self._service(name) for name in names],
        }

    def _service(self, name: str) -> Body:
        if not name.endswith(".googleapis.com"):
            raise errors.NOT_FOUND.refusal(name=name)
        return {
            "name": f"projects/{PROJECT_NUMBER}/services/{name}",
            "config": {"name": name},
            "state": "ENABLED" if self._store.get(_FOLDER + name) is not None else "DISABLED",
            "parent": f"projects/{PROJECT_NUMBER}",
        }

    def _check_count(self, field: str, names: list[str], most: int) -> None:
        if not 1 <= len(names) <= most:
            raise errors.INVALID.refusal(field=field, value=len(names), problem=f"Accepted: 1 to {most}.")


def put_enabled(store: Store, *apis: str) -> None:
    """Store APIs that are enabled from the start."""
    for api in apis:
        store.put(_FOLDER + api, {"answers_from": 0})
