"""The model server as a service of the sandbox. The server is loaded when it starts, the embedding model at its first use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sandbox.announced import SandboxError
from sandbox.keys import Keys
from sandbox.model_server.options import ModelServerOptions
from sandbox.models.missing import ModelMissing
from sandbox.ports import Ports
from sandbox.service import Running, Service

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sandbox.model_server.embeddings import Purpose
    from sandbox.models.smollm2 import SmolLM2

_NAME = "models"
Result = TypeVar("Result")


def _start(state: Path, options: ModelServerOptions, ports: Ports, keys: Keys) -> Running:
    from sandbox.model_server.chat import CHAT_MODEL, GENERATOR  # noqa: PLC0415 - as the next
    from sandbox.model_server.embeddings import EMBEDDING_MODEL  # noqa: PLC0415 - it loads numpy
    from sandbox.model_server.server import ModelServer  # noqa: PLC0415 - Starlette and uvicorn take a quarter of a second

    generator = _started(options)
    key = keys.of(_NAME)
    server = ModelServer(state, options, ports.take(_NAME), key, _embed, generator and generator.complete)
    server.start()
    announced = {
        "OPENAI_BASE_URL": f"http://127.0.0.1:{ports[_NAME]}/v1",
        "OPENAI_API_KEY": key or "none",  # without one the official client, which reads both, cannot be built
        "OPENAI_CHAT_MODEL": GENERATOR if generator else CHAT_MODEL,
        "OPENAI_EMBEDDING_MODEL": EMBEDDING_MODEL,
        "OPENAI_QUERY_PREFIX": "query: ",
        "OPENAI_PASSAGE_PREFIX": "passage: ",
        "OPENAI_CONTEXT_TOKENS": str(options.context_tokens),
    }
    if generator is None:
        return Running(environment=announced, stop=server.stop)

    def stop() -> None:
        server.stop()
        generator.stop()

    return Running(environment=announced, stop=stop, failure=generator.failure)


def _check(options: ModelServerOptions) -> None:
    if options.generator == "smollm2":
        from sandbox.models import smollm2  # noqa: PLC0415 - it is rarely wanted

        _call(smollm2.check)


def _started(options: ModelServerOptions) -> SmolLM2 | None:
    if options.generator != "smollm2":
        return None
    from sandbox.models import smollm2  # noqa: PLC0415 - as above

    return _call(lambda: smollm2.start(options.context_tokens))


def _call(needs_the_model: Callable[[], Result]) -> Result:
    try:
        return needs_the_model()
    except ModelMissing as error:
        raise SandboxError(str(error)) from error


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
    check=_check,
    coverage=_coverage,
)
