"""How each method is called: its id, the HTTP verb and the path, as Google's discovery documents have them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.google_cloud import errors

_GLOBAL = "/compute/v1/projects/{project}/global"
_REGION = "/compute/v1/projects/{project}/regions/{region}"
_CONNECTIONS = "/v1/services/servicenetworking.googleapis.com/connections"
_SERVICES = "/v1/projects/{project}/services"


def _collection(id_: str, path: str, verbs: str) -> str:
    """The lines of a collection."""
    calls = {
        "delete": ("DELETE", "/{name}"),
        "get": ("GET", "/{name}"),
        "insert": ("POST", ""),
        "list": ("GET", ""),
        "patch": ("PATCH", "/{name}"),
        "setLabels": ("POST", "/{name}/setLabels"),
        "setTarget": ("POST", "/{name}/setTarget"),
        "addPeering": ("POST", "/{name}/addPeering"),
        "removePeering": ("POST", "/{name}/removePeering"),
        "switchToCustomMode": ("POST", "/{name}/switchToCustomMode"),
        "update": ("PUT", "/{name}"),
    }
    return "".join(f"{id_}.{verb} {calls[verb][0]} {path}{calls[verb][1]}\n" for verb in verbs.split())


_METHODS = (
    _collection(
        "compute.networks", f"{_GLOBAL}/networks",
        "delete get insert list patch addPeering removePeering switchToCustomMode",
    )
    + _collection("compute.firewalls", f"{_GLOBAL}/firewalls", "delete get insert list patch update")
    + _collection("compute.globalAddresses", f"{_GLOBAL}/addresses", "delete get insert list setLabels")
    + _collection("compute.addresses", f"{_REGION}/addresses", "delete get insert list setLabels")
    + _collection("compute.forwardingRules", f"{_REGION}/forwardingRules", "delete get insert list patch setLabels setTarget")
    + _collection("compute.subnetworks", f"{_REGION}/subnetworks", "delete get insert list patch")
    + "".join(
        f"compute.{scope}.get GET {path}/operations/{{operation}}\n"
        f"compute.{scope}.wait POST {path}/operations/{{operation}}/wait\n"
        f"compute.{scope}.list GET {path}/operations\n"
        f"compute.{scope}.delete DELETE {path}/operations/{{operation}}\n"
        for scope, path in (("globalOperations", _GLOBAL), ("regionOperations", _REGION))
    )
    + f"servicenetworking.services.connections.create POST {_CONNECTIONS}\n"
    f"servicenetworking.services.connections.list GET {_CONNECTIONS}\n"
    f"servicenetworking.services.connections.patch PATCH {_CONNECTIONS}/{{connection}}\n"
    f"servicenetworking.services.connections.deleteConnection POST {_CONNECTIONS}/{{connection}}\n"
    f"serviceusage.services.get GET {_SERVICES}/{{service}}\n"
    f"serviceusage.services.list GET {_SERVICES}\n"
    f"serviceusage.services.batchGet GET {_SERVICES}:batchGet\n"
    f"serviceusage.services.batchEnable POST {_SERVICES}:batchEnable\n"
    f"serviceusage.services.enable POST {_SERVICES}/{{service}}:enable\n"
    f"serviceusage.services.disable POST {_SERVICES}/{{service}}:disable\n"
    "operations.get GET /v1/operations/{operation}\n"
)  # fmt: skip
"""Of Compute Engine, the collections that are imitated at all."""


@dataclass(frozen=True)
class Method:
    """One method."""

    id: str
    """Faults and the write log use it too. The operations of the other two APIs are one: `operations.get`."""
    verb: str
    path: re.Pattern[str]

    @property
    def api(self) -> str:
        """The API's name: `compute.googleapis.com`."""
        return f"{self.id.partition('.')[0]}.googleapis.com"


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/:]+)", re.escape(path)))


METHODS = tuple(
    Method(id_, verb, _pattern(path)) for id_, verb, path in (line.split() for line in _METHODS.splitlines())
)


def find(verb: str, path: str) -> tuple[Method, dict[str, str]]:
    """The method that a request calls, and the parameters in its path.

    Raises:
        Refusal: there is none.
    """
    for method in METHODS:
        if method.verb == verb and (found := method.path.fullmatch(path)):
            return method, {name: unquote(value) for name, value in found.groupdict().items()}
    raise errors.UNKNOWN_PATH.refusal(verb=verb, path=path)
