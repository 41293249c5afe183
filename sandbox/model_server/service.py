"""The model server as a service of the sandbox. The server is loaded when it starts, the embedding model at its first use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.keys import Keys
from sandbox.model_server.options import ModelServerOptions
from sandbox.ports import Ports
from sandbox.service import Running, Service

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sandbox.model_server.embeddings import Purpose

_NAME = "models"


def _start(state: Path, options: ModelServerOptions, ports: Ports, keys: Keys) -> Running:
    from sandbox.model_server.chat import CHAT_MODEL  # noqa: PLC0415 - as the next
    from sandbox.model_server.embeddings import EMBEDDING_MODEL  # noqa: PLC0415 - it loads numpy
    from sandbox.model_server.server import ModelServer  # noqa: PLC0415 - Starlette and uvicorn take a quarter of a second

    key = keys.of(_NAME)
    server = ModelServer(state, options, ports.take(_NAME), key, _embed)
    server.start()
    announced = {
        "OPENAI_BASE_URL": f"http://127.0.0.1:{ports[_NAME]}/v1",
        "OPENAI_API_KEY": key or "none",  # without one the official client, which reads both, cannot be built
        "OPENAI_CHAT_MODEL": CHAT_MODEL,
        "OPENAI_EMBEDDING_MODEL": EMBEDDING_MODEL,
        "OPENAI_QUERY_PREFIX": "query: ",
        "OPENAI_PASSAGE_PREFIX": "passage: ",
        "OPENAI_CONTEXT_TOKENS": str(options.context_tokens),
    }
    return Running(environment=announced, stop=server.stop)


def _embed(texts: Sequence[str], purpose: Purpose) -> NDArray[np.float32]:
    from sandbox.models.e5 import embed  # noqa: PLC0415 - it loads 70 MB of weights

    return embed(texts, purpose)


def _coverage() -> Iterable[str]:
    from sandbox.model_server import coverage  # noqa: PLC0415 - loads the server

    return coverage.lines()


MODEL_SERVER = Service(
    name=_NAME,
    title="a model server (OpenAI's routes)",
    options=ModelServerOptions,
    prefix=_NAME,
    ports=(_NAME,),
    start=_start,
    coverage=_coverage,
)
