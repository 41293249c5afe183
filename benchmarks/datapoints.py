"""Upserting datapoints into a sandbox: our step against proto-plus objects through the same client, in the same run.

    python -m benchmarks.datapoints [--datapoints 5000]

Each datapoint has 100 floats, a restrict and a crowding tag, as in Google's stream-update notebook. Both ways send as many a request;
the quotas are lifted, or the pace would be all that is measured. The sandbox's work is in both numbers, on the same
machine, so the ratio is smaller than that of building messages alone (benchmarks/protobuf_messages.py).
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Sequence

import numpy as np
from google.cloud import aiplatform_v1 as v1

from benchmarks.serving import DIMENSIONS, empty_index
from tasks.vertex.connection.clients import connect
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.filters import Restrict
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import VertexSettings
from tasks.vertex.streaming.pace import Quotas
from tasks.vertex.streaming.updates import DATAPOINTS_PER_REQUEST, apply_upserts
from tasks.waiting import Deadline

NO_QUOTAS = Quotas(requests=1e12, bytes=1e15)

Upsert = Callable[[VertexSettings, ServedIndex, Sequence[Datapoint], int], None]


def with_our_step(
    settings: VertexSettings, served: ServedIndex, points: Sequence[Datapoint], per_request: int
) -> None:
    """The project's way: checked, raw messages, paced."""
    deadline = Deadline.after(minutes=10)
    apply_upserts.fn(settings, served, points, deadline, per_request=per_request, quotas=NO_QUOTAS)


def with_proto_plus(
    settings: VertexSettings, served: ServedIndex, points: Sequence[Datapoint], per_request: int
) -> None:
    """The objects of the official client, as its samples use them."""
    client = connect(settings).indexes
    for start in range(0, len(points), per_request):
        datapoints = [
            v1.IndexDatapoint(
                datapoint_id=point.id,
                feature_vector=[] if point.vector is None else point.vector.tolist(),
                restricts=[
                    v1.IndexDatapoint.Restriction(namespace=r.namespace, allow_list=r.allow)
                    for r in point.restricts
                ],
                crowding_tag=v1.IndexDatapoint.CrowdingTag(crowding_attribute=point.crowding_tag),
            )
            for point in points[start : start + per_request]
        ]
        client.upsert_datapoints(v1.UpsertDatapointsRequest(index=served.index, datapoints=datapoints))


def main() -> None:
    """Print one line a way and size of request, and how they compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.datapoints")
    parser.add_argument("--datapoints", type=int, default=5000)
    count: int = parser.parse_args().datapoints
    logging.disable(logging.INFO)
    vectors = np.random.default_rng(0).normal(size=(count, DIMENSIONS)).astype(np.float32)
    points = [
        Datapoint(
            id=str(row),
            vector=vector,
            restricts=(Restrict(namespace="class", allow=(str(row),)),),
            crowding_tag="ab"[row % 2],
        )
        for row, vector in enumerate(vectors)
    ]
    ways: dict[str, Upsert] = {"proto-plus objects": with_proto_plus, "our step": with_our_step}
    with empty_index() as (settings, served):
        for per_request in (DATAPOINTS_PER_REQUEST, 1000):
            rates: list[float] = []
            for name, upsert in ways.items():
                upsert(settings, served, points[:per_request], per_request)  # warm
                seconds: list[float] = []
                for _ in range(3):
                    began = time.perf_counter()
                    upsert(settings, served, points, per_request)
                    seconds.append(time.perf_counter() - began)
                rates.append(count / min(seconds))
                print(f"{name:18} {per_request:>5,} a request {rates[-1]:>9,.0f} datapoints/s")
            print(f"ratio {rates[1] / rates[0]:>46.1f}")


if __name__ == "__main__":
    main()
