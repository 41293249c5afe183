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
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request

from tasks.errors import InvalidInput
from tasks.settings import file_name

_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

# It logs a stack trace for every token that it does not get; `calling` reports that in one sentence.
logging.getLogger("grpc._plugin_wrapping").setLevel(logging.CRITICAL)


def find_credentials() -> Credentials:
    """Look for those of this machine.

    Raises:
        DefaultCredentialsError: there are none.
        InvalidInput: GOOGLE_APPLICATION_CREDENTIALS names no usable file.
    """
    named = os.environ.get(_VARIABLE)
    try:
        file_name(named)
    except ValueError as error:  # google.auth would show the key as the name of a file that does not exist
        raise InvalidInput(f"{_VARIABLE} holds a key", accepted=str(error)) from None
    try:
        found, _ = google.auth.default(scopes=[SCOPE])
    except (GoogleAuthError, ValueError) as error:
        if not named:
            raise
        # Its text quotes what the file holds.
        raise InvalidInput(
            f"No Google credentials can be read from this file ({type(error).__name__})",
            value=named, source=_VARIABLE, accepted="a JSON file as gcloud or the Google Cloud console writes it",
        ) from None  # fmt: skip
    return found


@cache
def credentials() -> Credentials:
    """Those of this process.

    Raises:
        DefaultCredentialsError, InvalidInput: as `find_credentials`.
    """
    return find_credentials()


def renew() -> None:
    """Renew those in use, if there are any and their token has expired.

    Raises:
        RefreshError: they cannot be renewed.
        TransportError: nobody could be asked.
    """
    if credentials.cache_info().currsize and not credentials().valid:
        credentials().refresh(Request())
