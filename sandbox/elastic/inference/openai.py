"""The service `openai`: an endpoint whose texts go to a server with OpenAI's routes, on this machine only.

The stand-in calls nobody else, whatever an endpoint's `url` says: a key and texts must not leave a development machine by accident. What is
sent and how answers are read is that of OpenAiEmbeddingsRequestEntity.java and OpenAiEmbeddingsResponseEntity.java.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from sandbox.elastic.inference import errors as inference_errors
from sandbox.elastic.inference.endpoints import Endpoint
from sandbox.models.embedding import Embedding

DEFAULT_URL = "https://api.openai.com/v1/embeddings"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECONDS = 120.0
_KINDS = {401: "an authentication error", 403: "a permission denied error", 429: "a rate limit"}
_SHOWN = 300


def check_address(url: str) -> None:
    """Refuse an address that is not on this machine.

    Raises:
        Refusal: naming it.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.hostname not in _LOOPBACK:
        raise inference_errors.NOT_LOOPBACK.refusal(url=url)


def embed(endpoint: Endpoint, texts: Sequence[str]) -> list[Embedding]:
    """The vectors of texts, in one call.

    Raises:
        Refusal: the server cannot be reached, refuses, or answers something else.
    """
    parts = urlsplit(endpoint.url)
    body: dict[str, Any] = {"model": endpoint.model_id, "input": list(texts)}
    body |= {"dimensions": endpoint.dimensions} if endpoint.dimensions_given else {}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {endpoint.secret}"}
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        connection.request("POST", parts.path or "/", json.dumps(body), headers)
        answer = connection.getresponse()
        status, content = answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise inference_errors.UNREACHABLE.refusal(id=endpoint.inference_id, problem=error) from error
    finally:
        connection.close()
    if status != http.client.OK:
        kind = _KINDS.get(status, "a server error" if status >= 500 else "an unsuccessful")
        said = content.decode(errors="replace").replace(endpoint.secret, "***")[:_SHOWN]
        refusal = inference_errors.REMOTE_REFUSED.refusal(
            id=endpoint.inference_id, kind=kind, status=status, said=said
        )
        refusal.status = status
        raise refusal
    try:
        found = [each["embedding"] for each in json.loads(content)["data"]]
    except (ValueError, KeyError, TypeError) as error:
        raise inference_errors.UNREACHABLE.refusal(
            id=endpoint.inference_id, problem=f"the answer has no embeddings ({error})"
        ) from error
    return [Embedding(vector, is_truncated=False) for vector in found]
