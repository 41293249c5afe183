"""The prerequisites of a collection: what is there, what is missing, and the command that fixes it. Changes nothing."""

from __future__ import annotations

from google.cloud import vectorsearch_v1 as v1

from tasks.errors import PermanentError, TransientError
from tasks.findings import Finding
from tasks.steps import step
from tasks.vertex.connection.errors import calling
from tasks.vertex.connection.google_rest import GOOGLE, LOOK_SECONDS, Addresses
from tasks.vertex.resources.preconditions import Login, api_findings, bucket_finding, log_in, logged_in
from tasks.vertex.settings import VertexSettings
from tasks.vertex_collections.clients import API, connect

_CREDENTIALS = "Google credentials"


@step("check preconditions of collections in {settings.project}")
def read_collection_preconditions(
    settings: VertexSettings, *, addresses: Addresses = GOOGLE, login: Login = log_in
) -> tuple[Finding, ...]:
    """Look at everything that a build needs. The bucket matters to those that import.

    Args:
        settings: the target. Of a sandbox only what it has is looked at.
        addresses: where Google's services answer.
        login: makes the session that asks them.
    """
    api = f"API {API} enabled"
    if settings.is_sandbox:
        absent = [
            Finding(what=what, state="not needed", seen="not needed in the sandbox")
            for what in (_CREDENTIALS, api)
        ]
        return (_answers(settings), bucket_finding(settings), *absent)
    session = logged_in(login)
    if isinstance(session, Finding):
        unknown = [
            Finding(what=what, state="unknown", seen="cannot be checked without Google credentials")
            for what in (api, _where(settings), "bucket in the index's region")
        ]
        return (session, *unknown)
    return (
        Finding(what=_CREDENTIALS, state="ok", seen="usable"),
        *api_findings(settings, addresses, session, [API]),
        _answers(settings),
        bucket_finding(settings),
    )


def _where(settings: VertexSettings) -> str:
    return f"Vector Search 2.0 answers in {settings.location}"


def _answers(settings: VertexSettings) -> Finding:
    what = _where(settings)
    try:
        with calling("list collections"):
            request = v1.ListCollectionsRequest(parent=settings.parent, page_size=1)
            connect(settings).collections.list_collections(request, timeout=LOOK_SECONDS, retry=None)
    except TransientError as error:
        return Finding(what=what, state="unknown", seen=str(error))
    except PermanentError as error:
        command = f"gcloud services enable {API} --project={settings.project}"
        return Finding(what=what, state="missing", seen=str(error), command=command)
    return Finding(what=what, state="ok", seen="yes")
