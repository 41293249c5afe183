"""Known differences from the real services, and decisions made without knowing them. Shown in COVERAGE.md."""

from __future__ import annotations

DIFFERENCES = (
    "One port serves the three APIs. The token is that of the Vertex stand-in; there is no IAM.",
    (
        "A resource is not shown until its creation is done, and its name is taken from the beginning. A second creation meanwhile "
        "is refused as if it existed, unless it has the same `requestId`."
    ),
    "Operations end by the clock, which `--clock-factor` divides. Their durations are from memory.",
    (
        "A field that is not imitated is refused by name, as are filters and pages of listings, except `status != DONE` for "
        "operations. Firewall rules are stored and compared, without effect."
    ),
    (
        "Networks that the Vertex stand-in takes as peered from the start are `--peered-networks`; with an empty list Compute Engine "
        "and Service Networking are not enabled. A newly enabled API refuses calls for a nominal minute. APIs cannot be disabled."
    ),
    (
        "A connection is kept while an index endpoint is in its network: its removal then ends with the well-known error. A range "
        "may be deleted while a connection has it."
    ),
    (
        "An address for Private Service Connect is 127.x.y.z and not of its subnet, so that clients on this machine reach what a "
        "forwarding rule leads to. A connection is PENDING for 15 nominal seconds, then ACCEPTED or REJECTED by the endpoint's "
        "allowlist; an empty one accepts."
    ),
)
