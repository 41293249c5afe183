"""Calls of those Google services that this project has no client library for: a JSON document at an address.

Nothing is retried here: a check reports "unknown" and can be run again, and steps have their own retries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from tasks.calls import NotFound, ServiceRefused, ServiceUnwell
from tasks.vertex.connection.errors import SERVICE, AlreadyExists, calling

LOOK_SECONDS = 10.0
"""The deadline of one read: somebody is watching a check."""
CHANGE_SECONDS = 60.0
"""The deadline of one call that changes something."""
METADATA_SECONDS = 1.0
"""The metadata server answers at once on a Google Cloud machine; elsewhere nothing does."""


@dataclass(frozen=True)
class Addresses:
    """Where the services answer; a test has its own."""

    service_usage: str = "https://serviceusage.googleapis.com"
    service_networking: str = "https://servicenetworking.googleapis.com"
    metadata: str = "http://metadata.google.internal"


GOOGLE = Addresses()
"""Google's own."""


def read_document(
    session: requests.Session, url: str, doing: str, parameters: dict[str, str | list[str]] | None = None
) -> dict[str, Any]:
    """Read a JSON document.

    Raises:
        ServiceRefused: the service answered no (403: the permission or the API itself is missing).
        ServiceUnwell: it did not answer, or not now.
    """
    with calling(doing):
        answer = session.get(url, params=parameters, timeout=LOOK_SECONDS)
    return _document(answer, doing)


def send_document(
    session: requests.Session,
    verb: str,
    url: str,
    doing: str,
    body: dict[str, Any],
    parameters: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Call a method that changes something, and read its answer.

    Raises:
        NotFound, AlreadyExists, ServiceRefused: the service answered no.
        ServiceUnwell: it did not answer, or not now; it may have taken the call.
    """
    with calling(doing):
        answer = session.request(verb, url, json=body, params=parameters, timeout=CHANGE_SECONDS)
    return _document(answer, doing)


def _document(answer: requests.Response, doing: str) -> dict[str, Any]:
    if answer.ok:
        try:
            return answer.json()
        except requests.exceptions.JSONDecodeError as error:
            raise ServiceRefused(doing, service=SERVICE, status="200", said="no JSON") from error
    status = answer.status_code
    said, reason = _said(answer), _reason(answer)
    if status >= 500 or status == 429:
        raise ServiceUnwell(doing, service=SERVICE, status=str(status), said=said)
    kind = {404: NotFound, 409: AlreadyExists}.get(status, ServiceRefused)
    raise kind(doing, service=SERVICE, status=str(status), said=said, type=reason)


def read_machine(addresses: Addresses, path: str) -> str | None:
    """A value of this machine's metadata server, the last part of a resource name; None outside Google Cloud."""
    url = f"{addresses.metadata}/computeMetadata/v1/instance/{path}"
    try:
        answer = requests.get(url, headers={"Metadata-Flavor": "Google"}, timeout=METADATA_SECONDS)
    except requests.exceptions.RequestException:
        return None
    # Other networks answer every name; only the real server sends the header back.
    if not answer.ok or answer.headers.get("Metadata-Flavor") != "Google":
        return None
    return answer.text.rsplit("/", 1)[-1]


def _said(answer: requests.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason


def _reason(answer: requests.Response) -> str:
    """The reason in google.rpc.ErrorInfo (`SERVICE_DISABLED`), if the answer has one."""
    try:
        details: list[dict[str, Any]] = answer.json()["error"]["details"]
        return next(str(one["reason"]) for one in details if "reason" in one)
    except (ValueError, KeyError, TypeError, StopIteration):
        return ""
