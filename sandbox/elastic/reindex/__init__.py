"""Reindex and update by query."""
