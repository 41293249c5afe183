"""Compute Engine, as far as networks go: networks, firewall rules, addresses, forwarding rules, their operations."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial

from sandbox.google_cloud import errors
from sandbox.google_cloud.calls import Call, Handler, Reply
from sandbox.google_cloud.connections import Producers, peerings
from sandbox.google_cloud.names import check_name, full, path_of, url
from sandbox.google_cloud.operations import Operations
from sandbox.google_cloud.project import PROJECT_NUMBER
from sandbox.google_cloud.resources import KINDS, subnetwork_of, users
from sandbox.google_cloud.store import Body, Operation, Store

API = "compute.googleapis.com"
_PREFIX = "operation-"
_LONGEST_WAIT = 120.0
_PATCHED = ("firewalls",)
_ACCEPTANCE_SECONDS = 15.0
"""How long a connection through Private Service Connect is PENDING, nominal."""
_ACCEPTED_FROM = "accepted_from"


class Compute:
    """The handlers, by the methods' ids."""

    def __init__(self, store: Store, operations: Operations, producers: Producers) -> None:
        self._store, self._operations, self._producers = store, operations, producers
        self.handlers: dict[str, Handler] = {}
        for kind in KINDS:
            changing = () if kind == "subnetworks" else ("insert", "delete")
            patching = ("patch",) if kind in _PATCHED else ()
            for verb in ("get", "list", *changing, *patching):
                method = f"compute.{kind}.{verb}"
                self.handlers[method] = partial(getattr(self, f"_{verb}"), kind, method)
            for verb in (*changing, *patching):
                operations.register(f"compute.{kind}.{verb}", partial(getattr(self, f"_{verb}_ended"), kind))
        for scope in ("globalOperations", "regionOperations"):
            self.handlers[f"compute.{scope}.get"] = self._get_operation
            self.handlers[f"compute.{scope}.wait"] = self._get_operation
            self.handlers[f"compute.{scope}.list"] = self._list_operations

    def _get(self, kind: str, _method: str, call: Call) -> Reply:
        path = _path(kind, call)
        return Reply(self._shown(kind, path, self._there(path)))

    def _list(self, kind: str, method: str, call: Call) -> Reply:
        for asked in ("filter", "orderBy", "pageToken"):
            if call.asked(asked):
                raise errors.NOT_IMITATED.refusal(what=f"{method} with {asked}")
        found = self._store.under(_folder(kind, call))
        items = [self._shown(kind, path, body) for path, body in found.items()]
        return Reply({"kind": f"compute#{KINDS[kind].noun}List", "items": items} if items else {})

    def _insert(self, kind: str, method: str, call: Call) -> Reply:
        body = dict(call.body)
        self._check_fields(kind, body)
        path = _folder(kind, call) + check_name(body.get("name"))
        if again := self._operations.repeated(call.asked("requestId")):
            return Reply(shown(again))
        if self._store.get(path) is not None or self._operations.unfinished(path):
            raise errors.ALREADY_EXISTS.refusal(name=full(path))
        KINDS[kind].prepare(self._store, body)
        return self._begin(kind, method, path, body, call)

    def _patch(self, kind: str, method: str, call: Call) -> Reply:
        path, body = _path(kind, call), dict(call.body)
        there = self._there(path)
        self._check_fields(kind, body)
        if again := self._operations.repeated(call.asked("requestId")):
            return Reply(shown(again))
        self._refuse_if_changing(path)
        merged = {name: there[name] for name in KINDS[kind].fields if name in there} | body
        KINDS[kind].prepare(self._store, merged)
        return self._begin(kind, method, path, there | merged, call)

    def _delete(self, kind: str, method: str, call: Call) -> Reply:
        path = _path(kind, call)
        if again := self._operations.repeated(call.asked("requestId")):
            return Reply(shown(again))
        self._there(path)
        self._refuse_if_changing(path)
        self._refuse_if_used(kind, path)
        return self._begin(kind, method, path, {}, call)

    def _begin(self, kind: str, method: str, path: str, request: Body, call: Call) -> Reply:
        operation = self._operations.begin(
            method, path, request, KINDS[kind].seconds, prefix=_PREFIX, request_id=call.asked("requestId")
        )
        return Reply(shown(operation), changed=full(path))

    # What operations do.

    def _insert_ended(self, kind: str, operation: Operation) -> Body:
        path, body = operation.target, operation.request
        made = {
            "kind": f"compute#{KINDS[kind].noun}",
            "id": operation.id.removeprefix(_PREFIX),
            "creationTimestamp": _timestamp(operation.ends),
            "selfLink": url(path),
            **body,
        }
        if path.startswith("regions/"):
            made["region"] = url("/".join(path.split("/")[:2]))
        if kind == "forwardingRules":
            made["pscConnectionId"] = operation.id.removeprefix(_PREFIX)
            made[_ACCEPTED_FROM] = operation.ends + self._operations.seconds(_ACCEPTANCE_SECONDS)
            self._producers.connect(str(body["target"]), str(body["IPAddress"]))
            self._mark_address(str(body["IPAddress"]), "IN_USE")
        self._store.put(path, made)
        if kind == "networks" and body["autoCreateSubnetworks"]:
            self._store.put(*subnetwork_of(str(body["name"])))
        return {}

    def _patch_ended(self, _kind: str, operation: Operation) -> Body:
        self._store.put(operation.target, operation.request)
        return {}

    def _delete_ended(self, kind: str, operation: Operation) -> Body:
        self._refuse_if_used(kind, operation.target)
        there = self._there(operation.target)
        if kind == "forwardingRules":
            self._producers.disconnect(str(there["target"]), str(there["IPAddress"]))
            self._mark_address(str(there["IPAddress"]), "RESERVED")
        if kind == "networks":
            self._store.delete(subnetwork_of(str(there["name"]))[0])
        self._store.delete(operation.target)
        return {}

    def _mark_address(self, address: str, status: str) -> None:
        for path, body in self._store.under("regions/").items():
            if "/addresses/" in path and body["address"] == address:
                self._store.put(path, body | {"status": status})

    def connect_again(self) -> None:
        """After a restart: answer at the addresses of the forwarding rules."""
        for path, body in self._store.under("regions/").items():
            if "/forwardingRules/" in path:
                self._producers.connect(str(body["target"]), str(body["IPAddress"]))

    # What is looked at.

    def _there(self, path: str) -> Body:
        found = self._store.get(path)
        if found is None:
            raise errors.NOT_FOUND.refusal(name=full(path))
        return found

    def _shown(self, kind: str, path: str, body: Body) -> Body:
        if kind == "forwardingRules":
            waits = time.time() < float(str(body[_ACCEPTED_FROM]))
            status = "PENDING" if waits else self._producers.status(str(body["target"]))
            body = {name: value for name, value in body.items() if name != _ACCEPTED_FROM}
            return body | {"pscConnectionStatus": status}
        if kind != "networks":
            return body
        subnetwork, _ = subnetwork_of(str(body["name"]))
        shown_too = {"subnetworks": [url(subnetwork)]} if self._store.get(subnetwork) else {}
        found = peerings(self._store, path)
        return body | shown_too | ({"peerings": found} if found else {})

    def _check_fields(self, kind: str, body: Body) -> None:
        unknown = sorted(set(body) - KINDS[kind].fields - {"kind", "id", "selfLink", "creationTimestamp"})
        if unknown:
            raise errors.NOT_IMITATED.refusal(what=f"{', '.join(unknown)} of a {KINDS[kind].noun}")

    def _refuse_if_changing(self, path: str) -> None:
        if self._operations.unfinished(path):
            raise errors.NOT_READY.refusal(name=full(path))

    def _refuse_if_used(self, kind: str, path: str) -> None:
        there, users_of = self._there(path), users(self._store, path)
        if kind == "addresses" and there["status"] == "IN_USE":
            rules = self._store.under(path.partition("/addresses/")[0] + "/forwardingRules/")
            users_of += [rule for rule, body in rules.items() if body["IPAddress"] == there["address"]]
        if kind == "networks" and peerings(self._store, path):
            users_of.append(f"{path}/networkPeerings/{peerings(self._store, path)[0]['name']}")
        if users_of:
            noun = KINDS[kind].noun
            raise errors.IN_USE.refusal(kind=noun, name=full(path), user=full(users_of[0]))

    def _get_operation(self, call: Call) -> Reply:
        found = self._operations.find(call.params["operation"])
        if found is None:
            raise errors.NOT_FOUND.refusal(name=full(f"global/operations/{call.params['operation']}"))
        return Reply(shown(found))

    def _list_operations(self, call: Call) -> Reply:
        if (asked := call.asked("filter")) not in ("", 'status != "DONE"', "status != DONE"):
            raise errors.NOT_IMITATED.refusal(what=f"a listing of operations with the filter {asked!r}")
        scope = f"regions/{call.params['region']}/" if "region" in call.params else "global/"
        found = self._store.operations(
            "substr(target, 1, ?) = ? AND id LIKE 'operation-%' AND done <= ?", len(scope), scope, not asked
        )
        return Reply({"kind": "compute#operationList", "items": [shown(each) for each in found]})


