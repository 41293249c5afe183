"""Queries of a private endpoint in a sandbox: one Match at a time against BatchMatch, in the same run.

    python -m benchmarks.queries [--queries 500]

Ten neighbors of 100 floats each, brute force over 1,000 datapoints; the sandbox searches on the same machine, so its
work is in all numbers.
"""

from __future__ import annotations

import argparse
import logging
from functools import partial

import grpc
import numpy as np

from benchmarks.measured import Comparison, in_turn
from benchmarks.serving import DIMENSIONS, empty_index
from protos.match_service import MatchServiceStub
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.queries.matches import PRIVATE_PORT, PrivateMatches
from tasks.vertex.queries.neighbors import Query
from tasks.vertex.queries.queries import QUERIES_PER_REQUEST, answer
from tasks.vertex.streaming.arrivals import wait_for_datapoints
from tasks.vertex.streaming.updates import apply_upserts
from tasks.waiting import Deadline

DATAPOINTS = 1000
PER_REQUEST = (1, 10, QUERIES_PER_REQUEST, 200)


def comparisons(queries: int = 500) -> list[Comparison]:
    """One."""
    logging.disable(logging.INFO)
    random = np.random.default_rng(0)
    vectors = random.normal(size=(DATAPOINTS, DIMENSIONS)).astype(np.float32)
    points = [Datapoint(id=str(row), vector=vector) for row, vector in enumerate(vectors)]
    vectors = random.normal(size=(queries, DIMENSIONS)).astype(np.float32)
    asked = [Query(vector=vector) for vector in vectors]
    with empty_index() as (settings, served):
        deadline = Deadline.after(minutes=5)
        apply_upserts.fn(settings, served, points, deadline)
        wait_for_datapoints.fn(settings, served, points, deadline)
        way = PrivateMatches(settings, served)
        with grpc.insecure_channel(f"{served.address}:{PRIVATE_PORT}") as channel:
            stub = MatchServiceStub(channel)

            def one_at_a_time() -> None:
                for query in asked:
                    stub.Match(way.single(query), timeout=10)

            batched = {
                f"BatchMatch of {per_request}": partial(
                    answer, settings, served, asked, per_request=per_request
                )
                for per_request in PER_REQUEST
            }
            ways = {"one Match at a time": one_at_a_time, **batched}
            found = in_turn("Queries of a sandbox", ways, count=queries, unit="queries/s")
            return [found.aiming(f"BatchMatch of {QUERIES_PER_REQUEST}", rate=10_000)]


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queries")
    parser.add_argument("--queries", type=int, default=500)
    for comparison in comparisons(parser.parse_args().queries):
        print(comparison)


if __name__ == "__main__":
    main()
