"""llama.cpp's server as a process: `python -m sandbox.models.llama_cpp GGUF CONTEXT SOCKET`, until it is killed.

A process of its own, so that a crash of native code ends it alone. It listens on a Unix socket: llama.cpp's server asks for no
key by itself and answers web pages of every origin, so the folder of the socket must be its user's alone.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module


def main(model: str, context_tokens: str, socket: str) -> None:
    """Serve a model, one request after the other."""
    engine = import_module("xllamacpp")
    params = engine.CommonParams()
    params.model.path = model
    params.hostnames = [socket]  # a name that ends in .sock is a Unix socket
    params.n_ctx = int(context_tokens)
    params.n_parallel = 1
    # The number of threads changes the last bits of a logit, and so an answer. Two that share busy processors wait for each other, too.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    # So does the size of a batch, which depends on what it remembers of earlier prompts.
    params.cache_prompt, params.cache_ram_mib = False, 0
    params.fit_params = False
    params.ui = params.endpoint_slots = False
    params.verbosity = 1  # errors
    server = engine.Server(params)
    threading.Event().wait()
    del server


if __name__ == "__main__":
    main(*sys.argv[1:])
