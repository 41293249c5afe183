"""Pages of a listing: how many items one has, and the token that names where the next one begins."""

from __future__ import annotations

import base64
import binascii

from sandbox.storage import errors
from sandbox.storage.wire.exchange import Request


def page_size(request: Request, most: int) -> int:
    """The number of items of a page, at most `most`.

    Raises:
        Refusal: it is not positive.
    """
    asked = request.number("maxResults")
    if asked is not None and asked < 1:
        raise errors.INVALID.refusal(problem=f"Invalid value for maxResults: {asked} is not positive.")
    return min(asked or most, most)


def token_of(name: bytes) -> str:
    """The token of a page that begins with this name."""
    return base64.urlsafe_b64encode(name).decode()


def start_of(request: Request) -> bytes:
    """The name with which the page begins; empty for the first page.

    Raises:
        Refusal: the token is not one of ours.
    """
    try:
        return base64.b64decode(request.query.get("pageToken", ""), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise errors.INVALID.refusal(problem="Invalid value for pageToken.") from None
