"""A TCP proxy on loopback that treats what passes as bad networks do. It knows no protocol."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, replace

_CHUNK = 65_536


@dataclass
class Network:
    """How a network behaves."""

    latency: float = 0.0
    """Seconds that every piece of data takes in either direction."""
    bytes_per_second: float = float("inf")
    reset_after: int | None = None
    """Replies are cut off by a reset after that many bytes, on each of the first connections."""
    silent_after: int | None = None
    """Half-open: after that many bytes of a reply nothing passes any more, and no end is ever seen."""
    connections: int = 0
    """How many connections a reset or a silence befalls; those after them are well."""


class Proxy:
    """Forwards to one address until it is closed; runs in a thread of its own."""

    def __init__(self, host: str, port: int, network: Network) -> None:
        self._target, self.network, self.struck = (host, port), replace(network), 0
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Reset every connection and refuse new ones, until `repair`."""
        self._call(self._cut())

    def repair(self) -> None:
        """Accept connections again, at the same port."""
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", self.port))

    def close(self) -> None:
        """End everything."""
        self._call(self._cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        with closing(self._loop):
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _cut(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back_reader, back_writer = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        pair = {writer, back_writer}
        self._writers |= pair
        is_struck = self.network.connections > 0
        self.network.connections -= is_struck
        try:
            await asyncio.gather(
                self._pass(reader, back_writer, None, None),
                self._pass(
                    back_reader,
                    writer,
                    self.network.reset_after if is_struck else None,
                    self.network.silent_after if is_struck else None,
                ),
            )
        except OSError:
            pass
        finally:
            self._writers -= pair
            for one in pair:
                one.close()

    async def _pass(self, reader, writer, reset_after: int | None, silent_after: int | None) -> None:
        passed = 0
        while data := await reader.read(_CHUNK):
            await asyncio.sleep(self.network.latency + len(data) / self.network.bytes_per_second)
            if reset_after is not None and passed + len(data) > reset_after:
                writer.write(data[: reset_after - passed])
                self.struck += 1
                _reset(writer)
                raise ConnectionResetError
            if silent_after is not None and passed + len(data) > silent_after:
                self.struck += 1
                silent_after = 0
                while await reader.read(_CHUNK):  # taken, and never delivered
                    pass
                await asyncio.Event().wait()
            passed += len(data)
            writer.write(data)
            await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
