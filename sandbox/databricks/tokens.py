"""Who may call: a personal access token, and the service principal's OAuth tokens, which need no store.

An OAuth token is its own expiry with a keyed hash of it, so that those of an earlier run of the server still hold.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time

from sandbox.databricks import errors
from sandbox.databricks.calls import Call, Reply
from sandbox.databricks.errors import token_refusal

PERSON = "person@sandbox.example"
"""Whose personal access token is announced."""
PRINCIPAL = "5a9db0c5-0000-4000-8000-000000000000"
"""The service principal's client id, which is its user name too."""
SECONDS = 3600
"""How long an OAuth token holds, as documented."""
_SCOPES = frozenset({"all-apis", "vector-search", "model-serving", "ai-gateway"})


class Tokens:
    """Checks and gives out tokens.

    Args:
        key: the stand-in's key; empty to let everybody in.
        url: where the server answers.
    """

    def __init__(self, key: str, url: str) -> None:
        self._key, self._url = key, url
        self.handlers = {
            "oauth.token": self._give,
            "oauth.discovery": self._discovery,
            "oauth.host_metadata": self._metadata,
        }

    @property
    def personal(self) -> str:
        """The personal access token, in the service's form; empty if none is asked for."""
        return f"dapi{self._derived('personal')}" if self._key else ""

    @property
    def client_secret(self) -> str:
        """The service principal's secret; empty if none is asked for."""
        return f"dose{self._derived('secret')}" if self._key else ""

    def user(self, authorization: str) -> str | None:
        """Whose token the value of an `Authorization` header holds; None if it gets nobody in."""
        if not self._key:
            return PERSON
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer":
            return None
        if hmac.compare_digest(token.encode(), self.personal.encode()):
            return PERSON
        expiry, _, _ = token.partition(".")
        is_ours = hmac.compare_digest(token.encode(), self._oauth(expiry).encode())
        return PRINCIPAL if is_ours and expiry.isdigit() and time.time() < int(expiry) else None

    def _give(self, call: Call) -> Reply:
        if not self._is_principal(call.user):  # the header itself: nobody has a token yet
            raise token_refusal(errors.INVALID_CLIENT)
        grant, scope = str(call.body.get("grant_type", "")), str(call.body.get("scope", "all-apis"))
        if grant != "client_credentials":
            raise token_refusal(errors.INVALID_GRANT, grant=grant)
        if not set(scope.split()) <= _SCOPES:
            raise token_refusal(errors.INVALID_SCOPE, scope=scope)
        token = self._oauth(str(int(time.time()) + SECONDS))
        given = {"access_token": token, "token_type": "Bearer", "expires_in": SECONDS, "scope": scope}
        return Reply(given)

    def _discovery(self, _: Call) -> Reply:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
        return Reply({name: f"{self._url}/oidc/v1/{place}" for name, place in places.items()})

    def _metadata(self, _: Call) -> Reply:
        return Reply({"oidc_endpoint": f"{self._url}/oidc", "workspace_id": "1", "cloud": "AWS"})

    def _is_principal(self, authorization: str) -> bool:
        scheme, _, both = authorization.partition(" ")
        try:
            found = base64.b64decode(both, validate=True) if scheme.lower() == "basic" else b""
        except (binascii.Error, ValueError):
            return False
        return not self._key or hmac.compare_digest(found, f"{PRINCIPAL}:{self.client_secret}".encode())

    def _oauth(self, expiry: str) -> str:
        return f"{expiry}.{self._derived(expiry)}"

    def _derived(self, purpose: str) -> str:
        return hmac.new(self._key.encode(), purpose.encode(), hashlib.sha256).hexdigest()[:32]
