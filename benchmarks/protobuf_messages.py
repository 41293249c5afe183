"""Building and serializing upserts: proto-plus objects against the raw messages beneath them, in the same run.

    python -m benchmarks.protobuf_messages [--datapoints 2000]

Each datapoint has 100 floats, a restrict and a crowding tag, as in Google's stream-update notebook; a request holds 100. Nothing is
sent: this is the cost on the client before the network, and both ways must give the same bytes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from google.cloud import aiplatform_v1 as v1
from numpy.typing import NDArray

INDEX = "projects/1/locations/us-central1/indexes/2"
A_REQUEST = 100

Build = Callable[[int, NDArray[np.float32]], bytes]


def with_proto_plus(first: int, vectors: NDArray[np.float32]) -> bytes:
    """The objects of the official client, as its samples use them."""
    datapoints = [
        v1.IndexDatapoint(
            datapoint_id=str(row),
            feature_vector=vector.tolist(),
            restricts=[v1.IndexDatapoint.Restriction(namespace="class", allow_list=[str(row)])],
            crowding_tag=v1.IndexDatapoint.CrowdingTag(crowding_attribute="ab"[row % 2]),
        )
        for row, vector in enumerate(vectors, start=first)
    ]
    request = v1.UpsertDatapointsRequest(index=INDEX, datapoints=datapoints)
    return v1.UpsertDatapointsRequest.serialize(request)


def with_raw_messages(first: int, vectors: NDArray[np.float32]) -> bytes:
    """The messages that proto-plus wraps, filled directly."""
    request = v1.UpsertDatapointsRequest.pb()(index=INDEX)
    for row, vector in enumerate(vectors, start=first):
        datapoint = request.datapoints.add(datapoint_id=str(row))
        datapoint.feature_vector.extend(vector.tolist())
        datapoint.restricts.add(namespace="class", allow_list=[str(row)])
        datapoint.crowding_tag.crowding_attribute = "ab"[row % 2]
    return request.SerializeToString()


def datapoints_a_second(build: Build, vectors: NDArray[np.float32]) -> float:
    """The best of three runs."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        for first in range(0, len(vectors), A_REQUEST):
            build(first, vectors[first : first + A_REQUEST])
        seconds.append(time.perf_counter() - started)
    return len(vectors) / min(seconds)


def main() -> None:
    """Print one line a way, and how they compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.protobuf_messages")
    parser.add_argument("--datapoints", type=int, default=2000)
    count: int = parser.parse_args().datapoints
    vectors = np.random.default_rng(0).normal(size=(count, 100)).astype(np.float32)
    if with_proto_plus(0, vectors[:3]) != with_raw_messages(0, vectors[:3]):
        raise SystemExit("The two ways give different bytes; the comparison would mean nothing.")
    slow, fast = (
        datapoints_a_second(with_proto_plus, vectors),
        datapoints_a_second(with_raw_messages, vectors),
    )
    print(f"proto-plus objects {slow:>9,.0f} datapoints/s")
    print(f"raw messages       {fast:>9,.0f} datapoints/s")
    print(f"ratio              {fast / slow:>9.1f}")


if __name__ == "__main__":
    main()
