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
    Entry("elastic check", "flows.elastic.check:check_cluster", "Say what the flows need of a cluster and do not find."),
    Entry("elastic deploy", "flows.elastic.deploy:deploy_model", "Download a model and start deployments of it that fit the nodes."),
    Entry("elastic load", "flows.elastic.load:load_documents", "Documents from a file into an index, each stored once."),
    Entry("elastic embed", "flows.elastic.embed:embed_documents", "Documents embedded into a new index, verified, the alias moved."),
    Entry("elastic search", "flows.elastic.search:search_documents", "Search an embedded index by meaning."),
    Entry("elastic verify", "flows.elastic.verify:verify_embedded", "See that an embedded index is complete and finds what it must."),
    Entry("elastic rollback", "flows.elastic.rollback:roll_back", "Let the alias point at the index before again."),
    Entry("elastic diagnose", "flows.elastic.diagnose:diagnose_cluster", "Say what is slow or fails, and the setting to change."),
    Entry("elastic teardown", "flows.elastic.teardown:teardown_embedded", "Remove what was embedded under a name; never its source."),
    Entry("elastic tour", "flows.elastic.tour:tour", "The notebook's path from a model to searches by meaning, each step checked."),
)  # fmt: skip
