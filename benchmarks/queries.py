"""Queries of a private endpoint in a sandbox: one Match at a time against BatchMatch, in the same run.

    python -m benchmarks.queries [--queries 500]

Ten neighbors of 100 floats each, brute force over 1,000 datapoints; the sandbox searches on the same machine, so its
work is in all numbers.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable
from functools import partial

import grpc
import numpy as np

from benchmarks.serving import DIMENSIONS, empty_index
from protos.match_service import MatchServiceStub
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.queries.matches import PRIVATE_PORT, PrivateMatches
from tasks.vertex.queries.neighbors import Query
from tasks.vertex.queries.queries import answer
from tasks.vertex.streaming.arrivals import wait_for_datapoints
from tasks.vertex.streaming.updates import apply_upserts
from tasks.waiting import Deadline

DATAPOINTS = 1000


def rate(ask: Callable[[], object], count: int) -> float:
    """Queries a second, the best of three runs."""
    seconds: list[float] = []
    for _ in range(3):
        began = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - began)
    return count / min(seconds)


def main() -> None:
    """Print one line a way, and how they compare with one Match at a time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queries")
    parser.add_argument("--queries", type=int, default=500)
    count: int = parser.parse_args().queries
    logging.disable(logging.INFO)
    random = np.random.default_rng(0)
    vectors = random.normal(size=(DATAPOINTS, DIMENSIONS)).astype(np.float32)
    points = [Datapoint(id=str(row), vector=vector) for row, vector in enumerate(vectors)]
    asked = random.normal(size=(count, DIMENSIONS)).astype(np.float32)
    queries = [Query(vector=vector) for vector in asked]
    with empty_index() as (settings, served):
        deadline = Deadline.after(minutes=5)
        apply_upserts.fn(settings, served, points, deadline)
        wait_for_datapoints.fn(settings, served, points, deadline)
        way = PrivateMatches(settings, served)
        with grpc.insecure_channel(f"{served.address}:{PRIVATE_PORT}") as channel:
            stub = MatchServiceStub(channel)
            stub.Match(way.single(queries[0]), timeout=10)

            def one_at_a_time() -> None:
                for query in queries:
                    stub.Match(way.single(query), timeout=10)

            single = rate(one_at_a_time, count)
        print(f"one Match at a time   {single:>8,.0f} queries/s")
        for per_request in (1, 10, 50, 200):
            batched = rate(partial(answer, settings, served, queries, per_request=per_request), count)
            print(f"BatchMatch of {per_request:<7} {batched:>8,.0f} queries/s   ratio {batched / single:.1f}")


if __name__ == "__main__":
    main()
