"""Indexes, endpoints and deployed indexes."""
