"""Indices, pipelines and aliases, and documents loaded into an index."""
