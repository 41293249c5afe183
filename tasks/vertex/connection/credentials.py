"""The Application Default Credentials, found once per process, and refreshed when they may be the cause of a failure.

gRPC fetches a token in a thread of its own and reports any failure there as UNAVAILABLE, so expired credentials look
like an outage. Only refreshing them tells the two apart.
"""

from __future__ import annotations

import logging
import os
from functools import cache

import google.auth
from google.auth.credentials import Credentials
from google.auth.transport.requests import Request

from tasks.errors import InvalidInput
from tasks.settings import file_name

_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

# It logs a stack trace for every token that it does not get; `calling` reports that in one sentence.
logging.getLogger("grpc._plugin_wrapping").setLevel(logging.CRITICAL)


@cache
def credentials() -> Credentials:
    """Those of this process.

    Raises:
        DefaultCredentialsError: there are none.
        InvalidInput: GOOGLE_APPLICATION_CREDENTIALS holds a key, not the path of its file.
    """
    try:
        file_name(os.environ.get(_VARIABLE))
    except ValueError as error:  # google.auth would show the key as the name of a file that does not exist
        raise InvalidInput(f"{_VARIABLE} holds a key", accepted=str(error)) from None
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
