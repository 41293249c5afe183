"""The build as a worker runs it, with a heartbeat every second: Prefect's own minimum is 30."""

from __future__ import annotations

from prefect import flow_engine

from flows.vertex.build import build_index

__all__ = ["build_index"]

flow_engine.MINIMUM_HEARTBEAT_INTERVAL = 1
flow_engine.BaseFlowRunEngine.heartbeat_seconds = property(lambda _: 1)
