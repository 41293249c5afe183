"""The Application Default Credentials, found once per process, and refreshed when they may be the cause of a failure.

gRPC fetches a token in a thread of its own and reports any failure there as UNAVAILABLE, so expired credentials look
like an outage. Only refreshing them tells the two apart.
"""

from __future__ import annotations

import json
import logging
import os
from functools import cache
from pathlib import Path
from typing import Any

import google.auth
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request

from tasks.errors import InvalidInput
from tasks.redaction import hide
from tasks.settings import file_name

_FOLDER_VARIABLE = "CLOUDSDK_CONFIG"
"""Where gcloud keeps its settings, if not in `~/.config/gcloud`."""
_SECRETS = ("private_key", "refresh_token", "client_secret", "id_token", "access_token", "token")
"""Fields of a credentials file that no text may show; an error of Google's libraries may quote any of its fields."""
_OF_FILES = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What google.auth raises, besides its own errors, when a file holds something else than it expects."""
_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

# It logs a stack trace for every token that it does not get; `calling` reports that in one sentence.
logging.getLogger("grpc._plugin_wrapping").setLevel(logging.CRITICAL)


def find_credentials() -> Credentials:
    """Look for those of this machine.

    Raises:
        DefaultCredentialsError: there are none.
        InvalidInput: the file of GOOGLE_APPLICATION_CREDENTIALS, or that of gcloud, cannot be used.
    """
    named = os.environ.get(_VARIABLE)
    try:
        file_name(named)
    except ValueError as error:  # google.auth would show the key as the name of a file that does not exist
        raise InvalidInput(f"{_VARIABLE} holds a key", accepted=str(error)) from None
    file = Path(named) if named else _of_gcloud()
    _hide_secrets(file)
    try:
        found, _ = google.auth.default(scopes=[SCOPE])
    except (GoogleAuthError, *_OF_FILES) as error:
        if not named and not file.is_file():
            raise
        # Its text quotes what the file holds.
        raise InvalidInput(
            f"No Google credentials can be read from this file ({type(error).__name__})",
            value=str(file), source=_VARIABLE if named else "gcloud auth application-default login",
            accepted="a JSON file as gcloud or the Google Cloud console writes it",
            remedy="" if named else "Log in again with `gcloud auth application-default login`, which writes it anew.",
        ) from None  # fmt: skip
    return found


def _of_gcloud() -> Path:
    """The file that `gcloud auth application-default login` writes, on Linux and macOS."""
    folder = os.environ.get(_FOLDER_VARIABLE)
    return (
        Path(folder) if folder else Path.home() / ".config" / "gcloud"
    ) / "application_default_credentials.json"


def _hide_secrets(file: Path) -> None:
    """Register the secrets in a credentials file, so that no text shows them. What cannot be read is nobody's secret yet."""
    try:
        held: Any = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return
    rest: list[Any] = [held]
    while rest:
        each: Any = rest.pop()
        if isinstance(each, list):
            rest += each
        elif isinstance(each, dict):
            fields: dict[str, Any] = each
            rest += fields.values()
            for secret in (fields[name] for name in _SECRETS if isinstance(fields.get(name), str)):
                hide(secret)
                # A private key is quoted by the line, too.
                for line in secret.splitlines()[1:-1]:
                    hide(line)


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
