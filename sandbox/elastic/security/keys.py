"""The API keys that clients made. Of a secret only its hash is kept, as in the service."""

from __future__ import annotations

import hashlib
import secrets
import time
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from hmac import compare_digest
from typing import Any

from sandbox.elastic.store import Records
from sandbox.elastic.wire.callers import Caller

_ID_BYTES, _SECRET_BYTES = 15, 16
"""20 and 22 letters, as the service's have."""


class ApiKeys:
    """All keys, also those that were invalidated."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def create(
        self, name: str, roles: Mapping[str, Any], metadata: Mapping[str, Any], seconds: float | None
    ) -> dict[str, Any]:
        """A new key: what the service answers, with the secret that it shows only now.

        Args:
            name: need not be unique.
            roles: role descriptors by name; none: all that its owner may do.
            metadata: anything.
            seconds: until it expires; None: never.
        """
        id_, secret = secrets.token_urlsafe(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        now = time.time()
        record = {"name": name, "hash": _hash(secret), "roles": roles, "metadata": metadata}
        record |= {"creation": int(now * 1000), "invalidated": False}
        expires = {} if seconds is None else {"expiration": int((now + seconds) * 1000)}
        self._records.put(id_, record | expires)
        encoded = b64encode(f"{id_}:{secret}".encode()).decode()
        return {"id": id_, "name": name, **expires, "api_key": secret, "encoded": encoded}

    def caller(self, encoded: str) -> Caller | None:
        """Who sends this encoded key; None if it is no key that is valid now."""
        try:
            id_, _, secret = b64decode(encoded, validate=True).decode().partition(":")
        except (NotBase64, UnicodeError, ValueError):
            return None
        found = self._records.get(id_)
        if found is None or not compare_digest(found["hash"], _hash(secret)) or not _is_valid(found):
            return None
        return Caller(id_, found["name"], tuple(found["roles"].values()) or None)

    def invalidate(self, ids: list[str]) -> None:
        """Let these keys be refused from now on."""
        for id_ in ids:
            if record := self._records.get(id_):
                self._records.put(id_, record | {"invalidated": True})

    def all(self) -> dict[str, dict[str, Any]]:
        """All keys by id, in the order in which they were made; without their hashes."""
        return {
            id_: {name: value for name, value in record.items() if name != "hash"}
            for id_, record in self._records.all().items()
        }


def _is_valid(record: Mapping[str, Any]) -> bool:
    return not record["invalidated"] and record.get("expiration", float("inf")) > time.time() * 1000


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
