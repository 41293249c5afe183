"""The prerequisites of a build: what is there, what is missing, and the command that fixes it.

Everything is checked, whatever was found before. Nothing is fixed here, and something missing is not an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import requests
from google.auth.transport.requests import AuthorizedSession, Request

from tasks.errors import CannotChangeInPlace, InvalidInput, PermanentError, TransientError
from tasks.findings import Finding, State
from tasks.steps import step
from tasks.vertex.connection.clients import connect
from tasks.vertex.connection.credentials import find_credentials
from tasks.vertex.connection.errors import calling
from tasks.vertex.connection.google_rest import GOOGLE, LOOK_SECONDS, Addresses, read_document, read_machine
from tasks.vertex.imports.buckets import check_region, find_bucket
from tasks.vertex.resources.endpoints import endpoint_spec
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import EndpointKind

APIS = ("aiplatform.googleapis.com", "compute.googleapis.com", "servicenetworking.googleapis.com")
"""The second and third are for the private network of a `vpc` endpoint."""
_LOG_IN = "gcloud auth application-default login"
_IN_SANDBOX = "not needed in the sandbox"

Login = Callable[[], requests.Session]


def log_in() -> requests.Session:
    """A session with the credentials of this machine, seen to be usable.

    Raises:
        InvalidInput: there are none, or they cannot be used.
    """
    with calling("log in"):
        credentials = find_credentials()
        credentials.refresh(Request())
    return AuthorizedSession(credentials)


@step("check preconditions of {settings.project}")
def read_preconditions(
    settings: VertexSettings,
    kind: EndpointKind = "public",
    *,
    addresses: Addresses = GOOGLE,
    login: Login = log_in,
) -> tuple[Finding, ...]:
    """Look at everything that a build with this kind of endpoint needs.

    Args:
        settings: the target. Of a sandbox only what it has is looked at.
        kind: the endpoint's; the network matters to `vpc` only.
        addresses: where Google's services answer.
        login: makes the session that asks them.
    """
    if settings.is_sandbox:
        absent = ["Google credentials", *(f"API {api} enabled" for api in APIS), *_PRIVATE]
        skipped = tuple(Finding(what=what, state="not needed", seen=_IN_SANDBOX) for what in absent)
        return (_answers(settings), bucket_finding(settings), *skipped)
    session = logged_in(login)
    if isinstance(session, Finding):
        rest = [
            *(f"API {api} enabled" for api in APIS),
            f"Vertex AI answers in {settings.location}",
            "bucket in the index's region",
            _PRIVATE[0],
        ]
        unknown = [
            Finding(what=what, state="unknown", seen="cannot be checked without Google credentials")
            for what in rest
        ]
        return (session, *unknown, _machine(settings, kind, addresses))
    return (
        Finding(what="Google credentials", state="ok", seen="usable"),
        *_apis(settings, kind, addresses, session),
        _answers(settings),
        bucket_finding(settings),
        _peering(settings, kind, addresses, session),
        _machine(settings, kind, addresses),
    )


_PRIVATE = (
    "network peered with Google's services",
    "this machine in the network and region",
)


def _seen(what: str, error: Exception, *, state: State = "unknown", command: str = "") -> Finding:
    return Finding(what=what, state=state, seen=str(error), command=command)


def logged_in(login: Login) -> requests.Session | Finding:
    """A session of the services, or what is wrong with the credentials."""
    try:
        return login()
    except (PermanentError, TransientError) as error:
        # Without a connection nobody knows whether the credentials are good, and logging in would not help.
        away = isinstance(error, TransientError)
        state, command = ("unknown", "") if away else ("missing", _LOG_IN)
        return _seen("Google credentials", error, state=state, command=command)


def _answers(settings: VertexSettings) -> Finding:
    what = f"Vertex AI answers in {settings.location}"
    try:
        with calling("list indexes"):
            request = {"parent": settings.parent, "page_size": 1}
            next(
                iter(connect(settings).indexes.list_indexes(request, timeout=LOOK_SECONDS, retry=None)), None
            )
    except (PermanentError, TransientError) as error:
        command = f"gcloud ai indexes list --project={settings.project} --region={settings.location}"
        state = "unknown" if isinstance(error, TransientError) else "missing"
        return _seen(what, error, state=state, command=command)
    return Finding(what=what, state="ok", seen="yes")


def bucket_finding(settings: VertexSettings) -> Finding:
    """Whether the bucket of import files is one that a build can use."""
    what = "bucket in the index's region"
    rename = "export VERTEX_BUCKET=ANOTHER_NAME"
    try:
        bucket = find_bucket(settings)
        if bucket is None:
            return Finding(
                what=what, state="ok", seen=f"{settings.bucket_name} does not exist yet; a build creates it"
            )
        check_region(settings, bucket)
    except (CannotChangeInPlace, InvalidInput) as error:
        return _seen(what, error, state="missing", command=rename)
    except (PermanentError, TransientError) as error:
        return _seen(what, error)
    return Finding(what=what, state="ok", seen=f"{settings.bucket_name} in {settings.location}")


def _apis(
    settings: VertexSettings, kind: EndpointKind, addresses: Addresses, session: requests.Session
) -> Iterator[Finding]:
    for api, finding in zip(APIS, api_findings(settings, addresses, session, APIS), strict=True):
        if finding.state == "missing" and api != APIS[0] and kind != "vpc":
            seen = "not enabled; only a vpc endpoint needs it"
            yield Finding(what=finding.what, state="not needed", seen=seen)
        else:
            yield finding


def api_findings(
    settings: VertexSettings, addresses: Addresses, session: requests.Session, apis: Sequence[str]
) -> Iterator[Finding]:
    """Which of these APIs the project has enabled, in their order."""
    project = f"projects/{settings.project}"
    names = [f"{project}/services/{api}" for api in apis]
    url = f"{addresses.service_usage}/v1/{project}/services:batchGet"
    states: dict[str, str] = {}
    trouble: Exception | None = None
    try:
        document = read_document(session, url, "read which APIs are enabled", {"names": names})
        states = {s["name"].rsplit("/", 1)[-1]: s.get("state", "") for s in document.get("services", [])}
    except (PermanentError, TransientError) as error:
        trouble = error
    for api in apis:
        what, command = f"API {api} enabled", f"gcloud services enable {api} --project={settings.project}"
        if trouble is not None:
            yield _seen(what, trouble, command=command)
        elif states.get(api) == "ENABLED":
            yield Finding(what=what, state="ok", seen="enabled")
        else:
            yield Finding(what=what, state="missing", seen="not enabled", command=command)


def _peering(
    settings: VertexSettings, kind: EndpointKind, addresses: Addresses, session: requests.Session
) -> Finding:
    what = _PRIVATE[0]
    if kind != "vpc":
        return Finding(what=what, state="not needed", seen="only a vpc endpoint is in a network")
    try:
        network = str(endpoint_spec(settings, "check", kind).network)
    except InvalidInput as error:
        number = f"$(gcloud projects describe {settings.project} --format='value(projectNumber)')"
        command = f"export VERTEX_NETWORK=projects/{number}/global/networks/NAME"
        return _seen(what, error, state="missing", command=command)
    url = f"{addresses.service_networking}/v1/services/{APIS[2]}/connections"
    try:
        document = read_document(session, url, "read the network's peerings", {"network": network})
    except (PermanentError, TransientError) as error:
        return _seen(what, error)
    ranges = [r for c in document.get("connections", []) for r in c.get("reservedPeeringRanges", [])]
    if document.get("connections"):
        return Finding(what=what, state="ok", seen=f"{network} through {', '.join(ranges) or 'a peering'}")
    name = network.rsplit("/", 1)[-1]
    command = (
        f"gcloud compute addresses create {name}-peering --global --prefix-length=16 --network={name} "
        f"--purpose=VPC_PEERING --project={settings.project} && gcloud services vpc-peerings connect --service={APIS[2]} "
        f"--network={name} --ranges={name}-peering --project={settings.project}"
    )
    return Finding(what=what, state="missing", seen=f"{network} has no peering", command=command)


def _machine(settings: VertexSettings, kind: EndpointKind, addresses: Addresses) -> Finding:
    what = _PRIVATE[1]
    if kind == "public":
        return Finding(what=what, state="not needed", seen="a public endpoint can be queried from anywhere")
    if kind == "private-service-connect":
        seen = f"not checked: queries go through a forwarding rule of your own, in a network in {settings.location}"
        return Finding(what=what, state="unknown", seen=seen)
    network = read_machine(addresses, "network-interfaces/0/network")
    zone = read_machine(addresses, "zone")
    wanted = (settings.network or "").rsplit("/", 1)[-1]
    if network is None or zone is None:
        seen = f"not a Google Cloud machine: queries need a route into {wanted or 'the network'} in {settings.location}"
        return Finding(what=what, state="unknown", seen=seen)
    region = zone.rsplit("-", 1)[0]
    seen = f"network {network}, region {region}"
    if (network, region) == (wanted, settings.location):
        return Finding(what=what, state="ok", seen=seen)
    command = f"gcloud compute instances create queries --network={wanted} --zone={settings.location}-a --project={settings.project}"
    return Finding(
        what=what,
        state="missing",
        seen=f"{seen}; required: network {wanted}, region {settings.location}",
        command=command,
    )
