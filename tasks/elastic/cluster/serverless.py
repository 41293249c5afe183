"""Elastic Cloud Serverless: what a project does not have, because its nodes and shards are Elastic's, and what to use instead.

A project says in `GET /` what it is, and always the same version number, while it has the newest features. APIs of nodes, shards,
statistics and tasks answer 410 there, settings of shards and replicas 400.
"""

from __future__ import annotations

from functools import cache

from tasks.calls import ServiceRefused
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings
from tasks.errors import PermanentError
from tasks.program import command
from tasks.steps import step

FLAVOUR = "serverless"
_FORBIDDEN = 403


class NotOnServerless(PermanentError):
    """A flow needs what a serverless project does not have."""

    def __init__(self, what: str, *, needs: str, remedy: str) -> None:
        self.what, self.needs = what, needs
        super().__init__(
            f"{what} is not possible in a serverless project: it needs {needs}, which Elastic manages there. {remedy}"
        )


@cache
def is_serverless(settings: ElasticSettings) -> bool:
    """Whether the target is a project of Elastic Cloud Serverless; asked once per process, since it never changes.

    A key that may not read the version (cluster privilege monitor) is taken for one of a cluster.

    Raises:
        ServiceUnwell, ServiceRefused: it cannot be read for another reason.
    """
    try:
        with calling("read the version"):
            return connect(settings).info()["version"].get("build_flavor") == FLAVOUR
    except ServiceRefused as error:
        if error.status == _FORBIDDEN:
            return False
        raise


@step("see whether this is a serverless project")
def verify_not_serverless(settings: ElasticSettings, what: str, *, needs: str, remedy: str = "") -> None:
    """Refuse what a serverless project cannot do, before anything is made.

    Args:
        settings: the target.
        what: begins the sentence: `elastic deploy`.
        needs: what is missing there.
        remedy: what to do instead, a sentence; by default the way by an inference endpoint.

    Raises:
        NotOnServerless: it is one.
    """
    if is_serverless(settings):
        raise NotOnServerless(what, needs=needs, remedy=remedy or _by_endpoint())


def _by_endpoint() -> str:
    return (
        f"Use an inference endpoint that the project has, or one of `{command('elastic endpoint-ensure', name='ENDPOINT')}`, and embed "
        "with `elastic embed --as semantic-text --endpoint ENDPOINT`."
    )
