"""Reads of those Google services that this project has no client library for: a JSON document at an address.

Nothing is written and nothing is retried: a check reports "unknown" and can be run again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from tasks.calls import ServiceRefused, ServiceUnwell
from tasks.vertex.connection.errors import SERVICE, calling

LOOK_SECONDS = 10.0
"""The deadline of one read: somebody is watching a check."""
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
    if answer.ok:
        try:
            return answer.json()
        except requests.exceptions.JSONDecodeError as error:
            raise ServiceRefused(doing, service=SERVICE, status="200", said="no JSON") from error
    kind = ServiceUnwell if answer.status_code >= 500 or answer.status_code == 429 else ServiceRefused
    raise kind(doing, service=SERVICE, status=str(answer.status_code), said=_said(answer))


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
