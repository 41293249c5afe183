"""Datapoints streamed into an index, and removed from it."""
