"""How a fault strikes a call over HTTP, whatever the API: it is refused, its connection is reset, or it waits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Literal

from sandbox.connections import Connections
from sandbox.faults import Fault, FaultQueue

_LOOK = 0.05


class ConnectionLost(Exception):
    """No reply is sent."""


class Strikes:
    """Takes the faults that are due for calls.

    Args:
        faults: the queue.
        connections: the open ones, to know who still waits.
        refusal: how the service answers a fault that is neither a reset nor a stall.
    """

    def __init__(
        self, faults: FaultQueue, connections: Connections, refusal: Callable[[Fault], Exception]
    ) -> None:
        self._faults, self._connections, self._refusal = faults, connections, refusal

    async def strike(self, method: str, when: Literal["before", "after"], client: tuple[str, int]) -> None:
        """Let the oldest fault that is due for this method happen, if there is one.

        Raises:
            ConnectionLost: the connection is reset, or nobody waits any more.
            Exception: the refusal.
        """
        fault = self._faults.take(method, when)
        if fault is None:
            return
        if fault.kind == "reset":
            raise ConnectionLost
        if fault.kind != "stall":
            raise self._refusal(fault)
        loop = asyncio.get_running_loop()
        end = loop.time() + fault.seconds
        while loop.time() < end:
            if math.isinf(fault.seconds) and not self._connections.is_open(client):
                raise ConnectionLost
            await asyncio.sleep(min(_LOOK, fault.seconds))
