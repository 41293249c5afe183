"""Operations of the three APIs: begun by a call, ended by the clock, whatever happens to the process in between.

There is no thread: whoever asks anything first lets everything end that is due. What an operation does when it ends is
registered by its method, and looks at its stored request only.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from sandbox.faults import FaultQueue
from sandbox.google_cloud import errors
from sandbox.google_cloud.errors import Refusal
from sandbox.google_cloud.store import Body, Operation, Store

Effect = Callable[[Operation], Body]
"""Makes the change in the store and returns the response; raises Refusal to fail the operation."""


class Operations:
    """The operations of one store."""

    def __init__(self, store: Store, faults: FaultQueue, seconds: Callable[[float], float]) -> None:
        self.store = store
        self._faults, self.seconds = faults, seconds
        self._effects: dict[str, Effect] = {}

    def register(self, method: str, effect: Effect) -> None:
        """Register what the operations of a method do when they end."""
        self._effects[method] = effect

    @property
    def methods(self) -> frozenset[str]:
        """The methods that begin an operation."""
        return frozenset(self._effects)

    def begin(
        self, method: str, target: str, request: Body, nominal: float, *, prefix: str, request_id: str = ""
    ) -> Operation:
        """Record a new operation.

        Args:
            method: its id.
            target: the path of what it changes.
            request: what its effect needs.
            nominal: how long it takes, in seconds of the real service's time.
            prefix: of its id.
            request_id: by which a repeated call is recognized.
        """
        operation = Operation(
            id=f"{prefix}{10**18 + secrets.randbelow(9 * 10**18)}",
            method=method,
            target=target,
            request=request,
            request_id=request_id,
            started=time.time(),
            seconds=self.seconds(nominal),
        )
        fault = self._faults.take(method, "end")
        if fault is not None and fault.kind == "stall":
            operation.seconds += fault.seconds
        elif fault is not None:
            operation.error = _error(errors.FAULTS[fault.kind].refusal())
        self.store.save(operation)
        return operation

    def repeated(self, request_id: str) -> Operation | None:
        """The operation that an earlier call with this id began."""
        return next(iter(self.store.operations("request_id = ? AND ? != ''", request_id, request_id)), None)

    def unfinished(self, target: str) -> list[Operation]:
        """Those under way on a resource."""
        return self.store.operations("done = 0 AND target = ?", target)

    def find(self, id_: str) -> Operation | None:
        """One operation."""
        return next(iter(self.store.operations("id = ?", id_)), None)

    def settle(self) -> None:
        """Let everything end that is due."""
        now = time.time()
        with self.store.transaction():
            for operation in sorted(self.store.operations("done = 0"), key=lambda each: each.ends):
                if operation.ends <= now:
                    self._end(operation)

    def _end(self, operation: Operation) -> None:
        try:
            if operation.error is None:
                operation.response = self._effects[operation.method](operation)
        except Refusal as refusal:
            operation.error = _error(refusal)
        operation.done = True
        self.store.save(operation)


def _error(refusal: Refusal) -> dict[str, Any]:
    return {
        "status": refusal.status,
        "reason": refusal.reason,
        "message": refusal.text,
        "code": refusal.number,
    }
