"""Faults and the write log around each call, the same for every transport."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, get_args

from sandbox.faults import Fault, FaultQueue, Possible, WireKind
from sandbox.vertex import errors
from sandbox.vertex.wire.methods import Method
from sandbox.write_log import WriteLog

log = logging.getLogger(__name__)
_STALL_STEP = 0.05


class Calls:
    """Answers calls; one for all services of the stand-in."""

    def __init__(self, faults: FaultQueue, writes: WriteLog) -> None:
        self._faults = faults
        self._writes = writes

    def serves(self, methods: Iterable[Method]) -> None:
        """Register the faults that these methods can have."""
        self._faults.serves(possible for method in methods for possible in _possible(method))

    def answer(self, method: Method, request: Any, is_waiting: Callable[[], bool]) -> Any:
        """The response; `is_waiting` says whether the caller is still there, for as long as a stall lasts.

        Raises:
            Refusal: the method, or a fault, refuses the call; INTERNAL for a bug of the stand-in.
        """
        try:
            self._strike(method.name, "before", is_waiting)
            response = method.answer(request)
            if method.writes:
                self._writes.append(method.name, _resource(request, response))
            self._strike(method.name, "after", is_waiting)
        except errors.Refusal:
            raise
        except Exception as error:
            log.exception("%s failed", method.name)
            raise errors.SANDBOX_FAILED.refusal(problem=repr(error)) from error
        return response

    def _strike(self, method: str, when: Any, is_waiting: Callable[[], bool]) -> None:
        fault = self._faults.take(method, when)
        if fault is None:
            return
        if fault.kind == "stall":
            _stall(fault, is_waiting)
            return
        if fault.kind == "reset":
            raise errors.ConnectionReset
        raise errors.FAULTS[fault.kind].refusal(retry_after=fault.retry_after)


def _possible(method: Method) -> Iterable[Possible]:
    for kind in get_args(WireKind):
        yield method.name, "before", kind
        yield method.name, "after", kind
        if method.starts_operation and kind != "reset":
            yield method.name, "end", kind


def _stall(fault: Fault, is_waiting: Callable[[], bool]) -> None:
    end = time.monotonic() + fault.seconds
    while time.monotonic() < end and is_waiting():
        time.sleep(_STALL_STEP)


def _resource(request: Any, response: Any) -> str:
    if name := getattr(response, "name", ""):
        return name
    for field in ("index", "name", "parent", "index_endpoint"):
        value = getattr(request, field, "")
        if isinstance(value, str) and value:
            return value
    return ""
