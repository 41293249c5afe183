"""Ingest pipelines and their processors."""
