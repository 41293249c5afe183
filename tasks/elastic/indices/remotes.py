"""Documents in another cluster, which the cluster itself reads by a reindex from remote: what it is told, and whether it may.

Elasticsearch reads only from hosts that `reindex.remote.whitelist` in elasticsearch.yml names, and from one host with its port
(https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-reindex). What it is not allowed, or cannot reach, it would say in
the result of a task; so it is asked first, by a reindex that copies nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tasks.calls import ServiceRefused, ServiceUnwell
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput, PermanentError
from tasks.steps import step

_PORTS = {"http": 80, "https": 443}
_SECONDS = 90.0
"""The cluster itself waits 30 s for a connection, and 30 s for an answer."""


class RemoteNotRead(PermanentError):
    """The cluster cannot read the other one."""

    def __init__(self, remote: str, source: str, *, said: str) -> None:
        self.remote, self.source, self.said = remote, source, said
        host = remote.partition("://")[2].partition("/")[0]
        super().__init__(
            f"The cluster cannot read {source!r} of {remote}: {said}. Nothing was created. If the host is not on the list, add "
            f"`reindex.remote.whitelist: {host}` to elasticsearch.yml of every node and restart them (on Elastic Cloud: user settings). "
            "Otherwise: the cluster must reach this address from its own network, trust its certificate (`reindex.ssl.*`), and "
            "ELASTIC_REMOTE_API_KEY, or ELASTIC_REMOTE_USERNAME and _PASSWORD, must be valid there."
        )


def address_of(remote: ElasticSettings) -> str:
    """The address of another cluster as a reindex names it: scheme, host, port and a path prefix.

    Raises:
        InvalidInput: it is not one address.
    """
    if len(remote.addresses) != 1:
        raise InvalidInput(
            "A reindex reads from one address",
            value=remote.url or remote.cloud_id,
            source="ELASTIC_REMOTE_URL, ELASTIC_REMOTE_CLOUD_ID",
            accepted="ELASTIC_REMOTE_URL=https://old.example.org:9200",
        )
    found = urlsplit(remote.addresses[0])
    host = f"[{found.hostname}]" if ":" in (found.hostname or "") else found.hostname
    return f"{found.scheme.lower()}://{host}:{found.port or _PORTS[found.scheme.lower()]}{found.path.rstrip('/')}"


def remote_source(remote: ElasticSettings) -> dict[str, Any]:
    """What a reindex is told of another cluster: its address and the credentials for it.

    A task shows neither: its description has the host, and hides the password (RemoteInfo.java).
    """
    told: dict[str, Any] = {"host": address_of(remote)}
    if remote.api_key is not None:
        told["headers"] = {"Authorization": f"ApiKey {remote.api_key.get_secret_value()}"}
    if remote.username is not None and remote.password is not None:
        told |= {"username": remote.username, "password": remote.password.get_secret_value()}
    return told


@contextmanager
def of_the_other_cluster() -> Generator[None]:
    """Name the settings of the other cluster, where its refusal of credentials or a certificate names those of the target's."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(
            error.what,
            value=error.value,
            source=error.source,
            accepted=error.accepted,
            remedy=error.remedy.replace("ELASTIC_", "ELASTIC_REMOTE_"),
        ) from error


@step("see whether the cluster can read {source} of the other one")
def verify_remote(settings: ElasticSettings, remote: ElasticSettings, source: str, dest: str) -> None:
    """Let the cluster look at the source, by a reindex of no document into an index that is not made by it.

    Args:
        settings: the target, which reads.
        remote: the other cluster.
        source: its indices.
        dest: a name that no index has.

    Raises:
        RemoteNotRead: it may not or cannot.
    """
    client = connect(settings).options(request_timeout=_SECONDS)
    body = {"remote": remote_source(remote), "index": source.split(","), "query": {"match_none": {}}}
    try:
        with calling(f"read {source} of the other cluster"):
            client.reindex(source=body, dest={"index": dest}, wait_for_completion=True)
    except (ServiceRefused, ServiceUnwell) as error:
        if not error.status:  # no answer of the target's own cluster, which is asked again
            raise
        raise RemoteNotRead(address_of(remote), source, said=error.said) from error
    except InvalidInput as error:  # 401, of the other cluster: this one has just answered
        raise RemoteNotRead(address_of(remote), source, said="the credentials are not accepted") from error
