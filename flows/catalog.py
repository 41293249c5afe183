"""The flows as plain data, so that listing them imports none of them.

The command line, the deployments' test and the README are all made from this table.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One flow: where it is found and what it is for."""

    command: str
    """As typed after `python -m flows`: `vertex build`."""
    entrypoint: str
    """The module path that a deployment and the command line import: `flows.vertex.build:build_index`."""
    line: str
    """One line for people."""


FLOWS = (
    Entry("vertex check", "flows.vertex.check:check_preconditions", "Say what a build needs and does not find, and how to mend it."),
    Entry("vertex build", "flows.vertex.build:build_index", "Vectors from HDF5 to a deployed, queryable index."),
    Entry("vertex upsert-datapoints", "flows.vertex.upsert_datapoints:upsert_datapoints", "Stream datapoints into an index and wait until they are served."),
    Entry("vertex remove-datapoints", "flows.vertex.remove_datapoints:remove_datapoints", "Stream removals into an index and wait until they are gone."),
    Entry("vertex query", "flows.vertex.query:query_index", "Nearest neighbors, with filters and crowding."),
    Entry("vertex verify", "flows.vertex.verify:verify_index", "Measure recall and latency of what is served against exact search."),
    Entry("vertex teardown", "flows.vertex.teardown:teardown_index", "Remove everything that was made under a name."),
    Entry("vertex tour", "flows.vertex.tour:tour", "The whole life of a streaming index, each step checked."),
)  # fmt: skip
