"""The official client of a model server, built once per process.

Its own retries are off: a step is retried as a whole, and two layers of retries multiply each other.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tasks.models.settings import ModelSettings

if TYPE_CHECKING:
    from openai import OpenAI

CALL_SECONDS = 120.0
"""How long one call may take. A model that answers slower than this for a few hundred tokens is not of use to a reader."""
_NO_KEY = "none"
"""The client refuses to be built without a key; servers of one's own ignore it."""


@cache
def connect(settings: ModelSettings) -> OpenAI:
    """The client of these settings, the same one every time in this process."""
    from openai import OpenAI  # noqa: PLC0415 -- it takes a second to load

    key = settings.api_key.get_secret_value() if settings.api_key else _NO_KEY
    return OpenAI(base_url=settings.base_url, api_key=key, max_retries=0, timeout=CALL_SECONDS)
