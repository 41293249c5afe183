"""Ids as Elasticsearch makes them."""

from __future__ import annotations

import base64
import uuid


def new_uuid() -> str:
    """The id of an index or a node: 22 URL-safe characters."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
