"""The JSON web token that a deployed index may require. Audience and issuer are checked, the signature is not.

The sandbox has no public keys; tests need to know whether a token is sent, by which issuer and for which audience.
"""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any

import orjson

from sandbox.vertex import errors

_PREFIX = "Bearer: "  # with a colon, as the service's own client sends it


def check_token(provider: Any, context: Any) -> None:
    """Check that the token of a call names an allowed issuer and audience; a provider that allows none is none.

    Raises:
        Refusal: UNAUTHENTICATED.
    """
    if not provider.audiences and not provider.allowed_issuers:
        return
    sent = dict(context.invocation_metadata()).get("authorization", "")
    if not sent.startswith(_PREFIX):
        raise errors.UNAUTHENTICATED.refusal(
            problem="there is no 'authorization: Bearer: TOKEN' in the metadata"
        )
    claims = _claims(sent.removeprefix(_PREFIX).strip())
    audiences = claims.get("aud", [])
    if not set(provider.audiences) & set([audiences] if isinstance(audiences, str) else audiences):
        raise errors.UNAUTHENTICATED.refusal(problem=f"the audience {audiences!r} is not accepted")
    if claims.get("iss") not in provider.allowed_issuers:
        raise errors.UNAUTHENTICATED.refusal(problem=f"the issuer {claims.get('iss')!r} is not accepted")
    if claims.get("exp", float("inf")) < time.time():
        raise errors.UNAUTHENTICATED.refusal(problem="the token has expired")


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    try:
        body = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = orjson.loads(base64.urlsafe_b64decode(body))
    except (IndexError, ValueError, binascii.Error):
        raise errors.UNAUTHENTICATED.refusal(problem="the token is not a JWT") from None
    return claims if isinstance(claims, dict) else {}
