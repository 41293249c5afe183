"""Upserting datapoints: our step against proto-plus objects through the same client, in the same run.

    python -m benchmarks.datapoints [--datapoints 5000]

Each datapoint has 100 floats, a restrict and a crowding tag, as in Google's stream-update notebook; a request holds 100. Ours also
checks all of them first. The quotas are lifted, or the pace would be all that is measured. Once a request ends when it is serialized,
which is the work of the client alone; once it goes to a sandbox, whose work is in both numbers, on the same machine.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
from google.cloud import aiplatform_v1 as v1

from benchmarks.measured import Comparison, in_turn
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


def with_our_step(settings: VertexSettings, served: ServedIndex, points: Sequence[Datapoint]) -> None:
    """The project's way: checked, raw messages, paced."""
    apply_upserts.fn(settings, served, points, Deadline.after(minutes=10), quotas=NO_QUOTAS)


def with_proto_plus(settings: VertexSettings, served: ServedIndex, points: Sequence[Datapoint]) -> None:
    """The objects of the official client, as its samples use them."""
    client = connect(settings).indexes
    for start in range(0, len(points), DATAPOINTS_PER_REQUEST):
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
            for point in points[start : start + DATAPOINTS_PER_REQUEST]
        ]
        client.upsert_datapoints(v1.UpsertDatapointsRequest(index=served.index, datapoints=datapoints))


def serialize(_: v1.IndexServiceClient, request: v1.UpsertDatapointsRequest, **_options: Any) -> None:
    """What the client does with a request before it goes out."""
    v1.UpsertDatapointsRequest.serialize(request)


def comparisons(datapoints: int = 5000) -> list[Comparison]:
    """The client alone, and with a sandbox."""
    logging.disable(logging.INFO)
    vectors = np.random.default_rng(0).normal(size=(datapoints, DIMENSIONS)).astype(np.float32)
    points = [
        Datapoint(
            id=str(row),
            vector=vector,
            restricts=(Restrict(namespace="class", allow=(str(row),)),),
            crowding_tag="ab"[row % 2],
        )
        for row, vector in enumerate(vectors)
    ]
    with empty_index() as (settings, served):
        ways = {
            "proto-plus objects": partial(with_proto_plus, settings, served, points),
            "ours": partial(with_our_step, settings, served, points),
        }
        with patch.object(v1.IndexServiceClient, "upsert_datapoints", serialize):
            alone = in_turn("Upserts, the client's work alone", ways, count=datapoints, unit="datapoints/s")
        both = in_turn("Upserts into a sandbox", ways, count=datapoints, unit="datapoints/s")
        return [alone.aiming("ours", rate=80_000), both]


def main() -> None:
    """Print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.datapoints")
    parser.add_argument("--datapoints", type=int, default=5000)
    for comparison in comparisons(parser.parse_args().datapoints):
        print(comparison)


if __name__ == "__main__":
    main()
