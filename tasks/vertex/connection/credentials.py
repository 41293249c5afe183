"""Who asks Google: the Application Default Credentials, found once a process, and renewed when they may be the trouble.

gRPC asks for a token in a thread of its own and tells whatever goes wrong there as UNAVAILABLE, so credentials that
expired look like an outage. Only they themselves can tell.
"""

from __future__ import annotations

import logging
from functools import cache

import google.auth
from google.auth.credentials import Credentials
from google.auth.transport.requests import Request

SCOPE = "https://www.googleapis.com/auth/cloud-platform"

# It writes the trace of every token that it does not get; `calling` tells it in one sentence.
logging.getLogger("grpc._plugin_wrapping").setLevel(logging.CRITICAL)


@cache
def credentials() -> Credentials:
    """Those of this process.

    Raises:
        DefaultCredentialsError: there are none.
    """
    found, _ = google.auth.default(scopes=[SCOPE])
    return found


def renew() -> None:
    """Renew those in use, if there are any and their token has expired.

    Raises:
        RefreshError: they cannot be renewed.
        TransportError: nobody could be asked.
    """
    if credentials.cache_info().currsize and not credentials().valid:
        credentials().refresh(Request())
