"""A server on loopback that does nothing with bulk requests: it counts their documents and answers that each was created.

What a client reaches here is what its own work allows, whatever cluster it talks to.
"""

from __future__ import annotations

import multiprocessing
import socket
import threading
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from functools import cache
from multiprocessing.queues import Queue

import orjson

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-elastic-product: Elasticsearch\r\ncontent-length: %d\r\n\r\n%b"


@cache
def _answer(documents: int, *, is_filtered: bool) -> bytes:
    """As long as a real one, or as one whose `filter_path` wants result and status alone."""
    item: dict[str, object] = {"result": "created", "status": 201}
    if not is_filtered:
        item |= {
            "_index": "benchmark", "_id": "a00001981", "_version": 1, "_seq_no": 1, "_primary_term": 1,
            "_shards": {"total": 1, "successful": 1, "failed": 0},
        }  # fmt: skip
    body = orjson.dumps({"errors": False, "took": 1, "items": [{"index": item}] * documents})
    return _HEAD % (len(body), body)


def _serve(connection: socket.socket, seconds: float) -> None:
    with closing(connection), connection.makefile("rb", 2**20) as reader:
        while request := reader.readline():
            length = 0
            while (line := reader.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            documents = reader.read(length).count(b"\n") // 2
            if seconds:
                time.sleep(seconds)
            connection.sendall(_answer(documents, is_filtered=b"filter_path=" in request))


def _run(ports: Queue[int], seconds: float) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    ports.put(listening.getsockname()[1])
    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(connection, seconds), daemon=True).start()


@contextmanager
def null_server(seconds: float = 0.0) -> Generator[str]:
    """Its address, `http://127.0.0.1:PORT`; a process of its own, that ends with the block.

    Args:
        seconds: how long it waits before it answers.
    """
    processes = multiprocessing.get_context("spawn")
    ports: Queue[int] = processes.Queue()
    server = processes.Process(target=_run, args=(ports, seconds), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{ports.get()}"
    finally:
        server.terminate()
        server.join()
