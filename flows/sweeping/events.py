"""The event of a sweep that found something: sent by the flow, waited for by an automation."""

SWEPT = "vector-search.sweep.found"
SWEPT_TARGET = "vector-search.target."
"""The beginning of its resource's id, before the target."""
