"""Aggregations: what a search computes over all documents that its query matches."""
