"""The bearer tokens that the stand-in accepts: those that the made-up service account signs, and one of its own.

Google's clients sign a token themselves when they are given the account's key file (RFC 7523, "self-signed JWT"). The
stand-in's own token is for programs without such a client, curl among them.
"""

from __future__ import annotations

import json
from hmac import compare_digest
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError

from sandbox.vertex import errors


class Tokens:
    """Checks tokens; without one of its own it lets everybody in.

    Args:
        own: the stand-in's token; empty to accept whatever comes, and nothing as well.
        account: the key file of the service account.
    """

    def __init__(self, own: str, account: Path) -> None:
        self._own = own.encode()
        private = serialization.load_pem_private_key(
            json.loads(account.read_text())["private_key"].encode(), password=None
        )
        self._public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def check(self, authorization: str) -> None:
        """Check the value of an `Authorization` header, empty if there is none.

        Raises:
            Refusal: UNAUTHENTICATED.
        """
        if not self._own:
            return
        scheme, _, token = authorization.partition(" ")
        if not authorization:
            raise errors.NO_TOKEN.refusal()
        if scheme.lower() != "bearer" or not self._is_ours(token.strip().encode()):
            raise errors.WRONG_TOKEN.refusal()

    def admits(self, authorization: str) -> bool:
        """Whether the value of an `Authorization` header is accepted, for services with errors of their own."""
        try:
            self.check(authorization)
        except errors.Refusal:
            return False
        return True

    def _is_ours(self, token: bytes) -> bool:
        if compare_digest(token, self._own):
            return True
        try:
            jwt.decode(token, certs=self._public)
        except (GoogleAuthError, ValueError, TypeError):  # expired, signed by others, or no such token at all
            return False
        return True
