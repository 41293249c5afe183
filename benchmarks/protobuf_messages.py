"""Building and serializing upserts: proto-plus objects against the raw messages beneath them, filled from numbers and from bytes.

    python -m benchmarks.protobuf_messages [--datapoints 2000]

Each datapoint has 100 floats, a restrict and a crowding tag, as in Google's stream-update notebook; a request holds 100. Nothing is
sent: this is the cost on the client before the network, and all must give the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
from google.cloud import aiplatform_v1 as v1
from numpy.typing import NDArray

from benchmarks.measured import Comparison, in_turn
from tasks.vertex.datapoints.messages import add_public_vectors

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


def with_raw_messages_from_bytes(first: int, vectors: NDArray[np.float32]) -> bytes:
    """The same, with each vector as the bytes that are sent: ours."""
    request = v1.UpsertDatapointsRequest.pb()(index=INDEX)
    for row, vector in enumerate(vectors, start=first):
        datapoint = request.datapoints.add(datapoint_id=str(row))
        add_public_vectors(datapoint, vector, None)
        datapoint.restricts.add(namespace="class", allow_list=[str(row)])
        datapoint.crowding_tag.crowding_attribute = "ab"[row % 2]
    return request.SerializeToString()


WAYS: dict[str, Build] = {
    "proto-plus objects": with_proto_plus,
    "raw messages": with_raw_messages,
    "raw messages, vectors as bytes": with_raw_messages_from_bytes,
}


def build_all(build: Build, vectors: NDArray[np.float32]) -> None:
    """Build every request."""
    for first in range(0, len(vectors), A_REQUEST):
        build(first, vectors[first : first + A_REQUEST])


def comparisons(datapoints: int = 2000) -> list[Comparison]:
    """One."""
    vectors = np.random.default_rng(0).normal(size=(datapoints, 100)).astype(np.float32)
    if len({build(0, vectors[:3]) for build in WAYS.values()}) > 1:
        raise SystemExit("The ways give different bytes; the comparison would mean nothing.")
    ways = {way: partial(build_all, build, vectors) for way, build in WAYS.items()}
    return [in_turn("Building and serializing upserts", ways, count=datapoints, unit="datapoints/s")]


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.protobuf_messages")
    parser.add_argument("--datapoints", type=int, default=2000)
    for comparison in comparisons(parser.parse_args().datapoints):
        print(comparison)


if __name__ == "__main__":
    main()