def _folder(kind: str, call: Call) -> str:
    scope = f"regions/{call.params['region']}" if "region" in call.params else "global"
    return f"{scope}/{KINDS[kind].collection}/"


def _path(kind: str, call: Call) -> str:
    return path_of(_folder(kind, call) + call.params["name"], "resource")


def shown(operation: Operation) -> Body:
    """An operation of Compute Engine as clients see it. DONE does not mean success: `error` says."""
    now = time.time()
    scope, _, _ = operation.target.rpartition("/")
    where = "/".join(scope.split("/")[:2]) if scope.startswith("regions/") else "global"
    begun = now > operation.started + min(1.0, operation.seconds / 4)
    found: Body = {
        "kind": "compute#operation",
        "id": operation.id.removeprefix(_PREFIX),
        "name": operation.id,
        "operationType": operation.method.rpartition(".")[2],
        "targetLink": url(operation.target),
        "status": "DONE" if operation.done else ("RUNNING" if begun else "PENDING"),
        "progress": 100 if operation.done else 0,
        "user": f"{PROJECT_NUMBER}-compute@developer.gserviceaccount.com",
        "insertTime": _timestamp(operation.started),
        "startTime": _timestamp(operation.started),
        "selfLink": url(f"{where}/operations/{operation.id}"),
    }
    if where != "global":
        found["region"] = url(where)
    if operation.done:
        found["endTime"] = _timestamp(now if operation.ends == float("inf") else operation.ends)
    if operation.done and operation.error:
        code = str(operation.error["reason"])
        upper = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in code)
        found["error"] = {"errors": [{"code": upper, "message": operation.error["message"]}]}
        found["httpErrorStatusCode"] = operation.error["status"]
        found["httpErrorMessage"] = code
    return found


def _timestamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
