"""The cluster's statistics of ingest and of its threads, as values; `diagnosis` interprets them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings

_NODE = re.compile(r"^::: \{(?P<node>[^}]*)\}")
_THREAD = re.compile(
    r"^\s*(?P<percent>[\d.]+)% \[cpu=(?P<cpu>[\d.]+)%, other=(?P<other>[\d.]+)%\].*by thread '(?P<thread>.*)'"
)


@dataclass(frozen=True)
class HotThread:
    """A busy thread."""

    node: str
    thread: str
    """Its pool and number: `ml_native_inference_comms`."""
    percent: float
    cpu: float
    """Part of it that used a processor; the rest waited."""


@dataclass(frozen=True, kw_only=True)
class PipelineStatistics:
    """What went through an ingest pipeline since the nodes started, on all nodes."""

    id: str
    documents: int
    milliseconds: int
    current: int
    failed: int
    """Documents that left the pipeline with an error."""
    inference_documents: int
    inference_milliseconds: int
    inference_failed: int
    """Failures of its inference processors, caught by `on_failure` or not."""


def pipeline_statistics(settings: ElasticSettings) -> tuple[PipelineStatistics, ...]:
    """Every pipeline that was used, by id."""
    with calling("read the ingest statistics"):
        found: dict[str, Any] = connect(settings).nodes.stats(metric="ingest")["nodes"]
    return pipelines_of(found)


def hot_threads(settings: ElasticSettings) -> tuple[HotThread, ...]:
    """The busiest threads of every node, busiest first."""
    with calling("read the hot threads"):
        text = str(connect(settings).nodes.hot_threads())
    return threads_of(text)


def pipelines_of(nodes: dict[str, Any]) -> tuple[PipelineStatistics, ...]:
    """The pipelines in the `nodes` of an ingest statistics response."""
    sums: dict[str, Counter[str]] = {}
    for node in nodes.values():
        for id_, pipeline in node["ingest"]["pipelines"].items():
            inference = [
                processor["stats"]
                for entry in pipeline.get("processors", ())
                for processor in entry.values()
                if processor.get("type") == "inference"
            ]
            sums.setdefault(id_, Counter()).update(
                documents=pipeline["count"],
                milliseconds=pipeline["time_in_millis"],
                current=pipeline["current"],
                failed=pipeline["failed"],
                inference_documents=sum(stats["count"] for stats in inference),
                inference_milliseconds=sum(stats["time_in_millis"] for stats in inference),
                inference_failed=sum(stats["failed"] for stats in inference),
            )
    return tuple(
        PipelineStatistics(id=id_, **sum_) for id_, sum_ in sorted(sums.items()) if any(sum_.values())
    )


def threads_of(text: str) -> tuple[HotThread, ...]:
    """The threads in a hot threads response, busiest first."""
    node, found = "", list[HotThread]()
    for line in text.splitlines():
        if header := _NODE.match(line):
            node = header["node"]
        elif thread := _THREAD.match(line):
            found.append(
                HotThread(node, _pool(thread["thread"]), float(thread["percent"]), float(thread["cpu"]))
            )
    return tuple(sorted(found, key=lambda t: t.percent, reverse=True))


def _pool(thread: str) -> str:
    """`elasticsearch[instance-10][ml_native_inference_comms][T#12]` is `ml_native_inference_comms`."""
    parts = re.findall(r"\[([^\]]*)\]", thread)
    return parts[1] if len(parts) > 1 else thread
