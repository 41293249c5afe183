"""The official client of one target, built once per process.

Steps take settings and build nothing themselves: clients as task arguments cannot be hashed or shown, settings can. The
client's own retries are off, because they do not pause, and a repeated `_start` or `_reindex` does harm. A step is retried
as a whole, and first reads what is there.
"""

from __future__ import annotations

import logging
import ssl
import warnings
from base64 import b64encode
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from elasticsearch import Elasticsearch
from elasticsearch.exceptions import GeneralAvailabilityWarning
from elasticsearch.serializer import CompatibilityModeJsonSerializer, JsonSerializer

from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput
from tasks.exact_json import unrounded
from tasks.lines import check_file
from tasks.progress import say

CALL_SECONDS = 60.0
"""How long one call may take; calls that run inference set their own."""

# The task API has been a technical preview for ten years; our users can do nothing about it.
warnings.filterwarnings("ignore", category=GeneralAvailabilityWarning, module=r"tasks\.elastic\.")
# Whoever asks with text_expansion chose it by name.
warnings.filterwarnings("ignore", message="text_expansion is deprecated", module=r"tasks\.elastic\.")
# It warns that the only node failed; the step that called reports it better.
logging.getLogger("elastic_transport.node_pool").setLevel(logging.ERROR)


def _warn_of_plain_text(settings: ElasticSettings) -> None:
    """Say that everybody on the way can read the credentials."""
    has_credentials = settings.api_key is not None or settings.password is not None
    plain = [url for url in settings.addresses if url.lower().startswith("http://")]
    if has_credentials and not all(_is_loopback(urlsplit(url).hostname or "") for url in plain):
        say(
            "ELASTIC_URL begins with http://, so the credentials cross the network unencrypted. Use https:// where the "
            "cluster speaks TLS.",
            level=logging.WARNING,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@cache
def connect(settings: ElasticSettings) -> Elasticsearch:
    """The client of these settings, the same one every time in this process.

    Raises:
        InvalidInput: the address is invalid, or the file holds no certificate authority.
    """
    return _connected(settings)


@cache
def connect_unrounded(settings: ElasticSettings) -> Elasticsearch:
    """A client that rounds no number of a document: those beyond 64 bits and doubles are `exact_json.Numeral`s.

    Raises:
        InvalidInput: as `connect`.
    """
    serializers = (_Unrounded(), _UnroundedCompatible())
    return _connected(settings, serializers={each.mimetype: each for each in serializers})


class _Unrounded(JsonSerializer):
    def json_loads(self, data: str | bytes) -> Any:
        return unrounded(data.encode() if isinstance(data, str) else data)


class _UnroundedCompatible(CompatibilityModeJsonSerializer):
    json_loads = _Unrounded.json_loads


def _connected(settings: ElasticSettings, **more: Any) -> Elasticsearch:
    _warn_of_plain_text(settings)
    where: dict[str, Any] = (
        {"cloud_id": settings.cloud_id} if settings.cloud_id else {"hosts": list(settings.addresses)}
    )
    if settings.api_key is not None:
        where["api_key"] = settings.api_key.get_secret_value()
    if settings.username is not None and settings.password is not None:
        # Encoded here: the client takes only ASCII.
        both = f"{settings.username}:{settings.password.get_secret_value()}"
        where["basic_auth"] = b64encode(both.encode()).decode()
    if settings.ca_file is not None:
        where["ca_certs"] = str(_authority(settings.ca_file))
    if settings.ca_fingerprint is not None:
        where["ssl_assert_fingerprint"] = settings.ca_fingerprint
    try:
        return Elasticsearch(
            **where, **more, request_timeout=CALL_SECONDS, max_retries=0, retry_on_timeout=False
        )
    except ValueError as error:
        raise InvalidInput(
            "Not an address",
            value=settings.url,
            source="ELASTIC_URL",
            accepted="https://search.example.org:9200",
        ) from error


def _authority(file: Path) -> Path:
    """A file that holds a certificate authority; the client itself would notice only at the first call."""
    check_file(file, source="ELASTIC_CA_FILE")
    try:
        ssl.create_default_context(cafile=file)
    except OSError as error:  # ssl.SSLError is one too
        raise InvalidInput(
            f"No certificate authority can be read from this file ({error.strerror or error})",
            value=str(file),
            source="ELASTIC_CA_FILE",
            accepted="certificates in PEM",
        ) from error
    return file
