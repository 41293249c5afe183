"""A refusal as google.rpc.Status, which every transport carries in its own way."""

from __future__ import annotations

from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from sandbox.vertex import errors


def status(refusal: errors.Refusal) -> status_pb2.Status:
    """Its code, its text and its details."""
    found = status_pb2.Status(code=refusal.number, message=refusal.text)
    details = list(refusal.details)
    if refusal.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int(refusal.retry_after * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        found.details.append(packed)
    return found
